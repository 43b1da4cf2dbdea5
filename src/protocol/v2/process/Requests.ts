/**
 * Requests about commands and processes of a client.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Command from "./CommandExec.ts"
import * as Process from "./Process.ts"

/** A process is started, written to and killed in the order of the requests. */
const perProcess = Method.owned("process", ({ processHandle }: { readonly processHandle: string }) => processHandle)

/** By method name. */
export const processRequests = {
  /** Runs a command. Answered when it has ended. */
  "command/exec": Method.clientRequest({
    params: Command.CommandExecParams,
    result: Command.CommandExecResponse,
    experimentalFields: ["permissionProfile"]
  }),
  /** Writes to the standard input of a running command. */
  "command/exec/write": Method.clientRequest({ params: Command.CommandExecWriteParams, result: EmptyResult }),
  /** Kills a running command. */
  "command/exec/terminate": Method.clientRequest({ params: Command.CommandExecTerminateParams, result: EmptyResult }),
  /** Changes the size of the terminal of a running command. */
  "command/exec/resize": Method.clientRequest({ params: Command.CommandExecResizeParams, result: EmptyResult }),

  /** Starts a process. Answered when it runs; `process/exited` follows. */
  "process/spawn": Method.clientRequest({
    params: Process.ProcessSpawnParams,
    result: EmptyResult,
    schedule: perProcess
  }),
  /** Writes to the standard input of a process. */
  "process/writeStdin": Method.clientRequest({
    params: Process.ProcessWriteStdinParams,
    result: EmptyResult,
    schedule: perProcess
  }),
  /** Kills a process. */
  "process/kill": Method.clientRequest({
    params: Process.ProcessKillParams,
    result: EmptyResult,
    schedule: perProcess
  }),
  /** Changes the size of the terminal of a process. */
  "process/resizePty": Method.clientRequest({
    params: Process.ProcessResizePtyParams,
    result: EmptyResult,
    schedule: perProcess
  })
} as const
