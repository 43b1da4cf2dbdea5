/**
 * Translates the streamed parts of a language model to model events.
 *
 * @module
 */
import type * as Response from "effect/ai/Response"
import { isTooDeepValue, MaxDepth } from "../../../protocol/jsonrpc/JsonText.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelEvent, ModelUsage } from "../../../services/model/ModelProvider.ts"
import type { ToolSpec } from "../../../services/tool/Tool.ts"
import { failure, type Failure } from "../attempts/Failure.ts"
import { attach, type Metadata } from "./Prompts.ts"
import { argumentsText, customInput, type Definitions, offeredName } from "./Tools.ts"

/** The part type of a model whose tool calls are not resolved. */
export type Part = Response.StreamPart<Definitions, "deferred">

interface Open {
  readonly itemId: string
  readonly kind: "message" | "reasoning"
  text: string
  metadata: Metadata
}

const usageOf = ({ inputTokens, outputTokens }: Response.Usage): ModelUsage => {
  const input = inputTokens.total ?? (inputTokens.uncached ?? 0) + (inputTokens.cacheRead ?? 0)
  const output = outputTokens.total ?? (outputTokens.text ?? 0) + (outputTokens.reasoning ?? 0)
  return {
    inputTokens: input,
    cachedInputTokens: inputTokens.cacheRead ?? 0,
    outputTokens: output,
    reasoningOutputTokens: outputTokens.reasoning ?? 0,
    totalTokens: input + output
  }
}

const tooDeep = `nested deeper than ${MaxDepth} levels`

const incomplete = (reason: string): Failure => failure(`Incomplete response returned, reason: ${reason}`, "other")

/** Maps a finish reason to the end of the answer. */
const endOf = (reason: Response.FinishReason, usage: ModelUsage): ModelEvent | Failure => {
  switch (reason) {
    case "length":
      return incomplete("max_output_tokens")
    case "content-filter":
      return incomplete("content_filter")
    case "error":
      return failure("the model ended its answer with an error", "other")
    default:
      return { _tag: "Completed", usage, endTurn: reason !== "pause" }
  }
}

const messageOf = (error: unknown): string => {
  if (typeof error === "string") return error
  return typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
    ? error.message
    : "the model reported an error"
}

/** Translates one answer. `newId` creates item ids, because part ids are unique only within an answer. */
export class Translator {
  readonly #tools: ReadonlyMap<string, ToolSpec>
  readonly #newId: (prefix: string, index: number) => string
  readonly #items: Array<ResponseItem>
  readonly #open = new Map<string, Open>()
  #count = 0
  #end: ModelEvent | Failure | undefined

  /** Finished items are also appended to `items`. */
  constructor(
    tools: ReadonlyArray<ToolSpec>,
    newId: (prefix: string, index: number) => string,
    items: Array<ResponseItem>
  ) {
    this.#tools = new Map(tools.map((tool) => [offeredName(tool), tool]))
    this.#newId = newId
    this.#items = items
  }

  /** Appends the events for `part` to `out`. */
  take(part: Part, out: Array<ModelEvent>): void {
    switch (part.type) {
      case "text-start":
        return this.#start(part.id, "message", part.metadata, out)
      case "reasoning-start":
        return this.#start(part.id, "reasoning", part.metadata, out)
      case "text-delta":
      case "reasoning-delta":
        return this.#delta(part.id, part.delta, part.metadata, out)
      case "text-end":
      case "reasoning-end":
        return this.#close(part.id, part.metadata, out)
      case "tool-call":
        // Tools that the provider itself runs produce no events.
        if (part.providerExecuted) return
        if (isTooDeepValue(part.params)) this.#end = failure(`the arguments of a call are ${tooDeep}`, "other")
        else this.#done(this.#call(part.id, part.name, part.params, part.metadata), out)
        return
      case "finish":
        this.#end ??= endOf(part.reason, usageOf(part.usage))
        return
      case "error":
        this.#end = failure(messageOf(part.error), "other")
        return
    }
  }

  /** The end of the answer; `undefined` when the model did not report it. Completes open items. */
  finish(out: Array<ModelEvent>): ModelEvent | Failure | undefined {
    if (this.#end !== undefined && "_tag" in this.#end) for (const id of this.#open.keys()) this.#close(id, {}, out)
    return this.#end
  }

  #start(partId: string, kind: Open["kind"], metadata: Metadata, out: Array<ModelEvent>): void {
    const itemId = this.#newId(kind === "message" ? "msg" : "rs", this.#count++)
    this.#open.set(partId, { itemId, kind, text: "", metadata })
    out.push({ _tag: "ItemStarted", itemId, kind })
    if (kind === "reasoning") out.push({ _tag: "SummaryPartAdded", itemId, summaryIndex: 0 })
  }

  #delta(partId: string, delta: string, metadata: Metadata, out: Array<ModelEvent>): void {
    const open = this.#open.get(partId)
    if (open === undefined) return
    open.metadata = { ...open.metadata, ...metadata }
    if (delta === "") return
    open.text += delta
    if (open.kind === "message") out.push({ _tag: "TextDelta", itemId: open.itemId, delta })
    else out.push({ _tag: "SummaryDelta", itemId: open.itemId, summaryIndex: 0, delta })
  }

  #close(partId: string, metadata: Metadata, out: Array<ModelEvent>): void {
    const open = this.#open.get(partId)
    if (open === undefined) return
    this.#open.delete(partId)
    const { itemId: id, kind, text } = open
    const extra = attach({ ...open.metadata, ...metadata })
    this.#done(
      kind === "message"
        ? { type: "message", role: "assistant", id, content: [{ type: "output_text", text }], ...extra }
        : { type: "reasoning", id, summary: [{ type: "summary_text", text }], encrypted_content: null, ...extra },
      out
    )
  }

  #call(call_id: string, name: string, params: unknown, metadata: Metadata): ResponseItem {
    const extra = attach(metadata)
    const tool = this.#tools.get(name)
    if (tool?.type === "custom")
      return { type: "custom_tool_call", call_id, name, input: customInput(params), ...extra }
    const isGrouped = tool?.type === "function" && tool.namespace !== undefined
    const called = isGrouped ? { name: tool.name, namespace: tool.namespace.name } : { name }
    return { type: "function_call", call_id, ...called, arguments: argumentsText(params), ...extra }
  }

  #done(item: ResponseItem, out: Array<ModelEvent>): void {
    this.#items.push(item)
    out.push({ _tag: "ItemDone", item })
  }
}
