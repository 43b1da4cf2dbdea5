/**
 * From a message of the server to what the client's event buffer takes. The method table says what is known and what gives
 * way when the consumer is behind; parameters are handed on as they came, so that members and variants of a newer server
 * are not lost on the way.
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

/** How long its text was, which is what holding it costs. */
interface Sized {
  readonly size: number
}

export type ReceivedNotification = OutboundNotification & Sized
export type ReceivedRequest = OutboundRequest & Sized
export type IncomingMessage = ReceivedNotification | ReceivedRequest

/** What a message of the buffer weighs, in characters. Marks of the client's own weigh nothing. */
export const sizeOf = (message: OutboundMessage): number =>
  "size" in message && typeof message.size === "number" ? message.size : 0

const isKnown = (method: string): method is ServerNotificationMethod => Object.hasOwn(serverNotificationTable, method)

/** Undefined for what no consumer would understand. */
export const notificationOf = (notification: Notification, size: number): ReceivedNotification | undefined => {
  const { method, params, emittedAtMs, seq } = notification
  if (!isKnown(method) || !Predicate.isObjectOrArray(params)) return undefined
  try {
    return Object.assign(messageOf(method, params, emittedAtMs ?? 0, seq), { size })
  } catch {
    // What would make it replace its elder is missing in it.
    return undefined
  }
}

/** Undefined for what this client cannot be asked. */
export const requestOf = (request: Request, size: number): ReceivedRequest | undefined => {
  const { id, method, params } = request
  if (!Object.hasOwn(serverRequestTable, method) || !Predicate.isObjectOrArray(params)) return undefined
  return { _tag: "Request", tier: "failBack", id, method, params, size }
}
