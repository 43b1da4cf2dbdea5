/**
 * Notifications for the connection that owns the processes.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I32, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"

/** The bytes are base64. `capReached` on a stream's last chunk: the output was truncated at the cap. */
const chunk = {
  stream: Schema.Literals(["stdout", "stderr"]),
  deltaBase64: Schema.String,
  capReached: Schema.Boolean
}

/** Output of a streaming `command/exec`; `processId` is the client's own id for it. */
export const CommandExecOutputDeltaNotification = lazy(() => Schema.Struct({ processId: Schema.String, ...chunk }))
export type CommandExecOutputDeltaNotification = Of<typeof CommandExecOutputDeltaNotification>

/** Output of a `process/spawn`; `processHandle` is the client's own id for it. */
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

/** Only this connection knows the ids in them. Output must be complete to be assembled, and an end is sent once. */
const owned = { tier: "lossless", reach: "chosen" } as const

/** The notifications of this resource, by method name. */
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
