/**
 * Requests from the server to the embedding program.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import {
  AttestationGenerateParams,
  AttestationGenerateResponse,
  ChatgptAuthTokensRefreshParams,
  ChatgptAuthTokensRefreshResponse,
  CurrentTimeReadParams,
  CurrentTimeReadResponse
} from "./Host.ts"

/** By method name. */
export const hostRequests = {
  "account/chatgptAuthTokens/refresh": Method.serverRequest({
    params: ChatgptAuthTokensRefreshParams,
    result: ChatgptAuthTokensRefreshResponse
  }),
  "attestation/generate": Method.serverRequest({
    params: AttestationGenerateParams,
    result: AttestationGenerateResponse
  }),
  "currentTime/read": Method.serverRequest({
    params: CurrentTimeReadParams,
    result: CurrentTimeReadResponse,
    stability: "experimental"
  })
} as const
