/**
 * Processes of a client outside of any thread and without a sandbox. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, AbsolutePath, I64, named, optional, U16, USize } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { EnvironmentChanges } from "./CommandExec.ts"

/** The size of a terminal in characters. */
export const ProcessTerminalSize = lazy(() => named("ProcessTerminalSize", { rows: U16, cols: U16 }))
export type ProcessTerminalSize = Of<typeof ProcessTerminalSize>

/**
 * The response follows the start; output and end are notifications. The client chooses `processHandle`, which is unique on
 * its connection. An `outputBytesCap` or `timeoutMs` of null means no limit; absent, it means the default of the server.
 */
export const ProcessSpawnParams = lazy(() =>
  named("ProcessSpawnParams", {
    command: Schema.Array(Schema.String),
    processHandle: Schema.String,
    cwd: AbsolutePath,
    tty: absent(Schema.Boolean),
    streamStdin: absent(Schema.Boolean),
    streamStdoutStderr: absent(Schema.Boolean),
    outputBytesCap: optional(USize),
    timeoutMs: optional(I64),
    env: optional(EnvironmentChanges()),
    size: optional(ProcessTerminalSize())
  })
)
export type ProcessSpawnParams = Of<typeof ProcessSpawnParams>

/** Bytes for the standard input, as base64, and whether it ends after them. */
export const ProcessWriteStdinParams = lazy(() =>
  named("ProcessWriteStdinParams", {
    processHandle: Schema.String,
    deltaBase64: optional(Schema.String),
    closeStdin: absent(Schema.Boolean)
  })
)
export type ProcessWriteStdinParams = Of<typeof ProcessWriteStdinParams>

export const ProcessKillParams = lazy(() => named("ProcessKillParams", { processHandle: Schema.String }))
export type ProcessKillParams = Of<typeof ProcessKillParams>

export const ProcessResizePtyParams = lazy(() =>
  named("ProcessResizePtyParams", { processHandle: Schema.String, size: ProcessTerminalSize() })
)
export type ProcessResizePtyParams = Of<typeof ProcessResizePtyParams>
