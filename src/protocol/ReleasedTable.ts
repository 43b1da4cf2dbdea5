/**
 * Every request of the release with its parameters and result, whether this server serves it or not: for clients, and for the
 * documentation. The types by method are in `Methods.ts`.
 *
 * @module
 */
import { clientRequestTable } from "./Methods.ts"
import { unservedRequestTable } from "./UnservedRequests.ts"

/** The requests of the release, by method name. */
export const releasedRequestTable: typeof clientRequestTable & typeof unservedRequestTable = {
  ...clientRequestTable,
  ...unservedRequestTable
}
