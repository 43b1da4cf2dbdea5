/**
 * Requests about the commands of a thread that still run.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult, F64, named, nullable, page, pageOf, U32, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"

/**
 * A running command. `processId` is that of its item, and `command` the command line as the model wrote it. The operating
 * system's values are null when they are not known.
 */
export const ThreadBackgroundTerminal = lazy(() =>
  Schema.Struct({
    itemId: Schema.String,
    processId: Schema.String,
    command: Schema.String,
    cwd: Schema.String,
    osPid: nullable(U32),
    cpuPercent: nullable(F64),
    rssKb: nullable(U64)
  })
)
export type ThreadBackgroundTerminal = Of<typeof ThreadBackgroundTerminal>

export const ThreadBackgroundTerminalsListParams = lazy(() =>
  named("ThreadBackgroundTerminalsListParams", { threadId: Schema.String, ...page })
)
export type ThreadBackgroundTerminalsListParams = Of<typeof ThreadBackgroundTerminalsListParams>

export const ThreadBackgroundTerminalsListResponse = lazy(() => pageOf(ThreadBackgroundTerminal()))
export type ThreadBackgroundTerminalsListResponse = Of<typeof ThreadBackgroundTerminalsListResponse>

export const ThreadBackgroundTerminalsTerminateParams = lazy(() =>
  named("ThreadBackgroundTerminalsTerminateParams", { threadId: Schema.String, processId: Schema.String })
)
export type ThreadBackgroundTerminalsTerminateParams = Of<typeof ThreadBackgroundTerminalsTerminateParams>

/** `terminated` is false when no such command runs. */
export const ThreadBackgroundTerminalsTerminateResponse = lazy(() => Schema.Struct({ terminated: Schema.Boolean }))
export type ThreadBackgroundTerminalsTerminateResponse = Of<typeof ThreadBackgroundTerminalsTerminateResponse>

export const ThreadBackgroundTerminalsCleanParams = lazy(() =>
  named("ThreadBackgroundTerminalsCleanParams", { threadId: Schema.String })
)
export type ThreadBackgroundTerminalsCleanParams = Of<typeof ThreadBackgroundTerminalsCleanParams>

/** By method name. */
export const terminalRequests = {
  /** The running commands of a thread, by their `processId`, paginated. */
  "thread/backgroundTerminals/list": Method.clientRequest({
    params: ThreadBackgroundTerminalsListParams,
    result: ThreadBackgroundTerminalsListResponse,
    schedule: Method.perThreadShared
  }),

  /** Kills a running command. Its item is completed as failed. */
  "thread/backgroundTerminals/terminate": Method.clientRequest({
    params: ThreadBackgroundTerminalsTerminateParams,
    result: ThreadBackgroundTerminalsTerminateResponse,
    schedule: Method.perThread
  }),

  /** Kills every running command of a thread. */
  "thread/backgroundTerminals/clean": Method.clientRequest({
    params: ThreadBackgroundTerminalsCleanParams,
    result: EmptyResult,
    schedule: Method.perThread
  })
} as const
