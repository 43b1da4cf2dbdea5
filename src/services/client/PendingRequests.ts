/**
 * The requests that wait for a response. A response without a pending request is ignored.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Exit from "effect/Exit"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject, Failure, RequestId, Success } from "../../protocol/jsonrpc/Envelope.ts"
import { ServerError, TransportError, type TransportReason } from "./ClientError.ts"

export type Answer = Deferred.Deferred<unknown, TransportError | ServerError>

/** Called with a result in the order of arrival, before any later event is processed. */
export type Observe = (success: Success) => void

interface PendingRequest {
  readonly method: string
  readonly answer: Answer
  readonly observe: Observe | undefined
}

const toServerError = (method: string, { code, message, data }: ErrorObject): ServerError =>
  new ServerError({
    method,
    code: Number.isSafeInteger(code) ? code : ErrorCode.Internal,
    detail: message,
    // It was parsed from JSON.
    ...(data === undefined ? {} : { data: data as ServerError["data"] & {} })
  })

export class PendingRequests {
  readonly #pending = new Map<RequestId, PendingRequest>()

  /** Undefined when a request with this id is already pending; that one is not affected. */
  add(id: RequestId, method: string, observe: Observe | undefined): Answer | undefined {
    if (this.#pending.has(id)) return undefined
    const answer: Answer = Deferred.makeUnsafe()
    this.#pending.set(id, { method, answer, observe })
    return answer
  }

  forget(id: RequestId): void {
    this.#pending.delete(id)
  }

  #take(id: RequestId): PendingRequest | undefined {
    const pending = this.#pending.get(id)
    if (pending !== undefined) this.#pending.delete(id)
    return pending
  }

  succeed(success: Success): void {
    const pending = this.#take(success.id)
    if (pending === undefined) return
    pending.observe?.(success)
    Deferred.doneUnsafe(pending.answer, Exit.succeed(success.result))
  }

  fail({ id, error }: Failure): void {
    const pending = this.#take(id)
    if (pending !== undefined) Deferred.doneUnsafe(pending.answer, Exit.fail(toServerError(pending.method, error)))
  }

  /** Fails all pending requests. */
  failAll(reason: TransportReason, detail: string): void {
    const all = Array.from(this.#pending.values())
    this.#pending.clear()
    for (const { method, answer } of all) {
      Deferred.doneUnsafe(answer, Exit.fail(new TransportError({ method, reason, detail })))
    }
  }
}
