/**
 * The server's unanswered requests, across connections.
 *
 * After a reconnect, a server sends its pending requests again with the same ids. A restarted server of the release numbers
 * from 0 again, so a new request may have the id of one that the user is still looking at. An answer must never reach
 * another request, so the new request gets a different id on the client's side. Spindle's ids do not repeat (ServerRequests).
 *
 * @module
 */
import type { RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type { ReceivedNotification, ReceivedRequest } from "./IncomingMessage.ts"

interface PendingRequest {
  readonly request: ReceivedRequest
  /** False after its connection was lost, until the server sends it again. */
  isOpen: boolean
}

const isSame = (one: ReceivedRequest, other: ReceivedRequest): boolean =>
  one.method === other.method && JSON.stringify(one.params) === JSON.stringify(other.params)

export class PendingServerRequests {
  /** Keyed by the id that the client sees. */
  readonly #requests = new Map<RequestId, PendingRequest>()
  #renamed = 0

  /** The request with the id that the client sees. */
  receive(request: ReceivedRequest): ReceivedRequest {
    for (const [id, pending] of this.#requests) {
      if (pending.request.id === request.id && isSame(pending.request, request)) {
        pending.isOpen = true
        return { ...request, id }
      }
    }
    const id = this.#requests.has(request.id) ? this.#newId(request.id) : request.id
    this.#requests.set(id, { request, isOpen: true })
    return id === request.id ? request : { ...request, id }
  }

  #newId(id: RequestId): string {
    return `${String(id)}#${++this.#renamed}`
  }

  /**
   * The server's id of a request to be answered; null when its connection was lost and the server has not sent it again.
   * Unknown ids, including those of answered requests, are passed on to the server.
   */
  wireIdOf(id: RequestId): RequestId | null {
    const pending = this.#requests.get(id)
    if (pending === undefined) return id
    return pending.isOpen ? pending.request.id : null
  }

  answered(id: RequestId): void {
    this.#requests.delete(id)
  }

  /** Replaces the id in `serverRequest/resolved` with the client's id; returns any other notification unchanged. */
  resolved(message: ReceivedNotification): ReceivedNotification {
    if (message.method !== "serverRequest/resolved") return message
    // Its parameters are an object, see `notificationOf`.
    const params = message.params as { readonly requestId?: RequestId }
    const id = this.#idOf(params.requestId)
    if (id === undefined) return message
    this.#requests.delete(id)
    return id === params.requestId ? message : { ...message, params: { ...params, requestId: id } }
  }

  /** The client's id of a request: an open one, or else one that was resolved while the connection was lost. */
  #idOf(wireId: RequestId | undefined): RequestId | undefined {
    let absent: RequestId | undefined
    for (const [id, pending] of this.#requests) {
      if (pending.request.id !== wireId) continue
      if (pending.isOpen) return id
      absent = id
    }
    return absent
  }

  /** The connection was lost: open requests cannot be answered until they are sent again. */
  lost(): void {
    for (const pending of this.#requests.values()) pending.isOpen = false
  }
}
