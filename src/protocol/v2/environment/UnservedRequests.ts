/**
 * Requests about environments that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Environment from "./Environment.ts"

/** By method name. */
export const unservedEnvironmentRequests = {
  "environment/add": Method.clientRequest({ params: Environment.EnvironmentAddParams, result: EmptyResult }),
  "environment/info": Method.clientRequest({
    params: Environment.EnvironmentInfoParams,
    result: Environment.EnvironmentInfoResponse
  }),
  "environment/status": Method.clientRequest({
    params: Environment.EnvironmentStatusParams,
    result: Environment.EnvironmentStatusResponse
  })
} as const
