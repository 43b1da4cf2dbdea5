/**
 * The requests of the release that this server does not serve, with their parameters and results.
 *
 * Clients use them to call a server that does serve them. No server imports this module, so it costs no start. A request
 * becomes served when its entry moves from the resource's `UnservedRequests.ts` to its `Requests.ts` and gets a handler.
 *
 * @module
 */
import type { ClientRequest, WireSchema } from "./Method.ts"
import type { ReleasedRequestMethod } from "./ReleasedRequests.ts"
import { unservedFileRequests } from "./v2/file/UnservedRequests.ts"

/** The requests of the release that this server does not serve, by method name. */
export const unservedRequestTable = {
  ...unservedFileRequests
} as const satisfies Partial<Record<ReleasedRequestMethod, ClientRequest<WireSchema | undefined, WireSchema>>>
