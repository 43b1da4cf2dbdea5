/**
 * What belongs to one connection: the processes it started, the folders it watches, the searches it has open.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AbsolutePath, I32, optional } from "../../Fields.ts"
import { FuzzyFileSearchResult } from "../file/FileSearch.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"

/** The bytes are base64. `capReached` on a stream's last chunk: there was more than the cap let through. */
const chunk = {
  stream: Schema.Literals(["stdout", "stderr"]),
  deltaBase64: Schema.String,
  capReached: Schema.Boolean
}

/** Output of a `command/exec` that streams; `processId` is the client's own name for it. */
export const CommandExecOutputDeltaNotification = lazy(() => Schema.Struct({ processId: Schema.String, ...chunk }))
export type CommandExecOutputDeltaNotification = Of<typeof CommandExecOutputDeltaNotification>

/** Output of a `process/spawn`; `processHandle` is the client's own name for it. */
export const ProcessOutputDeltaNotification = lazy(() => Schema.Struct({ processHandle: Schema.String, ...chunk }))
export type ProcessOutputDeltaNotification = Of<typeof ProcessOutputDeltaNotification>

/** The end of a process. `stdout` and `stderr` are empty when they were streamed. */
export const ProcessExitedNotification = lazy(() =>
  Schema.Struct({
    processHandle: Schema.String,
    exitCode: I32,
    outputDrainTimedOut: optional(Schema.Boolean),
    stdout: Schema.String,
    stdoutCapReached: Schema.Boolean,
    stderr: Schema.String,
    stderrCapReached: Schema.Boolean
  })
)
export type ProcessExitedNotification = Of<typeof ProcessExitedNotification>

/** Something at these paths changed since the last notice of this watch. */
export const FsChangedNotification = lazy(() =>
  Schema.Struct({ watchId: Schema.String, changedPaths: Schema.Array(AbsolutePath) })
)
export type FsChangedNotification = Of<typeof FsChangedNotification>

/** The best matches so far. `query` says which question they answer. */
export const FuzzyFileSearchSessionUpdatedNotification = lazy(() =>
  Schema.Struct({ sessionId: Schema.String, query: Schema.String, files: Schema.Array(FuzzyFileSearchResult()) })
)
export type FuzzyFileSearchSessionUpdatedNotification = Of<typeof FuzzyFileSearchSessionUpdatedNotification>

/** The search for the latest query is through. */
export const FuzzyFileSearchSessionCompletedNotification = lazy(() => Schema.Struct({ sessionId: Schema.String }))
export type FuzzyFileSearchSessionCompletedNotification = Of<typeof FuzzyFileSearchSessionCompletedNotification>

/** Nobody else knows the names in them. Output is bytes that are put together again; an end is told once. */
const owned = { tier: "lossless", reach: "connection" } as const

/** Says that something changed, not what: a client that missed one looks for itself. */
const hint = { tier: "bestEffort", reach: "connection" } as const

/** The notifications of this subject, by method name. */
export const processNotifications = {
  "command/exec/outputDelta": Method.serverNotification({ params: CommandExecOutputDeltaNotification, ...owned }),
  "process/outputDelta": Method.serverNotification({
    params: ProcessOutputDeltaNotification,
    stability: "experimental",
    ...owned
  }),
  "process/exited": Method.serverNotification({
    params: ProcessExitedNotification,
    stability: "experimental",
    ...owned
  }),
  "fs/changed": Method.serverNotification({ params: FsChangedNotification, ...hint }),
  "fuzzyFileSearch/sessionUpdated": Method.serverNotification({
    params: FuzzyFileSearchSessionUpdatedNotification,
    tier: "latest",
    reach: "connection",
    key: (params) => params.sessionId
  }),
  "fuzzyFileSearch/sessionCompleted": Method.serverNotification({
    params: FuzzyFileSearchSessionCompletedNotification,
    ...owned
  })
} as const
