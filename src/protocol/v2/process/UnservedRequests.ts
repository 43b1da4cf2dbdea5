/**
 * Requests about commands and processes that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Command from "./CommandExec.ts"
import * as Process from "./Process.ts"

/** By method name. */
export const unservedProcessRequests = {
  "command/exec": Method.clientRequest({
    params: Command.CommandExecParams,
    result: Command.CommandExecResponse,
    experimentalFields: ["permissionProfile"]
  }),
  "command/exec/write": Method.clientRequest({ params: Command.CommandExecWriteParams, result: EmptyResult }),
  "command/exec/terminate": Method.clientRequest({ params: Command.CommandExecTerminateParams, result: EmptyResult }),
  "command/exec/resize": Method.clientRequest({ params: Command.CommandExecResizeParams, result: EmptyResult }),
  "process/spawn": Method.clientRequest({ params: Process.ProcessSpawnParams, result: EmptyResult }),
  "process/writeStdin": Method.clientRequest({ params: Process.ProcessWriteStdinParams, result: EmptyResult }),
  "process/kill": Method.clientRequest({ params: Process.ProcessKillParams, result: EmptyResult }),
  "process/resizePty": Method.clientRequest({ params: Process.ProcessResizePtyParams, result: EmptyResult })
} as const
