/**
 * Requests of version 1 of the protocol that clients still send.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import * as Legacy from "./Legacy.ts"

/** By method name. */
export const legacyRequests = {
  /** How the user is logged in. `account/read` replaces it. */
  getAuthStatus: Method.clientRequest({
    params: Legacy.GetAuthStatusParams,
    result: Legacy.GetAuthStatusResponse,
    schedule: Method.global("account", { shared: true })
  })
} as const
