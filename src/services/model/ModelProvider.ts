/**
 * The port to a language model: one streamed answer per request.
 *
 * Owns the vocabulary between the turn loop and a model, and the one error a model can raise. Does not own the loop, the
 * history or the tools; an adapter turns its own wire into these events and retries what is worth retrying.
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

/** All a model needs to know for one answer. */
export interface ModelRequest {
  readonly threadId: string
  readonly sessionId: string
  readonly turnId: string
  readonly rootTurnId: string
  /** Key in `model_providers`; chooses the server. */
  readonly provider: string
  /** That server, where the thread's own configuration says what it is; absent, the server's configuration does. */
  readonly providerInfo?: ModelProviderInfo
  readonly model: string
  readonly effort: string | null
  readonly summary: string | null
  /**
   * The text of the user's last message in this turn, its text parts joined by line breaks; null where the turn has none.
   * The user's own input alone: nothing that the server, a file or a tool adds to the conversation.
   */
  readonly prompt: string | null
  /** The conversation so far, base instructions included as its first developer message. */
  readonly input: ReadonlyArray<ResponseItem>
  readonly tools: ReadonlyArray<ToolSpec>
  readonly parallelToolCalls: boolean
  /** JSON Schema the final message has to satisfy; this turn only. */
  readonly outputSchema: unknown
  /** Who asks, as the client named itself in initialize. */
  readonly originator: string
  readonly userAgent: string
  /** Entries of the turn's metadata that the caller supplied. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Tokens of one answer, as the model counted them. */
export interface ModelUsage {
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningOutputTokens: number
  readonly totalTokens: number
}

/**
 * An answer, piece by piece. `ItemDone` carries the whole item and is authoritative; an item may come without `ItemStarted`
 * and without deltas. `Retrying` means that everything since the last `ItemDone` is void and will be sent again.
 */
export type ModelEvent =
  | { readonly _tag: "ItemStarted"; readonly itemId: string; readonly kind: "message" | "reasoning" }
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
  | { readonly _tag: "ItemDone"; readonly item: ResponseItem }
  | { readonly _tag: "Retrying"; readonly error: ModelError; readonly details: string | null }
  | { readonly _tag: "Completed"; readonly usage: ModelUsage | null; readonly endTurn: boolean }

/**
 * Why a model gave no answer. `message` is what the user reads in the failed turn; `info` is the class that clients
 * branch on; `details` say more, such as where a key was looked for and what to do next.
 */
export class ModelError extends Schema.TaggedError<ModelError>()("ModelError", {
  message: Schema.String,
  info: CodexErrorInfo(),
  details: Schema.optionalKey(Schema.String)
}) {}

/** How a model is named to clients. */
export interface ModelName {
  readonly provider: string
  readonly model: string
}

export class ModelProvider extends Context.Service<
  ModelProvider,
  {
    /**
     * Streams one answer. Ends after `Completed`, or fails: a stream that stops early is a `ModelError`. Interrupting the
     * consumer closes the connection to the model.
     */
    readonly stream: (request: ModelRequest) => Stream.Stream<ModelEvent, ModelError>
    /** Gets ready for a first answer of this provider, where that takes long; run when a thread starts, while its user types. */
    readonly prepare?: (provider: string) => Effect.Effect<void>
    /**
     * Fails where this provider cannot be asked at all, such as without a key. Sends nothing. `info` is what the thread's
     * configuration says of the provider. Absent, the first answer shows it.
     */
    readonly ready?: (provider: string, info: ModelProviderInfo | undefined) => Effect.Effect<void, ModelError>
    /**
     * The model that answers threads of this provider whatever model they ask for; undefined where the thread's own choice
     * decides. Threads and lists name it. Absent, the thread's choice always decides.
     */
    readonly answersAs?: (provider: string) => ModelName | undefined
  }
>()("spindle/ModelProvider") {}
