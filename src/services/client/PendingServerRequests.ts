/**
 * What the server has asked and the client has not answered, over more than one connection.
 *
 * A server sends pending requests again when a client comes back, with the same ids. The released server counts them from 0
 * after each restart: its next request may have the id of one that the user is still looking at. The answer to one request
 * must never be given to another, so the newer one gets an id of its own here. Spindle's ids do not repeat (ServerRequests).
 *
 * @module
 */
import type { RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type { ReceivedNotification, ReceivedRequest } from "./IncomingMessage.ts"

interface Question {
  readonly request: ReceivedRequest
  /** False since its connection was lost, until it is asked again. */
  isOpen: boolean
}

const isSame = (one: ReceivedRequest, other: ReceivedRequest): boolean =>
  one.method === other.method && JSON.stringify(one.params) === JSON.stringify(other.params)

export class PendingServerRequests {
  /** By the id that the client sees. */
  readonly #questions = new Map<RequestId, Question>()
  #renamed = 0

  /** The request as the client sees it. */
  offered(request: ReceivedRequest): ReceivedRequest {
    for (const [id, question] of this.#questions) {
      if (question.request.id === request.id && isSame(question.request, request)) {
        question.isOpen = true
        return { ...request, id }
      }
    }
    const id = this.#questions.has(request.id) ? this.#newId(request.id) : request.id
    this.#questions.set(id, { request, isOpen: true })
    return id === request.id ? request : { ...request, id }
  }

  #newId(id: RequestId): string {
    return `${String(id)}#${++this.#renamed}`
  }

  /**
   * The server's own id of a request that is to be answered; null when it was asked through a connection that was lost, and
   * not again since. Unknown ids, those of answered requests among them, are the server's business.
   */
  wireIdOf(id: RequestId): RequestId | null {
    const question = this.#questions.get(id)
    if (question === undefined) return id
    return question.isOpen ? question.request.id : null
  }

  answered(id: RequestId): void {
    this.#questions.delete(id)
  }

  /** `serverRequest/resolved` by the id that the client knows; any other notification as it is. */
  resolved(message: ReceivedNotification): ReceivedNotification {
    if (message.method !== "serverRequest/resolved") return message
    // Its parameters are an object, see `notificationOf`.
    const params = message.params as { readonly requestId?: RequestId }
    const id = this.#idOf(params.requestId)
    if (id === undefined) return message
    this.#questions.delete(id)
    return id === params.requestId ? message : { ...message, params: { ...params, requestId: id } }
  }

  /** The id that the client knows a question by: the one that is open, or else one that was settled during an absence. */
  #idOf(wireId: RequestId | undefined): RequestId | undefined {
    let absent: RequestId | undefined
    for (const [id, question] of this.#questions) {
      if (question.request.id !== wireId) continue
      if (question.isOpen) return id
      absent = id
    }
    return absent
  }

  /** The connection is gone, and with it the way to answer. */
  lost(): void {
    for (const question of this.#questions.values()) question.isOpen = false
  }
}
