/**
 * The messages that wait behind a full buffer, in the order in which they were offered.
 *
 * Owns the order, and that each key has one snapshot: a newer snapshot is appended at the end and the older one is
 * removed. Does not own how much may wait, who waits for it, or when a message leaves (TieredQueue).
 *
 * A client that is far behind has many thousand messages here, mostly shared with other clients. A message without a
 * waiting producer is one array element. Removing a snapshot from the middle leaves a gap, and gaps are compacted together,
 * so that the cost of a replacement does not depend on the length.
 *
 * @module
 */
import type * as Deferred from "effect/Deferred"
import type { OutboundMessage } from "./OutboundMessage.ts"

/** Completed when its message is in the buffer. */
type Placed = Deferred.Deferred<void>

/** A waiting message and its metadata. */
export interface Waiting {
  readonly message: OutboundMessage
  /** Undefined where no producer waits for this message alone. */
  readonly placed: Placed | undefined
  /** Total number of messages dropped before this one was offered. */
  readonly lost: number
}

/** A message with a producer, a key or a preceding loss. Its message is undefined once it has left. */
interface Entry {
  readonly _tag: "Entry"
  message: OutboundMessage | undefined
  readonly placed: Placed | undefined
  readonly lost: number
}

/** `undefined` once the message has left. */
type Place = OutboundMessage | Entry | undefined

const keyOf = (message: OutboundMessage): string | undefined =>
  message._tag === "Notification" && message.tier === "latest" ? message.key : undefined

const waitingAt = (place: Place): Waiting | undefined => {
  if (place === undefined) return undefined
  if (place._tag !== "Entry") return { message: place, placed: undefined, lost: 0 }
  const { lost, message, placed } = place
  return message === undefined ? undefined : { message, placed, lost }
}

const messageAt = (place: Place): OutboundMessage | undefined => (place?._tag === "Entry" ? place.message : place)

/** The minimum number of gaps before compaction. Compaction also waits until there are as many gaps as messages. */
const MinUnused = 1024

export class Backlog {
  readonly #bytesOf: (message: OutboundMessage) => number
  #places: Array<Place> = []
  /** Index of the first place that may hold a message. All earlier places are gaps. */
  #first = 0
  #length = 0
  #events = 0
  #eventBytes = 0
  /** Created on demand: most connections never wait. */
  #snapshots: Map<string, Entry> | undefined

  /** `bytesOf` must return the same value for a message each time. */
  constructor(bytesOf: (message: OutboundMessage) => number) {
    this.#bytesOf = bytesOf
  }

  get length(): number {
    return this.#length
  }

  /** Notifications among the messages. Other messages are bounded by the number of open requests. */
  get events(): number {
    return this.#events
  }

  get eventBytes(): number {
    return this.#eventBytes
  }

  /** Adds a message at the end. Returns the snapshot that it replaces. */
  push(message: OutboundMessage, placed: Placed | undefined, lost: number): OutboundMessage | undefined {
    const key = keyOf(message)
    const elder = key === undefined ? undefined : this.#snapshots?.get(key)
    const replaced = elder?.message
    if (elder !== undefined && replaced !== undefined) {
      elder.message = undefined
      this.#count(replaced, -1)
    }
    this.#count(message, 1)
    if (key === undefined && placed === undefined && lost === 0) {
      this.#places.push(message)
      return undefined
    }
    const entry: Entry = { _tag: "Entry", message, placed, lost }
    this.#places.push(entry)
    if (key !== undefined) (this.#snapshots ??= new Map()).set(key, entry)
    this.#compact()
    return replaced
  }

  /** The next message to leave. */
  get first(): Waiting | undefined {
    while (this.#length > 0) {
      const waiting = waitingAt(this.#places[this.#first])
      if (waiting !== undefined) return waiting
      this.#first++
    }
    return undefined
  }

  /** Removes the message that `first` has returned. */
  shift(): void {
    this.#removeAt(this.#first++)
  }

  /** Removes a message from any position. False when it has already left. */
  remove(message: OutboundMessage): boolean {
    for (let at = this.#first; at < this.#places.length; at++) {
      if (messageAt(this.#places[at]) !== message) continue
      this.#removeAt(at)
      return true
    }
    return false
  }

  /** Removes all messages and returns them. */
  clear(): ReadonlyArray<Waiting> {
    const all = Array.from(this)
    this.#places = []
    this.#first = 0
    this.#length = 0
    this.#events = 0
    this.#eventBytes = 0
    this.#snapshots?.clear()
    return all
  }

  *[Symbol.iterator](): IterableIterator<Waiting> {
    for (const place of this.#places) {
      const waiting = waitingAt(place)
      if (waiting !== undefined) yield waiting
    }
  }

  #removeAt(at: number): void {
    const message = messageAt(this.#places[at])
    if (message === undefined) return
    this.#places[at] = undefined
    this.#count(message, -1)
    const key = keyOf(message)
    if (key !== undefined) this.#snapshots?.delete(key)
    this.#compact()
  }

  #compact(): void {
    const gaps = this.#places.length - this.#first - this.#length
    const unused = this.#first + gaps
    if (unused < MinUnused || unused < this.#length) return
    const rest = this.#places.slice(this.#first)
    this.#places = gaps === 0 ? rest : rest.filter((place) => messageAt(place) !== undefined)
    this.#first = 0
  }

  #count(message: OutboundMessage, change: 1 | -1): void {
    this.#length += change
    if (message._tag !== "Notification") return
    this.#events += change
    this.#eventBytes += change * this.#bytesOf(message)
  }
}
