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
import * as Schema from "effect/Schema"
import { ResponseItem } from "../../../protocol/ResponseItem.ts"
import type { ModelEvent, ModelUsage } from "../../../services/ModelProvider.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./Failure.ts"
import { countIn, isObject, type JsonObject, objectIn, parseObject, stringIn } from "./Json.ts"

/** UTF-16 units of one event that are held while it arrives; an image in an item is the largest thing that is known. */
export const MaxEventSize = 32 * 1024 * 1024

/** How far an answer has got. */
export type Progress =
  | { readonly _tag: "Open" | "Completed" }
  | { readonly _tag: "Failed"; readonly failure: FailureType }

const open: Progress = { _tag: "Open" }
const completed: Progress = { _tag: "Completed" }

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
  if (!isObject(usage)) return null
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
export interface Reader {
  /**
   * Takes the next bytes and appends what they complete to `out`. Whatever follows the end of the answer is dropped.
   */
  readonly feed: (bytes: Uint8Array, out: Array<ModelEvent>) => Progress
  /** Events seen so far, of whatever kind. A comment is none. */
  readonly events: () => number
  /** What kinds of thing were left out for the first time since the last call, for the log; without content. */
  readonly skipped: () => ReadonlyArray<string>
}

/**
 * A reader for one answer. `newItemId` names items that the server left unnamed; it gets the number of the item within
 * the answer, from 0. Finished items are also put into `items`.
 */
export const makeReader = (
  newItemId: (index: number) => string,
  items: Array<ResponseItem>,
  maxEventSize: number = MaxEventSize
): Reader => {
  const text = new TextDecoder("utf-8", { fatal: true })
  let progress: Progress = open
  let events = 0
  let active: ActiveItem | undefined
  let out: Array<ModelEvent> = []
  const skipped = new Set<string>()
  let told = 0

  const skip = (what: string) => {
    skipped.add(what)
  }

  const itemAdded = (item: JsonObject) => {
    const kind = item["type"]
    if (kind !== "reasoning" && !(kind === "message" && item["role"] === "assistant")) return
    const named = stringIn(item, "id")
    active = { id: named ?? newItemId(items.length), kind, named: named !== undefined }
    out.push({ _tag: "ItemStarted", itemId: active.id, kind })
  }

  const itemDone = (item: JsonObject) => {
    const kind = item["type"]
    const id =
      item["id"] === undefined && active !== undefined && !active.named && active.kind === kind ? active.id : undefined
    active = undefined
    const decoded = decodeItem(id === undefined ? item : { ...item, id })
    if (Option.isNone(decoded) || decoded.value.type === "other") return skip("an item that is not of the protocol")
    items.push(decoded.value)
    out.push({ _tag: "ItemDone", item: decoded.value })
  }

  /** The active item of the right kind and the text for it. */
  const deltaFor = (event: JsonObject, kind: ActiveItem["kind"]): string | undefined => {
    const delta = event["delta"]
    if (typeof delta !== "string") skip("a delta without text")
    else if (active === undefined || active.kind !== kind) skip("a delta without an active item")
    else if (delta !== "") return delta
    return undefined
  }

  const onData = (event: JsonObject) => {
    switch (event["type"]) {
      case "response.output_text.delta": {
        const delta = deltaFor(event, "message")
        if (delta !== undefined && active !== undefined) out.push({ _tag: "TextDelta", itemId: active.id, delta })
        return
      }
      case "response.reasoning_summary_text.delta": {
        const delta = deltaFor(event, "reasoning")
        const summaryIndex = countIn(event, "summary_index")
        if (delta === undefined || active === undefined || summaryIndex === undefined) return
        out.push({ _tag: "SummaryDelta", itemId: active.id, summaryIndex, delta })
        return
      }
      case "response.reasoning_text.delta": {
        const delta = deltaFor(event, "reasoning")
        const contentIndex = countIn(event, "content_index")
        if (delta === undefined || active === undefined || contentIndex === undefined) return
        out.push({ _tag: "ReasoningDelta", itemId: active.id, contentIndex, delta })
        return
      }
      case "response.reasoning_summary_part.added": {
        const summaryIndex = countIn(event, "summary_index")
        if (active?.kind !== "reasoning" || summaryIndex === undefined)
          return skip("a summary part without an active item")
        out.push({ _tag: "SummaryPartAdded", itemId: active.id, summaryIndex })
        return
      }
      case "response.output_item.added":
        return itemAdded(objectIn(event, "item"))
      case "response.output_item.done":
        return itemDone(objectIn(event, "item"))
      case "response.completed": {
        const response = objectIn(event, "response")
        out.push({ _tag: "Completed", usage: usageOf(response["usage"]), endTurn: response["end_turn"] !== false })
        progress = completed
        return
      }
      case "response.failed":
        progress = { _tag: "Failed", failure: Failure.ofFailedResponse(objectIn(event, "response")) }
        return
      case "response.incomplete":
        progress = { _tag: "Failed", failure: Failure.ofIncompleteResponse(objectIn(event, "response")) }
        return
    }
  }

  const parser = Sse.makeParser(
    (event) => {
      if (event._tag !== "Event" || progress._tag !== "Open") return
      events++
      const data = parseObject(event.data)
      if (data === undefined) skip("an event that is not a JSON object")
      else onData(data)
    },
    { maxEventSize }
  )

  return {
    feed: (bytes, into) => {
      if (progress._tag !== "Open") return progress
      out = into
      let chunk: string
      try {
        chunk = text.decode(bytes, { stream: true })
      } catch {
        return (progress = { _tag: "Failed", failure: Failure.notText() })
      }
      if (parser.feed(chunk) !== undefined && progress._tag === "Open") {
        progress = { _tag: "Failed", failure: Failure.eventTooLarge() }
      }
      return progress
    },
    events: () => events,
    skipped: () => {
      if (skipped.size === told) return []
      const fresh = [...skipped].slice(told)
      told = skipped.size
      return fresh
    }
  }
}
