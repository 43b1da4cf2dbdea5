/**
 * Requests about the future work of a thread: its queue of input and its goal.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult, I64, named, nullable, optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { Turn } from "../turn/Turn.ts"
import { UserInput } from "../turn/UserInput.ts"
import { ThreadGoal, ThreadGoalStatus } from "./Goal.ts"
import { QueuedSubmission } from "./Queue.ts"

const metadata = () => optional(Schema.Record(Schema.String, Schema.String))

export const ThreadQueueAddParams = lazy(() =>
  named("ThreadQueueAddParams", {
    threadId: Schema.String,
    input: Schema.Array(UserInput()),
    clientUserMessageId: Schema.String,
    responsesapiClientMetadata: metadata()
  })
)
export type ThreadQueueAddParams = Of<typeof ThreadQueueAddParams>

const OneSubmission = lazy(() => Schema.Struct({ queuedSubmission: QueuedSubmission() }))

export const ThreadQueueAddResponse = OneSubmission
export type ThreadQueueAddResponse = Of<typeof ThreadQueueAddResponse>

export const ThreadQueueListParams = lazy(() =>
  named("ThreadQueueListParams", {
    threadId: Schema.String,
    ...page
  })
)
export type ThreadQueueListParams = Of<typeof ThreadQueueListParams>

export const ThreadQueueListResponse = lazy(() => pageOf(QueuedSubmission()))
export type ThreadQueueListResponse = Of<typeof ThreadQueueListResponse>

/** Absent or empty metadata keeps that of the submission. */
export const ThreadQueueUpdateParams = lazy(() =>
  named("ThreadQueueUpdateParams", {
    threadId: Schema.String,
    queuedSubmissionId: Schema.String,
    input: Schema.Array(UserInput()),
    responsesapiClientMetadata: metadata()
  })
)
export type ThreadQueueUpdateParams = Of<typeof ThreadQueueUpdateParams>

export const ThreadQueueUpdateResponse = OneSubmission
export type ThreadQueueUpdateResponse = Of<typeof ThreadQueueUpdateResponse>

export const ThreadQueueDeleteParams = lazy(() =>
  named("ThreadQueueDeleteParams", { threadId: Schema.String, queuedSubmissionId: Schema.String })
)
export type ThreadQueueDeleteParams = Of<typeof ThreadQueueDeleteParams>

/** `deleted` is false when there is no such submission. */
export const ThreadQueueDeleteResponse = lazy(() => Schema.Struct({ deleted: Schema.Boolean }))
export type ThreadQueueDeleteResponse = Of<typeof ThreadQueueDeleteResponse>

/** All ids of the queue in their new order. */
export const ThreadQueueReorderParams = lazy(() =>
  named("ThreadQueueReorderParams", { threadId: Schema.String, queuedSubmissionIds: Schema.Array(Schema.String) })
)
export type ThreadQueueReorderParams = Of<typeof ThreadQueueReorderParams>

export const ThreadQueueReorderResponse = EmptyResult
export type ThreadQueueReorderResponse = Of<typeof ThreadQueueReorderResponse>

/** Without an id the first submission is started. */
export const ThreadQueueStartParams = lazy(() =>
  named("ThreadQueueStartParams", { threadId: Schema.String, queuedSubmissionId: optional(Schema.String) })
)
export type ThreadQueueStartParams = Of<typeof ThreadQueueStartParams>

export const ThreadQueueStartResponse = lazy(() => Schema.Struct({ turn: Turn() }))
export type ThreadQueueStartResponse = Of<typeof ThreadQueueStartResponse>

/** Who changes a goal: the user, or the client on its own. */
export const ThreadGoalMutationOrigin = lazy(() => Schema.Literals(["user", "automatic"]))
export type ThreadGoalMutationOrigin = Of<typeof ThreadGoalMutationOrigin>

/** Absent members keep their value. A new goal needs an objective and is active unless `status` is set. */
export const ThreadGoalSetParams = lazy(() =>
  named("ThreadGoalSetParams", {
    threadId: Schema.String,
    origin: optional(ThreadGoalMutationOrigin()),
    objective: optional(Schema.String),
    status: optional(ThreadGoalStatus()),
    tokenBudget: optional(I64)
  })
)
export type ThreadGoalSetParams = Of<typeof ThreadGoalSetParams>

export const ThreadGoalSetResponse = lazy(() => Schema.Struct({ goal: ThreadGoal() }))
export type ThreadGoalSetResponse = Of<typeof ThreadGoalSetResponse>

export const ThreadGoalGetParams = lazy(() => named("ThreadGoalGetParams", { threadId: Schema.String }))
export type ThreadGoalGetParams = Of<typeof ThreadGoalGetParams>

export const ThreadGoalGetResponse = lazy(() => Schema.Struct({ goal: nullable(ThreadGoal()) }))
export type ThreadGoalGetResponse = Of<typeof ThreadGoalGetResponse>

export const ThreadGoalClearParams = lazy(() =>
  named("ThreadGoalClearParams", { threadId: Schema.String, origin: optional(ThreadGoalMutationOrigin()) })
)
export type ThreadGoalClearParams = Of<typeof ThreadGoalClearParams>

/** `cleared` is false when there was no goal. */
export const ThreadGoalClearResponse = lazy(() => Schema.Struct({ cleared: Schema.Boolean }))
export type ThreadGoalClearResponse = Of<typeof ThreadGoalClearResponse>

/** By method name. */
export const workRequests = {
  /** Sets or changes the goal of a thread. */
  "thread/goal/set": Method.clientRequest({
    params: ThreadGoalSetParams,
    result: ThreadGoalSetResponse,
    schedule: Method.perThread
  }),

  /** The goal of a thread. */
  "thread/goal/get": Method.clientRequest({
    params: ThreadGoalGetParams,
    result: ThreadGoalGetResponse,
    schedule: Method.perThreadShared
  }),

  /** Removes the goal of a thread. */
  "thread/goal/clear": Method.clientRequest({
    params: ThreadGoalClearParams,
    result: ThreadGoalClearResponse,
    schedule: Method.perThread
  }),

  /** Adds input to the queue. It starts a turn as soon as none runs. */
  "thread/queue/add": Method.clientRequest({
    params: ThreadQueueAddParams,
    result: ThreadQueueAddResponse,
    schedule: Method.perThread
  }),

  /** The queue, paginated. */
  "thread/queue/list": Method.clientRequest({
    params: ThreadQueueListParams,
    result: ThreadQueueListResponse,
    schedule: Method.perThreadShared
  }),

  /** Replaces the input of a submission. */
  "thread/queue/update": Method.clientRequest({
    params: ThreadQueueUpdateParams,
    result: ThreadQueueUpdateResponse,
    schedule: Method.perThread
  }),

  /** Removes a submission. */
  "thread/queue/delete": Method.clientRequest({
    params: ThreadQueueDeleteParams,
    result: ThreadQueueDeleteResponse,
    schedule: Method.perThread
  }),

  /** Changes the order of the queue. */
  "thread/queue/reorder": Method.clientRequest({
    params: ThreadQueueReorderParams,
    result: ThreadQueueReorderResponse,
    schedule: Method.perThread
  }),

  /** Starts a turn with a submission. Fails while a turn runs. */
  "thread/queue/start": Method.clientRequest({
    params: ThreadQueueStartParams,
    result: ThreadQueueStartResponse,
    schedule: Method.perThread
  })
} as const
