/**
 * Converts a server message to an entry of the client's event buffer. The method table defines which methods are known and
 * what may be dropped for a slow consumer. Parameters are passed on unchanged, so that members and variants of a newer
 * server are preserved.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Notification, Request } from "../../protocol/jsonrpc/Envelope.ts"
import { type ServerNotificationMethod, serverNotificationTable, serverRequestTable } from "../../protocol/Methods.ts"
import {
  messageOf,
  type OutboundMessage,
  type OutboundNotification,
  type OutboundRequest
} from "../routing/OutboundMessage.ts"

/** The length of the message's text, which is its cost in the buffer. */
interface Sized {
  readonly size: number
}

export type ReceivedNotification = OutboundNotification & Sized
export type ReceivedRequest = OutboundRequest & Sized
export type IncomingMessage = ReceivedNotification | ReceivedRequest

/** The size of a buffered message in characters. The client's own events have size 0. */
export const sizeOf = (message: OutboundMessage): number =>
  "size" in message && typeof message.size === "number" ? message.size : 0

const isKnown = (method: string): method is ServerNotificationMethod => Object.hasOwn(serverNotificationTable, method)

/** Undefined for a notification that clients do not know. */
export const notificationOf = (notification: Notification, size: number): ReceivedNotification | undefined => {
  const { method, params, emittedAtMs, seq } = notification
  if (!isKnown(method) || !Predicate.isObjectOrArray(params)) return undefined
  try {
    return Object.assign(messageOf(method, params, emittedAtMs ?? 0, seq), { size })
  } catch {
    // Its parameters lack the members of the replacement key.
    return undefined
  }
}

/** Undefined for a request that this client does not support. */
export const requestOf = (request: Request, size: number): ReceivedRequest | undefined => {
  const { id, method, params } = request
  if (!Object.hasOwn(serverRequestTable, method) || !Predicate.isObjectOrArray(params)) return undefined
  return { _tag: "Request", tier: "failBack", id, method, params, size }
}
