/**
 * The way into a connection: what has been read and is not yet looked at, limited in messages and in bytes.
 *
 * A transport reads in chunks, and a chunk may hold more messages than there are places. The rest is kept here until there
 * are; the transport does not read on before that. Nothing that was read is ever dropped.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Incoming } from "../../protocol/JsonRpc.ts"
import type { Connection } from "../../services/Connection.ts"

interface Held {
  readonly message: Incoming
  readonly bytes: number
}

export class Inlet {
  readonly #ingress: Connection["ingress"]
  readonly #maxBytes: number
  /** Read, and without a place in the ingress. */
  #held: Array<Held> = []
  /** Of the messages in the ingress. */
  #bytes = 0
  /** Who waits to read on. */
  #onRoom: (() => void) | undefined

  /** `maxBytes` is what may lie unread; a single longer message is taken all the same. */
  constructor(connection: Connection, maxBytes: number) {
    this.#ingress = connection.ingress
    this.#maxBytes = maxBytes
    connection.onTaken = () => this.#taken()
  }

  /** False while the transport must not read on. */
  get hasRoom(): boolean {
    return this.#held.length === 0 && this.#bytes < this.#maxBytes
  }

  /** Takes a message that has been read; the next thing to look at is `hasRoom`. */
  push(message: Incoming, bytes: number): void {
    if (this.#held.length > 0 || !this.#place(message, bytes)) this.#held.push({ message, bytes })
  }

  /** Calls back once when there is room again. */
  whenRoom(onRoom: () => void): void {
    this.#onRoom = onRoom
  }

  /** Waits until there is room. */
  get room(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.hasRoom) return resume(Effect.void)
      this.whenRoom(() => resume(Effect.void))
    })
  }

  #place(message: Incoming, bytes: number): boolean {
    if (!Queue.offerUnsafe(this.#ingress, message)) return false
    this.#bytes += bytes
    return true
  }

  #taken(): void {
    this.#bytes = 0
    const placed = this.#held.findIndex(({ bytes, message }) => !this.#place(message, bytes))
    this.#held = placed === -1 ? [] : this.#held.slice(placed)
    const onRoom = this.#onRoom
    if (onRoom === undefined || !this.hasRoom) return
    this.#onRoom = undefined
    onRoom()
  }
}
