/**
 * Who waits for which answer. An answer that nobody waits for is ignored: its caller has given up, or it is stray.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Exit from "effect/Exit"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ErrorObject, Failure, RequestId, Success } from "../../protocol/jsonrpc/Envelope.ts"
import { ServerError, TransportError } from "./AppServerClient.ts"

export type Answer = Deferred.Deferred<unknown, TransportError | ServerError>

/** Sees a result in the order of what arrives, before any later event. */
export type Observe = (success: Success) => void

interface Waiter {
  readonly method: string
  readonly answer: Answer
  readonly observe: Observe | undefined
}

const toServerError = (method: string, { code, message, data }: ErrorObject): ServerError =>
  new ServerError({
    method,
    code: Number.isSafeInteger(code) ? code : ErrorCode.Internal,
    detail: message,
    // It came as JSON.
    ...(data === undefined ? {} : { data: data as ServerError["data"] & {} })
  })

export class PendingRequests {
  readonly #waiters = new Map<RequestId, Waiter>()

  /** Undefined when somebody waits under that id already, who is not disturbed. */
  add(id: RequestId, method: string, observe: Observe | undefined): Answer | undefined {
    if (this.#waiters.has(id)) return undefined
    const answer: Answer = Deferred.makeUnsafe()
    this.#waiters.set(id, { method, answer, observe })
    return answer
  }

  forget(id: RequestId): void {
    this.#waiters.delete(id)
  }

  #take(id: RequestId): Waiter | undefined {
    const waiter = this.#waiters.get(id)
    if (waiter !== undefined) this.#waiters.delete(id)
    return waiter
  }

  succeed(success: Success): void {
    const waiter = this.#take(success.id)
    if (waiter === undefined) return
    waiter.observe?.(success)
    Deferred.doneUnsafe(waiter.answer, Exit.succeed(success.result))
  }

  fail({ id, error }: Failure): void {
    const waiter = this.#take(id)
    if (waiter !== undefined) Deferred.doneUnsafe(waiter.answer, Exit.fail(toServerError(waiter.method, error)))
  }

  /** Nobody will be answered any more. */
  failAll(kind: TransportError["kind"], detail: string): void {
    const waiters = Array.from(this.#waiters.values())
    this.#waiters.clear()
    for (const { method, answer } of waiters) {
      Deferred.doneUnsafe(answer, Exit.fail(new TransportError({ method, kind, detail })))
    }
  }
}
