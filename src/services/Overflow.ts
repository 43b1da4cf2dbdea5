/**
 * What waits behind a full buffer, in order.
 *
 * Owns the order, the one snapshot of each key, and that two markers never stand next to each other: taking anything out
 * of the middle costs the same however much waits, since a client that is far behind has many thousand messages here. Does
 * not own how much may wait, nor who waits for it (Outbox).
 *
 * @module
 */
import type * as Deferred from "effect/Deferred"
import type { Outbound, OutboundLagged } from "./Outbound.ts"

/** A message's place in the order. */
export interface Place {
  message: Outbound
  readonly bytes: number
  /** Completed when the message has come into the buffer; undefined where nobody waits for this one alone. */
  readonly placed: Deferred.Deferred<void> | undefined
  previous: Place | undefined
  next: Place | undefined
}

/** What stands for dropped messages. */
const marker = (skipped: number): OutboundLagged => ({ _tag: "Lagged", tier: "lossless", skipped })

const keyOf = (message: Outbound): string | undefined =>
  message._tag === "Notification" && message.tier === "latest" ? message.key : undefined

export class Overflow {
  #first: Place | undefined
  #last: Place | undefined
  #length = 0
  #events = 0
  #eventBytes = 0
  readonly #snapshots = new Map<string, Place>()

  get length(): number {
    return this.#length
  }

  /** Notifications among what waits. Of all else there is only as much as the client has asked for, or is asked. */
  get events(): number {
    return this.#events
  }

  get eventBytes(): number {
    return this.#eventBytes
  }

  /** The next to go into the buffer. */
  get first(): Place | undefined {
    return this.#first
  }

  /** Puts a message behind the others. A snapshot leaves nothing of its elder. */
  push(message: Outbound, bytes: number, placed: Deferred.Deferred<void> | undefined): void {
    const key = keyOf(message)
    const elder = key === undefined ? undefined : this.#snapshots.get(key)
    if (elder !== undefined) this.remove(elder)
    const last = this.#last
    const place: Place = { message, bytes, placed, previous: last, next: undefined }
    if (last === undefined) this.#first = place
    else last.next = place
    this.#last = place
    this.#count(place, 1)
    if (key !== undefined) this.#snapshots.set(key, place)
    this.#join(last, place)
  }

  /** Says where messages were dropped. */
  mark(skipped: number): void {
    this.push(marker(skipped), 0, undefined)
  }

  /** Takes a message out, wherever it stands. */
  remove(place: Place): void {
    const { message, next, previous } = place
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    this.#count(place, -1)
    const key = keyOf(message)
    if (key !== undefined) this.#snapshots.delete(key)
    this.#join(previous, next)
  }

  /** The place of a message that has not left. */
  find(message: Outbound): Place | undefined {
    for (const place of this) if (place.message === message) return place
    return undefined
  }

  *[Symbol.iterator](): IterableIterator<Place> {
    for (let place = this.#first; place !== undefined; place = place.next) yield place
  }

  clear(): void {
    this.#first = undefined
    this.#last = undefined
    this.#length = 0
    this.#events = 0
    this.#eventBytes = 0
    this.#snapshots.clear()
  }

  #count({ bytes, message }: Place, change: 1 | -1): void {
    this.#length += change
    if (message._tag !== "Notification") return
    this.#events += change
    this.#eventBytes += change * bytes
  }

  /** Markers that come to stand next to each other become one. */
  #join(left: Place | undefined, right: Place | undefined): void {
    if (left?.message._tag !== "Lagged" || right?.message._tag !== "Lagged") return
    right.message = marker(left.message.skipped + right.message.skipped)
    this.remove(left)
  }
}
