/**
 * Commands of a client outside of any thread, in the sandbox of the server.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I32, I64, named, optional, PathText, U16, USize } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { SandboxPolicy } from "../thread/Settings.ts"

/** The size of a terminal in characters. */
export const CommandExecTerminalSize = lazy(() => named("CommandExecTerminalSize", { rows: U16, cols: U16 }))
export type CommandExecTerminalSize = Of<typeof CommandExecTerminalSize>

/** Variables to add to the environment; null removes one. */
export const EnvironmentChanges = lazy(() => Schema.Record(Schema.String, Schema.NullOr(Schema.String)))
export type EnvironmentChanges = Of<typeof EnvironmentChanges>

/**
 * The response follows the last output, when the command has ended. A terminal, input and streaming need a `processId`, which
 * the client chooses and which is unique on its connection. `timeoutMs` and `outputBytesCap` (bytes per stream) have a
 * default of the server's, unless they are disabled. `sandboxPolicy` and `permissionProfile` exclude each other.
 */
export const CommandExecParams = lazy(() =>
  named("CommandExecParams", {
    command: Schema.Array(Schema.String),
    processId: optional(Schema.String),
    tty: absent(Schema.Boolean),
    streamStdin: absent(Schema.Boolean),
    streamStdoutStderr: absent(Schema.Boolean),
    outputBytesCap: optional(USize),
    disableOutputCap: absent(Schema.Boolean),
    disableTimeout: absent(Schema.Boolean),
    timeoutMs: optional(I64),
    cwd: optional(PathText),
    env: optional(EnvironmentChanges()),
    size: optional(CommandExecTerminalSize()),
    sandboxPolicy: optional(SandboxPolicy()),
    permissionProfile: optional(Schema.String)
  })
)
export type CommandExecParams = Of<typeof CommandExecParams>

/** Output that was streamed is not repeated here. */
export const CommandExecResponse = lazy(() =>
  Schema.Struct({ exitCode: I32, stdout: Schema.String, stderr: Schema.String })
)
export type CommandExecResponse = Of<typeof CommandExecResponse>

/** Bytes for the standard input, as base64, and whether it ends after them. */
export const CommandExecWriteParams = lazy(() =>
  named("CommandExecWriteParams", {
    processId: Schema.String,
    deltaBase64: optional(Schema.String),
    closeStdin: absent(Schema.Boolean)
  })
)
export type CommandExecWriteParams = Of<typeof CommandExecWriteParams>

export const CommandExecTerminateParams = lazy(() => named("CommandExecTerminateParams", { processId: Schema.String }))
export type CommandExecTerminateParams = Of<typeof CommandExecTerminateParams>

export const CommandExecResizeParams = lazy(() =>
  named("CommandExecResizeParams", { processId: Schema.String, size: CommandExecTerminalSize() })
)
export type CommandExecResizeParams = Of<typeof CommandExecResizeParams>
