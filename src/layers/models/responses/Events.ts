/**
 * From the bytes of a Responses stream to what the turn loop understands.
 *
 * Owns the reading of one answer: server-sent events, the item that deltas belong to, the end of the answer. One call takes
 * a network chunk and appends all its events at once, without an effect per event. Does not own time (idle streams) or the
 * connection.
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
 * What one answer may amount to. Beyond it the stream fails and is not repeated. A model's longest answers are 128 000
 * tokens, some 700 KB of text; images are larger, and the end of an answer repeats all its items.
 */
export interface Limits {
  /** UTF-16 units of one event. */
  readonly event: number
  /** UTF-16 units of an event that is neither an image nor the end of the answer. */
  readonly text: number
  /** Bytes of all events together. */
  readonly answer: number
  /** Finished items; each call among them gets an output. */
  readonly items: number
}

export const limits: Limits = {
  event: 16 * 1024 * 1024,
  text: 4 * 1024 * 1024,
  answer: 256 * 1024 * 1024,
  items: 16_384
}

/** What the parser holds for each line and for each network chunk of an unfinished event, beside its text (bytes). */
const PieceCost = 64

/**
 * Counts the pieces of an unfinished event. The parser limits the length of the text only; a line of one character takes
 * many times its length.
 */
class Pieces {
  #count = 0
  /** The last character, where it ended a line. */
  #end = ""

  /** Whether the event has more pieces than fit `bytes`. Any two line ends except CR LF enclose an empty line, an event's end. */
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

/** UTF-16 units of an item's id, which is repeated in each of its deltas, and of a call's. */
const MaxId = 256

/** Types of events, and of the items of events, that may be larger than others. */
const large = ["image_generation_call", "response.completed", "response.incomplete", "response.failed"]

const mayBeLarge = (event: JsonObject): boolean =>
  large.some((type) => type === event["type"] || type === objectIn(event, "item")["type"])

/** How far an answer has got. */
export type Progress =
  | { readonly _tag: "Open" | "Completed" }
  | { readonly _tag: "Failed"; readonly failure: FailureType }

const open: Progress = { _tag: "Open" }

const decodeItem = (() => {
  let decode: ((input: unknown) => Option.Option<ResponseItem>) | undefined
  return (input: unknown) => (decode ??= Schema.decodeUnknownOption(ResponseItem()))(input)
})()

/** The item that deltas belong to. They are distinguished by order, not by the id they carry. */
interface ActiveItem {
  readonly id: string
  readonly kind: "message" | "reasoning"
  /** Whether the server gave it its id; one that it left unnamed keeps the id it was announced with. */
  readonly named: boolean
}

/** No model counts so many tokens; the sum over a thread stays an exact integer. */
const MaxTokens = 1e12

const tokensIn = (object: JsonObject, key: string): number | undefined => {
  const count = countIn(object, key)
  return count === undefined || count > MaxTokens ? undefined : count
}

/** The tokens of an answer. What a server leaves out counts as nothing; one that counts nothing does not count. */
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
 * The id of an item; `undefined` where it has none that is of use, `null` where it has something else than text: the
 * release takes no such item.
 */
const idOf = (item: JsonObject): string | undefined | null => {
  const id = item["id"]
  if (id === undefined || id === null || id === "") return undefined
  if (typeof id !== "string") return null
  return id.length > MaxId ? undefined : id
}

/** Whether the output of a call can name it. */
const isCallable = (item: JsonObject): boolean => (stringIn(item, "call_id")?.length ?? 0) <= MaxId

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
  #active: ActiveItem | undefined
  #out: Array<ModelEvent> = []
  /** Events seen so far, of whatever kind. A comment is none. */
  events = 0

  /**
   * `newItemId` names items that the server left unnamed; it gets the number of the item within the answer, from 0.
   * Finished items are also put into `items`.
   */
  constructor(newItemId: (index: number) => string, items: Array<ResponseItem>, options?: Partial<Limits>) {
    this.#newItemId = newItemId
    this.#items = items
    this.#limits = { ...limits, ...options }
    // It reads in linear time: 30 MB in chunks of 1 KB take as long as in chunks of 64 KB.
    this.#parser = Sse.makeParser((event) => this.#onEvent(event), { maxEventSize: this.#limits.event })
  }

  /** Takes the next bytes and appends what they complete to `out`. Whatever follows the end of the answer is dropped. */
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

  /** What kinds of thing were left out for the first time since the last call, for the log; without content. */
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
    // Looked for in the text first: parsing takes long.
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

  /** The item that something of this kind belongs to. */
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

  #itemAdded(item: JsonObject): void {
    const kind = item["type"]
    if (kind !== "reasoning" && !(kind === "message" && item["role"] === "assistant")) return
    const id = idOf(item)
    if (id === null) return this.#skip("an item whose id is no text")
    if (++this.#started > this.#limits.items) return void this.#fail(Failure.tooManyItems())
    this.#active = { id: id ?? this.#newItemId(this.#items.length), kind, named: id !== undefined }
    this.#out.push({ _tag: "ItemStarted", itemId: this.#active.id, kind })
  }

  #itemDone(item: JsonObject): void {
    const active = this.#active
    this.#active = undefined
    const id = idOf(item)
    const { id: _, ...unnamed } = item
    // An item that was announced under a made-up name keeps it: who saw its start waits for its end.
    const isAnnounced = active?.named === false && active.kind === item["type"]
    const named = isAnnounced ? { ...unnamed, id: active.id } : id === undefined ? unnamed : item
    const decoded = id === null || !isCallable(item) ? Option.none() : decodeItem(named)
    if (Option.isNone(decoded) || decoded.value.type === "other")
      return this.#skip("an item that is not of the protocol")
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
