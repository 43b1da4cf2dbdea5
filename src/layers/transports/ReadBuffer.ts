/**
 * What a socket has received and the engine has not read, limited in messages and in bytes.
 *
 * A socket delivers chunks, and a chunk may hold more messages than the limits allow. All of them are kept, and the transport does
 * not read on before there is room again: nothing that was received is dropped. A message that is still arriving counts as well:
 * before `initialize` only a short one is accepted, and the budget of all connections may be exceeded.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming } from "../../protocol/jsonrpc/Envelope.ts"
import type { TransportClosed } from "../../services/connection/Transport.ts"
import type { ReadAccount } from "./ReadBudget.ts"

/** How much one connection may have under way. */
export interface ReadLimits {
  /** Messages that may wait to be read. */
  readonly ingressCapacity: number
  /** Bytes of them; a single longer message is taken all the same. */
  readonly ingressBytes: number
  /** Bytes of a message from a client that is not initialized. */
  readonly uninitializedBytes: number
}

export class ReadBuffer {
  readonly #limits: ReadLimits
  readonly #account: ReadAccount
  readonly #waiting: Queue.Queue<Incoming, Cause.Done | TransportClosed>
  /** Of the messages that wait. */
  #bytes = 0
  /** Of the message that is still arriving. */
  #partial = 0
  /** Whether messages were read that the engine may not have looked at. */
  #isBusy = false
  #isInitialized = false
  /** Called when there is room again. */
  #onRoom: (() => void) | undefined
  /** Whether the account has been asked for room. */
  #isWaiting = false

  constructor(limits: ReadLimits, account: ReadAccount) {
    this.#limits = limits
    this.#account = account
    // It is bounded by `hasRoom`, between chunks.
    this.#waiting = Effect.runSync(Queue.unbounded<Incoming, Cause.Done | TransportClosed>())
  }

  /**
   * False while the transport must not read on: because of what waits, because all connections together hold too much, or
   * because it is not known yet whether an `initialize` allows a message of the length that is arriving.
   */
  get hasRoom(): boolean {
    return (
      this.unread <= this.#limits.ingressCapacity &&
      this.#bytes < this.#limits.ingressBytes &&
      this.#account.hasRoom &&
      (this.#isSettled || !this.#isTooLong(this.#partial))
    )
  }

  get isInitialized(): boolean {
    return this.#isInitialized
  }

  /** Messages that wait to be read. */
  get unread(): number {
    return Queue.sizeUnsafe(this.#waiting)
  }

  /** The messages that wait, at least one. What was read before has been looked at. */
  readonly read: Effect.Effect<ReadonlyArray<Incoming>, Cause.Done | TransportClosed> = Effect.suspend(() => {
    this.#isBusy = false
    this.#lookAgain()
    return Effect.map(Queue.takeAll(this.#waiting), (messages) => {
      this.#isBusy = true
      this.#account.remove(this.#bytes)
      this.#bytes = 0
      this.#lookAgain()
      return messages
    })
  })

  /** Takes a message that has been received; the next thing to look at is `hasRoom`. */
  push(message: Incoming, bytes: number): void {
    // It was the one that was arriving.
    this.arriving(0)
    this.#account.add(bytes)
    this.#bytes += bytes
    Queue.offerUnsafe(this.#waiting, message)
  }

  /** So many bytes of a message have been received, and it is not complete. */
  arriving(bytes: number): void {
    const more = bytes - this.#partial
    this.#partial = bytes
    if (more > 0) this.#account.add(more)
    else if (more < 0) this.#account.remove(-more)
  }

  /**
   * Whether a message of this length is refused, by default the one that is arriving. Before `initialize` a long one is, but
   * not one that follows an `initialize` which has still to be looked at.
   */
  refuses(bytes = this.#partial): boolean {
    return this.#isTooLong(bytes) && this.#isSettled
  }

  /** Calls back once when there is room again. */
  whenRoom(onRoom: () => void): void {
    this.#onRoom = onRoom
    this.#lookAgain()
  }

  /** The client has initialized: it may send longer messages. */
  initialized(): void {
    this.#isInitialized = true
  }

  /** Nothing more will be received. What waits can still be read. */
  fail(error: TransportClosed): void {
    this.#onRoom = undefined
    Queue.failCauseUnsafe(this.#waiting, Cause.fail(error))
  }

  /** The connection has ended: nothing is held for it any more. */
  close(): void {
    this.#onRoom = undefined
    this.#account.close()
  }

  #isTooLong(bytes: number): boolean {
    return bytes > this.#limits.uninitializedBytes && !this.#isInitialized
  }

  /** Whether everything that was received has been looked at. */
  get #isSettled(): boolean {
    return !this.#isBusy && this.unread === 0
  }

  #lookAgain(): void {
    const onRoom = this.#onRoom
    if (onRoom === undefined) return
    if (this.hasRoom) {
      this.#onRoom = undefined
      onRoom()
    } else if (!this.#account.hasRoom && !this.#isWaiting) {
      this.#isWaiting = true
      this.#account.whenRoom(() => {
        this.#isWaiting = false
        this.#lookAgain()
      })
    }
  }
}
