/**
 * Requests about models and their providers that this server does not serve.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Provider from "./Provider.ts"

/** By method name. */
export const unservedModelRequests = {
  "modelProvider/config/write": Method.clientRequest({
    params: Provider.ModelProviderConfigWriteParams,
    result: Provider.ModelProviderConfigWriteResponse
  })
} as const
