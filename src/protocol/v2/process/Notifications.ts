/**
 * What belongs to one connection: the processes it started, the folders it watches, the searches it has open.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I32, optional } from "../../Fields.ts"
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

/** Nobody else knows the names in them. Output is bytes that are put together again; an end is told once. */
const owned = { tier: "lossless", reach: "connection" } as const

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
  })
} as const
