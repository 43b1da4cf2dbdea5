/**
 * A message on its way out, before it has a form: in-process clients get the value, wire transports its text. The text is
 * made once, by the first transport that needs it, however many connections are told.
 *
 * @module
 */
import { encodeNotification, encodeRequest } from "../../protocol/jsonrpc/Encode.ts"
import type { RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type { ServerNotification, Tier, WireSchema } from "../../protocol/Method.ts"
import { type ServerNotificationMethod, serverNotificationTable } from "../../protocol/Methods.ts"

export type OutboundMessage = OutboundAnswer | OutboundNotification | OutboundRequest | OutboundLagged

/** The answer to a client's request. */
export interface OutboundAnswer {
  readonly _tag: "Answer"
  readonly tier: "answer"
  /** The wire text: an answer is encoded where its handler still can be told that it is not JSON. */
  readonly text: string
}

export interface OutboundNotification {
  readonly _tag: "Notification"
  readonly tier: Tier
  /** What a newer one has to share to replace this; only for `latest`. */
  readonly key: string | undefined
  readonly method: string
  readonly params: unknown
  /** Unix milliseconds. */
  readonly emittedAtMs: number
  /** Its place in the order of its thread; undefined where it is of none. */
  readonly seq: number | undefined
  /** The wire text, once some transport has asked for it. */
  text: string | undefined
  /** How many connections on sockets wait for it (BacklogBudget). */
  holders: number
}

/** A request to the client, which owes an answer. */
export interface OutboundRequest {
  readonly _tag: "Request"
  readonly tier: "failBack"
  readonly id: RequestId
  readonly method: string
  readonly params: unknown
}

/** Takes the place of `skipped` dropped messages. In-process only. */
export interface OutboundLagged {
  readonly _tag: "Lagged"
  readonly tier: "lossless"
  readonly skipped: number
}

const declarations: Readonly<Record<string, ServerNotification<WireSchema>>> = serverNotificationTable

/** What a newer snapshot shares with the older one that it replaces: the method and a key, by default the thread. */
const keyOf = (declaration: ServerNotification<WireSchema>, method: string, params: unknown): string | undefined => {
  if (declaration.tier !== "latest") return undefined
  if (declaration.key !== undefined) return `${method} ${declaration.key(params)}`
  const threadId = (params as { readonly threadId?: unknown }).threadId
  return typeof threadId === "string" ? `${method} ${threadId}` : method
}

/** A notification as a message, for any number of connections. */
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
 * The wire text of a message; the empty string for what has none. With `sequenced`, for clients that asked for it, the
 * notifications of threads carry their number. Throws where a payload is not JSON.
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
