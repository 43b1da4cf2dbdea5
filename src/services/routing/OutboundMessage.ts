/**
 * A message to a client, before it is encoded. In-process clients get the value, wire transports its text. The first
 * transport that needs the text encodes it, and all connections share it.
 *
 * @module
 */
import { encodeNotification, encodeRequest } from "../../protocol/jsonrpc/Encode.ts"
import type { RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type { ServerNotification, Tier, WireSchema } from "../../protocol/Method.ts"
import { type ServerNotificationMethod, serverNotificationTable } from "../../protocol/Methods.ts"

/** Any message to a client. */
export type OutboundMessage = OutboundAnswer | OutboundNotification | OutboundRequest | OutboundLagged

/** The answer to a client's request. */
export interface OutboundAnswer {
  readonly _tag: "Answer"
  readonly tier: "answer"
  /**
   * The wire text. A response is encoded while its handler can still be notified that the result is
   * not JSON.
   */
  readonly text: string
}

/** A notification, which all its receivers share. */
export interface OutboundNotification {
  readonly _tag: "Notification"
  readonly tier: Tier
  /** A newer message with the same key replaces this one. Only for `latest`. */
  readonly key: string | undefined
  readonly method: string
  readonly params: unknown
  /** Unix milliseconds. */
  readonly emittedAtMs: number
  /** Its position in the thread's log; undefined for a message of no thread. */
  readonly seq: number | undefined
  /** The wire text, once a transport has requested it. */
  text: string | undefined
  /** The number of socket connections that it is queued for (BacklogBudget). */
  holders: number
}

/** A request to the client, which must answer it. */
export interface OutboundRequest {
  readonly _tag: "Request"
  readonly tier: "failBack"
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
}

/** Replaces `skipped` dropped messages. In-process only. */
export interface OutboundLagged {
  readonly _tag: "Lagged"
  readonly tier: "lossless"
  readonly skipped: number
}

const declarations: Readonly<Record<string, ServerNotification<WireSchema>>> = serverNotificationTable

/** The replacement key of a snapshot: the method and a key, by default the thread id. */
const keyOf = (declaration: ServerNotification<WireSchema>, method: string, params: unknown): string | undefined => {
  if (declaration.tier !== "latest") return undefined
  if (declaration.key !== undefined) return `${method} ${declaration.key(params)}`
  const threadId = (params as { readonly threadId?: unknown }).threadId
  return typeof threadId === "string" ? `${method} ${threadId}` : method
}

/** Makes a notification message that any number of connections can share. */
export const messageOf = (
  method: ServerNotificationMethod,
  params: unknown,
  emittedAtMs: number,
  seq: number | undefined
): OutboundNotification => {
  const declaration = declarations[method] as ServerNotification<WireSchema>
  return {
    _tag: "Notification",
    tier: declaration.tier,
    key: keyOf(declaration, method, params),
    method,
    params,
    emittedAtMs,
    seq,
    text: undefined,
    holders: 0
  }
}

const notification = (message: OutboundNotification): string =>
  (message.text ??= encodeNotification(message.method, message.params, message.emittedAtMs))

/**
 * The wire text of a message; the empty string for a message that has no wire form. With `sequenced`, notifications of
 * threads carry their sequence number. Throws when a payload is not JSON.
 */
export const encode = (message: OutboundMessage, sequenced = false): string => {
  switch (message._tag) {
    case "Notification": {
      const text = notification(message)
      return sequenced && message.seq !== undefined ? `${text.slice(0, -1)},"seq":${message.seq}}` : text
    }
    case "Answer":
      return message.text
    case "Request":
      return encodeRequest(message)
    case "Lagged":
      return ""
  }
}
