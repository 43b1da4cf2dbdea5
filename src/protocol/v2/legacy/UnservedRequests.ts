/**
 * Requests of version 1 of the protocol, none of which this server serves.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Legacy from "./Legacy.ts"

/** By method name. */
export const unservedLegacyRequests = {
  getConversationSummary: Method.clientRequest({
    params: Legacy.GetConversationSummaryParams,
    result: Legacy.GetConversationSummaryResponse
  }),
  gitDiffToRemote: Method.clientRequest({
    params: Legacy.GitDiffToRemoteParams,
    result: Legacy.GitDiffToRemoteResponse
  })
} as const
