/**
 * The request that opens a connection, and the notification that completes the handshake.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import { InitializeParams, InitializeResponse } from "./Initialize.ts"

/** By method name. */
export const initializeRequests = {
  /** Sent once per connection, before any other request. */
  initialize: Method.clientRequest({
    params: InitializeParams,
    result: InitializeResponse
  })
} as const

/** Notifications that a client sends, by method name. `initialized` completes the handshake; its parameters are ignored. */
export const clientNotifications = {
  initialized: { kind: "clientNotification" }
} as const
