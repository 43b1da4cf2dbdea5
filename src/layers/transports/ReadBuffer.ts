/**
 * Messages that a socket has received and the engine has not read, limited in number and in bytes.
 *
 * A socket delivers chunks, and a chunk may hold more messages than the limits allow. All of them are kept, and the transport
 * pauses until there is room: no received message is dropped. An incomplete message counts as well: before `initialize` only a
 * short one is accepted, and it may exceed the budget of all connections.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming } from "../../protocol/jsonrpc/Envelope.ts"
import type { TransportClosed } from "../../services/connection/Transport.ts"
import type { ReadAccount } from "./ReadBudget.ts"

/** Limits of one connection. */
export interface ReadLimits {
  /** Maximum number of waiting messages. */
  readonly ingressCapacity: number
  /** Maximum size of waiting messages in bytes. A single longer message is still accepted. */
  readonly ingressBytes: number
  /** Maximum size in bytes of a message from an uninitialized client. */
  readonly uninitializedBytes: number
}

export class ReadBuffer {
  readonly #limits: ReadLimits
  readonly #account: ReadAccount
  readonly #waiting: Queue.Queue<Incoming, Cause.Done | TransportClosed>
  /** Size of the waiting messages. */
  #bytes = 0
  /** Size of the incomplete message. */
  #partial = 0
  /** Whether messages were taken that the engine may not have handled. */
  #isBusy = false
  #isInitialized = false
  /** Called when there is room again. */
  #onRoom: (() => void) | undefined
  /** Whether a callback for room is registered at the account. */
  #isWaiting = false

  constructor(limits: ReadLimits, account: ReadAccount) {
    this.#limits = limits
    this.#account = account
    // Bounded by `hasRoom`, which the transport checks between chunks.
    this.#waiting = Effect.runSync(Queue.unbounded<Incoming, Cause.Done | TransportClosed>())
  }

  /**
   * False while the transport must pause: because too much waits, because all connections together hold too much, or because
   * a pending `initialize` decides whether the incomplete message may be this long.
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

  /** Number of waiting messages. */
  get unread(): number {
    return Queue.sizeUnsafe(this.#waiting)
  }

  /** Takes the waiting messages, at least one. The previous batch counts as handled. */
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

  /** Adds a received message. Check `hasRoom` afterwards. */
  push(message: Incoming, bytes: number): void {
    // It was the incomplete message.
    this.arriving(0)
    this.#account.add(bytes)
    this.#bytes += bytes
    Queue.offerUnsafe(this.#waiting, message)
  }

  /** Records the size of an incomplete message. */
  arriving(bytes: number): void {
    const more = bytes - this.#partial
    this.#partial = bytes
    if (more > 0) this.#account.add(more)
    else if (more < 0) this.#account.remove(-more)
  }

  /**
   * Whether a message of this length is refused; by default the incomplete one. Before `initialize` a long message is
   * refused, unless it follows an unhandled `initialize`.
   */
  refuses(bytes = this.#partial): boolean {
    return this.#isTooLong(bytes) && this.#isSettled
  }

  /** Calls back once when there is room. */
  whenRoom(onRoom: () => void): void {
    this.#onRoom = onRoom
    this.#lookAgain()
  }

  /** Allows longer messages after the client has initialized. */
  initialized(): void {
    this.#isInitialized = true
  }

  /** Marks the end of the input. Waiting messages can still be read. */
  fail(error: TransportClosed): void {
    this.#onRoom = undefined
    Queue.failCauseUnsafe(this.#waiting, Cause.fail(error))
  }

  /** Releases everything when the connection has ended. */
  close(): void {
    this.#onRoom = undefined
    this.#account.close()
  }

  #isTooLong(bytes: number): boolean {
    return bytes > this.#limits.uninitializedBytes && !this.#isInitialized
  }

  /** Whether every received message has been handled. */
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
