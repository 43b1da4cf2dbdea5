/**
 * The request that opens a connection, and the notification that completes the handshake.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import { InitializeParams, InitializeResponse } from "./Initialize.ts"

/** By method name. */
export const initializeRequests = {
  /** Once per connection, before anything else. */
  initialize: Method.clientRequest({
    params: InitializeParams,
    result: InitializeResponse
  })
} as const

/** What a client sends without an answer, by method name. `initialized` completes the handshake; its parameters are ignored. */
export const clientNotifications = {
  initialized: { kind: "clientNotification" }
} as const
