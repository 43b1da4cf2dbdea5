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
import { ResponseItem } from "../../../protocol/ResponseItem.ts"
import type { ModelEvent, ModelUsage } from "../../../services/ModelProvider.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./Failure.ts"
import { countIn, type JsonObject, objectIn, parseObject, stringIn } from "./Json.ts"

/** UTF-16 units of one event that are held while it arrives; an image in an item is the largest thing that is known. */
export const MaxEventSize = 32 * 1024 * 1024

/** How far an answer has got. */
export type Progress =
  | { readonly _tag: "Open" | "Completed" }
  | { readonly _tag: "Failed"; readonly failure: FailureType }

const open: Progress = { _tag: "Open" }

const decodeItem = (() => {
  let decode: ((input: unknown) => Option.Option<ResponseItem>) | undefined
  return (input: unknown) => (decode ??= Schema.decodeUnknownOption(ResponseItem()))(input)
})()

/** The item that deltas belong to. They are told apart by order, not by the id they carry. */
interface ActiveItem {
  readonly id: string
  readonly kind: "message" | "reasoning"
  /** The server gave it no id; it keeps the one it was announced with. */
  readonly named: boolean
}

/** The tokens of an answer. What a server leaves out counts as nothing; one that counts nothing does not count. */
export const usageOf = (usage: unknown): ModelUsage | null => {
  if (!Predicate.isObject(usage)) return null
  const input = countIn(usage, "input_tokens")
  const output = countIn(usage, "output_tokens")
  if (input === undefined && output === undefined) return null
  const inputTokens = input ?? 0
  const outputTokens = output ?? 0
  return {
    inputTokens,
    cachedInputTokens: countIn(objectIn(usage, "input_tokens_details"), "cached_tokens") ?? 0,
    outputTokens,
    reasoningOutputTokens: countIn(objectIn(usage, "output_tokens_details"), "reasoning_tokens") ?? 0,
    totalTokens: countIn(usage, "total_tokens") ?? inputTokens + outputTokens
  }
}

/** Reads one answer. */
export class Reader {
  readonly #newItemId: (index: number) => string
  readonly #items: Array<ResponseItem>
  readonly #text = new TextDecoder("utf-8", { fatal: true })
  readonly #parser: Sse.Parser
  readonly #skipped = new Set<string>()
  #told = 0
  #progress: Progress = open
  #active: ActiveItem | undefined
  #out: Array<ModelEvent> = []
  /** Events seen so far, of whatever kind. A comment is none. */
  events = 0

  /**
   * `newItemId` names items that the server left unnamed; it gets the number of the item within the answer, from 0.
   * Finished items are also put into `items`.
   */
  constructor(newItemId: (index: number) => string, items: Array<ResponseItem>, maxEventSize: number = MaxEventSize) {
    this.#newItemId = newItemId
    this.#items = items
    this.#parser = Sse.makeParser((event) => this.#onEvent(event), { maxEventSize })
  }

  /** Takes the next bytes and appends what they complete to `out`. Whatever follows the end of the answer is dropped. */
  feed(bytes: Uint8Array, out: Array<ModelEvent>): Progress {
    if (this.#progress._tag !== "Open") return this.#progress
    this.#out = out
    let text: string
    try {
      text = this.#text.decode(bytes, { stream: true })
    } catch {
      return this.#fail(Failure.notText())
    }
    const error = this.#parser.feed(text)
    return error === undefined ? this.#progress : this.#fail(Failure.eventTooLarge())
  }

  /** What kinds of thing were left out for the first time since the last call, for the log; without content. */
  skipped(): ReadonlyArray<string> {
    if (this.#skipped.size === this.#told) return []
    const fresh = [...this.#skipped].slice(this.#told)
    this.#told = this.#skipped.size
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
    const data = parseObject(event.data)
    if (data === undefined) this.#skip("an event that is not a JSON object")
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

  /** The text of a delta; an empty one says nothing. */
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
    const named = stringIn(item, "id")
    this.#active = { id: named ?? this.#newItemId(this.#items.length), kind, named: named !== undefined }
    this.#out.push({ _tag: "ItemStarted", itemId: this.#active.id, kind })
  }

  #itemDone(item: JsonObject): void {
    const active = this.#active
    this.#active = undefined
    const isUnnamed = item["id"] === undefined && active?.named === false && active.kind === item["type"]
    const decoded = decodeItem(isUnnamed ? { ...item, id: active.id } : item)
    if (Option.isNone(decoded) || decoded.value.type === "other")
      return this.#skip("an item that is not of the protocol")
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
