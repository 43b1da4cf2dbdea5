/**
 * Requests about memory and stored threads that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Memory from "./Memory.ts"

/** By method name. */
export const unservedMemoryRequests = {
  "memory/status": Method.clientRequest({ params: Memory.MemoryStatusParams, result: Memory.MemoryStatusResponse }),
  "memory/reset": Method.clientRequest({ params: undefined, result: EmptyResult }),
  "rollout/compress": Method.clientRequest({ params: undefined, result: EmptyResult })
} as const
