/**
 * Requests beside the history of a thread: questions of a client that pause time limits, an approved plan, a prediction.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult, I64, named, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"

export const ThreadIncrementElicitationParams = lazy(() =>
  named("ThreadIncrementElicitationParams", { threadId: Schema.String })
)
export type ThreadIncrementElicitationParams = Of<typeof ThreadIncrementElicitationParams>

export const ThreadDecrementElicitationParams = lazy(() =>
  named("ThreadDecrementElicitationParams", { threadId: Schema.String })
)
export type ThreadDecrementElicitationParams = Of<typeof ThreadDecrementElicitationParams>

/** The number of open questions. `paused` is whether there are any. */
export const ThreadElicitationResponse = lazy(() => Schema.Struct({ count: I64, paused: Schema.Boolean }))
export type ThreadElicitationResponse = Of<typeof ThreadElicitationResponse>

/** `attachmentPath` is an absolute path of a copy of the plan on the server's machine. */
export const ThreadPrepareApprovedPlanParams = lazy(() =>
  named("ThreadPrepareApprovedPlanParams", {
    threadId: Schema.String,
    markdown: Schema.String,
    attachmentPath: optional(Schema.String)
  })
)
export type ThreadPrepareApprovedPlanParams = Of<typeof ThreadPrepareApprovedPlanParams>

/** The text of the user's message for the first turn. The plan is in the conversation already. */
export const ThreadPrepareApprovedPlanResponse = lazy(() => Schema.Struct({ prompt: Schema.String }))
export type ThreadPrepareApprovedPlanResponse = Of<typeof ThreadPrepareApprovedPlanResponse>

export const ThreadPredictionRequestParams = lazy(() =>
  named("ThreadPredictionRequestParams", { threadId: Schema.String, sourceTurnId: Schema.String })
)
export type ThreadPredictionRequestParams = Of<typeof ThreadPredictionRequestParams>

export const ThreadPredictionRequestResponse = EmptyResult
export type ThreadPredictionRequestResponse = Of<typeof ThreadPredictionRequestResponse>

/** By method name. */
export const sideRequests = {
  /** A question of the client to its user is open: one more. */
  "thread/increment_elicitation": Method.clientRequest({
    params: ThreadIncrementElicitationParams,
    result: ThreadElicitationResponse,
    schedule: Method.perThread
  }),

  /** A question of the client was answered. */
  "thread/decrement_elicitation": Method.clientRequest({
    params: ThreadDecrementElicitationParams,
    result: ThreadElicitationResponse,
    schedule: Method.perThread
  }),

  /** Adds an approved plan to the conversation of a thread. */
  "thread/prepareApprovedPlan": Method.clientRequest({
    params: ThreadPrepareApprovedPlanParams,
    result: ThreadPrepareApprovedPlanResponse,
    schedule: Method.perThread
  }),

  /** A prediction of the user's next message. It always fails, as in the release. */
  "thread/prediction/request": Method.clientRequest({
    params: ThreadPredictionRequestParams,
    result: ThreadPredictionRequestResponse
  })
} as const
