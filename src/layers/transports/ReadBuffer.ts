/**
 * The way into a connection: what has been read and is not yet looked at, limited in messages and in bytes.
 *
 * A transport reads in chunks, and a chunk may hold more messages than there are places. The rest is kept here until there
 * are; the transport does not read on before that. Nothing that was read is ever dropped. The same holds for a message that
 * is still arriving: before `initialize` only a short one is accepted, and the budget of all connections may be exceeded.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming } from "../../protocol/jsonrpc/Envelope.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import type { ReadAccount } from "./ReadBudget.ts"

/** How much one connection may have under way. */
export interface InletLimits {
  /** Bytes that may wait to be looked at; a single longer message is taken all the same. */
  readonly ingressBytes: number
  /** Bytes of a message from a client that is not initialised. */
  readonly uninitializedBytes: number
}

interface Held {
  readonly message: Incoming
  readonly bytes: number
}

export class ReadBuffer {
  readonly #connection: Connection
  readonly #limits: InletLimits
  readonly #account: ReadAccount
  /** Read, and without a place in the ingress. */
  #held: Array<Held> = []
  /** Of the messages in the ingress. */
  #bytes = 0
  /** Of the message that is still arriving. */
  #partial = 0
  /** Who waits to read on. */
  #onRoom: (() => void) | undefined
  /** For room in the budget. */
  #isWaiting = false

  constructor(connection: Connection, limits: InletLimits, account: ReadAccount) {
    this.#connection = connection
    this.#limits = limits
    this.#account = account
    connection.onTaken = () => this.#taken()
    connection.onLookedAt = () => this.#lookAgain()
  }

  /**
   * False while the transport must not read on: because of what waits, because all connections together hold too much, or
   * because it is not known yet whether an `initialize` allows a message of the length that is arriving.
   */
  get hasRoom(): boolean {
    return (
      this.#held.length === 0 &&
      this.#bytes < this.#limits.ingressBytes &&
      this.#account.hasRoom &&
      (this.#isSettled || !this.#isTooLong(this.#partial))
    )
  }

  get isInitialized(): boolean {
    return this.#connection.session !== undefined
  }

  /** Takes a message that has been read; the next thing to look at is `hasRoom`. */
  push(message: Incoming, bytes: number): void {
    // It was the one that was arriving.
    this.arriving(0)
    this.#account.add(bytes)
    if (this.#held.length > 0 || !this.#place(message, bytes)) this.#held.push({ message, bytes })
  }

  /** So many bytes of a message have been read, and it is not complete. */
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

  /** Waits until there is room. */
  get room(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.hasRoom) return resume(Effect.void)
      this.whenRoom(() => resume(Effect.void))
    })
  }

  /** The connection has ended: nothing is held for it any more. */
  close(): void {
    this.#onRoom = undefined
    this.#account.close()
  }

  #isTooLong(bytes: number): boolean {
    return bytes > this.#limits.uninitializedBytes && !this.isInitialized
  }

  /** Whether everything that was read has been looked at. */
  get #isSettled(): boolean {
    const { ingress, isBusy } = this.#connection
    return !isBusy && this.#held.length === 0 && Queue.sizeUnsafe(ingress) === 0
  }

  #place(message: Incoming, bytes: number): boolean {
    if (!Queue.offerUnsafe(this.#connection.ingress, message)) return false
    this.#bytes += bytes
    return true
  }

  #taken(): void {
    this.#account.remove(this.#bytes)
    this.#bytes = 0
    const placed = this.#held.findIndex(({ bytes, message }) => !this.#place(message, bytes))
    this.#held = placed === -1 ? [] : this.#held.slice(placed)
    this.#lookAgain()
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
