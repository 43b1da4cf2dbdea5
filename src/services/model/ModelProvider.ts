/**
 * The port to a language model: one streamed response per request.
 *
 * Owns the types between the turn loop and a model, and the one error that a model raises. Does not own the loop, the
 * history or the tools. An adapter converts its wire format to these events and retries transient failures.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { CodexErrorInfo } from "../../protocol/v2/turn/ErrorInfo.ts"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { ModelProviderInfo } from "../config/Config.ts"
import type { ToolSpec } from "../tool/Tool.ts"

/** The input of one model response. */
export interface ModelRequest {
  /** The thread of the turn. */
  readonly threadId: string
  /** The session that the thread belongs to. */
  readonly sessionId: string
  /** The turn that needs the response. */
  readonly turnId: string
  /** The turn that this one belongs to; its own id, unless another turn started it. */
  readonly rootTurnId: string
  /** Key in `model_providers`; selects the server. */
  readonly provider: string
  /** That server, if the thread's own configuration defines it. Default: the server's configuration. */
  readonly providerInfo?: ModelProviderInfo
  /** The model that the thread selects. */
  readonly model: string
  /** Reasoning effort; null for the model's own default. */
  readonly effort: string | null
  /** How detailed summaries of the reasoning are; null or `none` for no summaries. */
  readonly summary: string | null
  /** How long answers are: `low`, `medium` or `high`. Null or absent: the model's own default. */
  readonly verbosity?: string | null
  /**
   * The text of the user's last message in this turn, its text parts joined by line breaks; null when the turn has none.
   * Contains only the user's input, nothing that the server, a file or a tool adds to the conversation.
   */
  readonly prompt: string | null
  /** The conversation so far, with the base instructions as its first developer message. */
  readonly input: ReadonlyArray<ResponseItem>
  /** The tools that the model may call. */
  readonly tools: ReadonlyArray<ToolSpec>
  /** Whether one response may call several tools. */
  readonly parallelToolCalls: boolean
  /** JSON Schema that the final message must satisfy; for this turn only. */
  readonly outputSchema: unknown
  /** The client's name, from initialize. */
  readonly originator: string
  /** The server's user agent. */
  readonly userAgent: string
  /** The caller's entries of the turn's metadata. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Tokens of one response, as counted by the model. */
export interface ModelUsage {
  /** All tokens of the input, the cached ones included. */
  readonly inputTokens: number
  /** Tokens of the input that were read from a cache. */
  readonly cachedInputTokens: number
  /** All tokens of the output, those of the reasoning included. */
  readonly outputTokens: number
  /** Tokens of the reasoning. */
  readonly reasoningOutputTokens: number
  /** Tokens of input and output. */
  readonly totalTokens: number
}

/**
 * A response in pieces. `ItemDone` carries the whole item and is authoritative; an item may come without `ItemStarted` and
 * without deltas. `Retrying` means that everything since the last `ItemDone` is void and will be sent again.
 */
export type ModelEvent =
  | { readonly _tag: "ItemStarted"; readonly itemId: string; readonly kind: "message" | "reasoning" | "webSearch" }
  | { readonly _tag: "TextDelta"; readonly itemId: string; readonly delta: string }
  | { readonly _tag: "SummaryPartAdded"; readonly itemId: string; readonly summaryIndex: number }
  | {
      readonly _tag: "SummaryDelta"
      readonly itemId: string
      readonly summaryIndex: number
      readonly delta: string
    }
  | {
      readonly _tag: "ReasoningDelta"
      readonly itemId: string
      readonly contentIndex: number
      readonly delta: string
    }
  /** A piece of the input of a custom tool. The call itself follows with `ItemDone`. */
  | { readonly _tag: "ToolInputDelta"; readonly callId: string; readonly name: string; readonly delta: string }
  | { readonly _tag: "ItemDone"; readonly item: ResponseItem }
  | { readonly _tag: "Retrying"; readonly error: ModelError; readonly details: string | null }
  | { readonly _tag: "Completed"; readonly usage: ModelUsage | null; readonly endTurn: boolean }

/**
 * Why a model gave no response. `message` is shown to the user in the failed turn; `info` is the class that clients branch
 * on; `details` say more, such as where a key was searched and what to do next.
 */
export class ModelError extends Schema.TaggedError<ModelError>()("ModelError", {
  message: Schema.String,
  info: CodexErrorInfo(),
  details: Schema.optionalKey(Schema.String)
}) {}

/** The name of a model as clients see it. */
export interface ModelName {
  /** The name of the provider. */
  readonly provider: string
  /** The name of the model. */
  readonly model: string
}

/** The port to models: it streams one response per request, for every provider. */
export class ModelProvider extends Context.Service<
  ModelProvider,
  {
    /**
     * Streams one response. Ends after `Completed`, or fails: a stream that ends early is a `ModelError`. Interrupting the
     * consumer closes the connection to the model.
     */
    readonly stream: (request: ModelRequest) => Stream.Stream<ModelEvent, ModelError>
    /** Prepares the first response of this provider when that takes long; run when a thread starts. */
    readonly prepare?: (provider: string) => Effect.Effect<void>
    /**
     * Fails when this provider cannot be used, for example without a key. Sends nothing. `info` is the thread's
     * configuration of the provider. Absent: the first request shows it.
     */
    readonly ready?: (provider: string, info: ModelProviderInfo | undefined) => Effect.Effect<void, ModelError>
    /**
     * The model that answers all threads of this provider, whatever model they select; undefined when the thread's own
     * selection counts. Threads and lists show it. Absent: the thread's selection always counts.
     */
    readonly answersAs?: (provider: string) => ModelName | undefined
  }
>()("spindle/ModelProvider") {}
