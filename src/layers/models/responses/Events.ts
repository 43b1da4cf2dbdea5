/**
 * Parses the bytes of a Responses stream to model events.
 *
 * Owns the reading of one answer: server-sent events, the item of each delta, the end of the answer. One call takes a
 * network chunk and appends all its events, without an effect per event. Does not own time (idle streams) or the connection.
 *
 * @module
 */
import * as Sse from "effect/encoding/Sse"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelEvent, ModelUsage } from "../../../services/model/ModelProvider.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./StreamFailure.ts"
import { countIn, type JsonObject, objectIn, readObject, stringIn } from "./Json.ts"

/**
 * Limits of one answer. Beyond them the stream fails without a retry. The longest answers of models are 128 000 tokens,
 * about 700 KB of text; images are larger, and the end of an answer repeats all its items.
 */
export interface Limits {
  /** Maximum size of one event in UTF-16 units. */
  readonly event: number
  /** The same for an event that is neither an image nor the end of the answer. */
  readonly text: number
  /** Maximum total size of all events in bytes. */
  readonly answer: number
  /** Maximum number of finished items. Each call among them gets an output. */
  readonly items: number
}

export const limits: Limits = {
  event: 16 * 1024 * 1024,
  text: 4 * 1024 * 1024,
  answer: 256 * 1024 * 1024,
  items: 16_384
}

/** Overhead of the parser per line and per network chunk of an unfinished event, in bytes. */
const PieceCost = 64

/**
 * Counts the pieces of an unfinished event. The parser limits only the length of the text, but a line of one character takes
 * many times its length.
 */
class Pieces {
  #count = 0
  /** The last character, if it ended a line. */
  #end = ""

  /** Whether the event has more pieces than fit `bytes`. Two adjacent line ends other than CR LF enclose an empty line, which ends an event. */
  exceed(bytes: number, text: string): boolean {
    const isBlank = text !== "" && this.#end !== "" && /^[\r\n]/.test(text) && this.#end + text.charAt(0) !== "\r\n"
    const end = Math.max(text.lastIndexOf("\n\n"), text.lastIndexOf("\r\r"), text.lastIndexOf("\n\r"))
    if (isBlank || end >= 0) this.#count = 0
    const start = end < 0 ? 0 : end + 2
    this.#count += 1 + occurrences(text, "\n", start) + occurrences(text, "\r", start)
    const last = text.at(-1)
    if (last !== undefined) this.#end = last === "\n" || last === "\r" ? last : ""
    return this.#count * PieceCost > bytes
  }
}

const occurrences = (text: string, what: string, from: number): number => {
  let count = 0
  for (let at = text.indexOf(what, from); at >= 0; at = text.indexOf(what, at + 1)) count++
  return count
}

/** Maximum length of the id of an item, which each of its deltas repeats, and of a call, in UTF-16 units. */
const MaxId = 256

/** Types of events and items that may exceed the smaller limit. */
const large = ["image_generation_call", "response.completed", "response.incomplete", "response.failed"]

const mayBeLarge = (event: JsonObject): boolean =>
  large.some((type) => type === event["type"] || type === objectIn(event, "item")["type"])

/** The progress of an answer. */
export type Progress =
  | { readonly _tag: "Open" | "Completed" }
  | { readonly _tag: "Failed"; readonly failure: FailureType }

const open: Progress = { _tag: "Open" }

const decodeItem = (() => {
  let decode: ((input: unknown) => Option.Option<ResponseItem>) | undefined
  return (input: unknown) => (decode ??= Schema.decodeUnknownOption(ResponseItem()))(input)
})()

/** The item that deltas belong to. Deltas belong to the current item, whatever id they carry. */
interface ActiveItem {
  readonly id: string
  readonly kind: "message" | "reasoning" | "webSearch"
  /** Whether the server provided the id. Otherwise the item keeps the id of its announcement. */
  readonly named: boolean
}

/** Upper limit of a token count, so that sums over a thread stay exact integers. */
const MaxTokens = 1e12

const tokensIn = (object: JsonObject, key: string): number | undefined => {
  const count = countIn(object, key)
  return count === undefined || count > MaxTokens ? undefined : count
}

/** The token usage of an answer. Missing counts are 0; without any count there is no usage. */
export const usageOf = (usage: unknown): ModelUsage | null => {
  if (!Predicate.isObject(usage)) return null
  const input = tokensIn(usage, "input_tokens")
  const output = tokensIn(usage, "output_tokens")
  if (input === undefined && output === undefined) return null
  const inputTokens = input ?? 0
  const outputTokens = output ?? 0
  return {
    inputTokens,
    cachedInputTokens: tokensIn(objectIn(usage, "input_tokens_details"), "cached_tokens") ?? 0,
    outputTokens,
    reasoningOutputTokens: tokensIn(objectIn(usage, "output_tokens_details"), "reasoning_tokens") ?? 0,
    totalTokens: tokensIn(usage, "total_tokens") ?? inputTokens + outputTokens
  }
}

/**
 * The id of an item; `undefined` when it is missing or unusable, `null` when it is not a string: the release refuses such an
 * item.
 */
const idOf = (item: JsonObject): string | undefined | null => {
  const id = item["id"]
  if (id === undefined || id === null || id === "") return undefined
  if (typeof id !== "string") return null
  return id.length > MaxId ? undefined : id
}

/** Whether an output can refer to the call. */
const isCallable = (item: JsonObject): boolean => (stringIn(item, "call_id")?.length ?? 0) <= MaxId

/** The kind of an item that is announced before it is complete. */
const kindOf = (item: JsonObject): ActiveItem["kind"] | undefined => {
  switch (item["type"]) {
    case "reasoning":
      return "reasoning"
    case "message":
      return item["role"] === "assistant" ? "message" : undefined
    case "web_search_call":
      return "webSearch"
    default:
      return undefined
  }
}

/** Reads one answer. */
export class Reader {
  readonly #newItemId: (index: number) => string
  readonly #items: Array<ResponseItem>
  readonly #text = new TextDecoder("utf-8", { fatal: true })
  readonly #parser: Sse.Parser
  readonly #pieces = new Pieces()
  readonly #skipped = new Set<string>()
  readonly #limits: Limits
  #reported = 0
  #bytes = 0
  #started = 0
  #progress: Progress = open
  /** The call of a custom tool whose input is being received. */
  #customCall: { readonly callId: string; readonly name: string } | undefined
  #active: ActiveItem | undefined
  #out: Array<ModelEvent> = []
  /** Number of events so far, of any kind. Comments do not count. */
  events = 0

  /**
   * `newItemId` names items without an id; it gets the number of the item within the answer, from 0. Finished items are also
   * appended to `items`.
   */
  constructor(newItemId: (index: number) => string, items: Array<ResponseItem>, options?: Partial<Limits>) {
    this.#newItemId = newItemId
    this.#items = items
    this.#limits = { ...limits, ...options }
    // The parser takes linear time: 30 MB in chunks of 1 KB take as long as in chunks of 64 KB.
    this.#parser = Sse.makeParser((event) => this.#onEvent(event), { maxEventSize: this.#limits.event })
  }

  /** Parses the next bytes and appends the completed events to `out`. Bytes after the end of the answer are dropped. */
  feed(bytes: Uint8Array, out: Array<ModelEvent>): Progress {
    if (this.#progress._tag !== "Open") return this.#progress
    this.#out = out
    this.#bytes += bytes.length
    if (this.#bytes > this.#limits.answer) return this.#fail(Failure.answerTooLarge())
    let text: string
    try {
      text = this.#text.decode(bytes, { stream: true })
    } catch {
      return this.#fail(Failure.notText())
    }
    const error = this.#parser.feed(text)
    const isTooLarge = this.#pieces.exceed(this.#limits.event, text) || error !== undefined
    return isTooLarge ? this.#fail(Failure.eventTooLarge()) : this.#progress
  }

  /** The kinds of content skipped for the first time since the last call, for the log; without payloads. */
  skipped(): ReadonlyArray<string> {
    if (this.#skipped.size === this.#reported) return []
    const fresh = [...this.#skipped].slice(this.#reported)
    this.#reported = this.#skipped.size
    return fresh
  }

  #fail(failure: FailureType): Progress {
    if (this.#progress._tag === "Open") this.#progress = { _tag: "Failed", failure }
    return this.#progress
  }

  #skip(what: string): void {
    this.#skipped.add(what)
  }

  #onEvent(event: Sse.AnyEvent): void {
    if (event._tag !== "Event" || this.#progress._tag !== "Open") return
    this.events++
    const { length } = event.data
    const isLarge = length > this.#limits.text
    // Search the text first, because parsing is slow.
    if (length > this.#limits.event || (isLarge && !large.some((name) => event.data.includes(`"${name}"`))))
      return void this.#fail(Failure.eventTooLarge())
    const data = readObject(event.data)
    if (typeof data === "string") this.#skip(data)
    else if (isLarge && !mayBeLarge(data)) this.#fail(Failure.eventTooLarge())
    else this.#onData(data)
  }

  #onData(event: JsonObject): void {
    switch (event["type"]) {
      case "response.output_text.delta":
        return this.#textDelta(event)
      case "response.reasoning_summary_text.delta":
        return this.#summaryDelta(event)
      case "response.reasoning_text.delta":
        return this.#reasoningDelta(event)
      case "response.reasoning_summary_part.added":
        return this.#summaryPart(event)
      case "response.custom_tool_call_input.delta":
        return this.#toolInput(event)
      case "response.output_item.added":
        return this.#itemAdded(objectIn(event, "item"))
      case "response.output_item.done":
        return this.#itemDone(objectIn(event, "item"))
      case "response.completed":
        return this.#completed(objectIn(event, "response"))
      case "response.failed":
        this.#fail(Failure.ofFailedResponse(objectIn(event, "response")))
        return
      case "response.incomplete":
        this.#fail(Failure.ofIncompleteResponse(objectIn(event, "response")))
        return
    }
  }

  /** The current item, if a delta of this kind belongs to it. */
  #activeOf(kind: ActiveItem["kind"]): ActiveItem | undefined {
    if (this.#active?.kind === kind) return this.#active
    this.#skip("a delta without an active item")
    return undefined
  }

  /** The text of a delta; an empty one is skipped. */
  #deltaOf(event: JsonObject): string | undefined {
    const delta = event["delta"]
    if (typeof delta !== "string") this.#skip("a delta without text")
    else if (delta !== "") return delta
    return undefined
  }

  #textDelta(event: JsonObject): void {
    const active = this.#activeOf("message")
    const delta = this.#deltaOf(event)
    if (active === undefined || delta === undefined) return
    this.#out.push({ _tag: "TextDelta", itemId: active.id, delta })
  }

  #summaryDelta(event: JsonObject): void {
    const active = this.#activeOf("reasoning")
    const delta = this.#deltaOf(event)
    const summaryIndex = countIn(event, "summary_index")
    if (active === undefined || delta === undefined || summaryIndex === undefined) return
    this.#out.push({ _tag: "SummaryDelta", itemId: active.id, summaryIndex, delta })
  }

  #reasoningDelta(event: JsonObject): void {
    const active = this.#activeOf("reasoning")
    const delta = this.#deltaOf(event)
    const contentIndex = countIn(event, "content_index")
    if (active === undefined || delta === undefined || contentIndex === undefined) return
    this.#out.push({ _tag: "ReasoningDelta", itemId: active.id, contentIndex, delta })
  }

  #summaryPart(event: JsonObject): void {
    const active = this.#activeOf("reasoning")
    const summaryIndex = countIn(event, "summary_index")
    if (active === undefined || summaryIndex === undefined) return
    this.#out.push({ _tag: "SummaryPartAdded", itemId: active.id, summaryIndex })
  }

  #toolInput(event: JsonObject): void {
    const delta = this.#deltaOf(event)
    if (this.#customCall === undefined || delta === undefined) return
    this.#out.push({ _tag: "ToolInputDelta", ...this.#customCall, delta })
  }

  #itemAdded(item: JsonObject): void {
    const { call_id: callId, name, type } = item
    const isCustomCall = type === "custom_tool_call" && typeof callId === "string" && typeof name === "string"
    this.#customCall = isCustomCall ? { callId, name } : undefined
    const kind = kindOf(item)
    if (kind === undefined) return
    const id = idOf(item)
    if (id === null) return this.#skip("an item whose id is not a string")
    if (++this.#started > this.#limits.items) return void this.#fail(Failure.tooManyItems())
    this.#active = { id: id ?? this.#newItemId(this.#items.length), kind, named: id !== undefined }
    this.#out.push({ _tag: "ItemStarted", itemId: this.#active.id, kind })
  }

  #itemDone(item: JsonObject): void {
    this.#customCall = undefined
    const active = this.#active
    this.#active = undefined
    const id = idOf(item)
    const { id: _, ...unnamed } = item
    // An item that was announced with a generated id keeps it, because clients match its end by id.
    const isAnnounced = active?.named === false && active.kind === kindOf(item)
    const named = isAnnounced ? { ...unnamed, id: active.id } : id === undefined ? unnamed : item
    const decoded = id === null || !isCallable(item) ? Option.none() : decodeItem(named)
    if (Option.isNone(decoded) || decoded.value.type === "other") return this.#skip("an item outside the protocol")
    if (this.#items.length >= this.#limits.items) return void this.#fail(Failure.tooManyItems())
    this.#items.push(decoded.value)
    this.#out.push({ _tag: "ItemDone", item: decoded.value })
  }

  #completed(response: JsonObject): void {
    this.#out.push({
      _tag: "Completed",
      usage: usageOf(response["usage"]),
      endTurn: response["end_turn"] !== false
    })
    this.#progress = { _tag: "Completed" }
  }
}
