/**
 * The messages that wait behind a full buffer, in the order of their offers.
 *
 * Owns the order, and that each key has one snapshot: a newer one takes a place at the end, and its elder leaves. Does not
 * own how much may wait, who waits for it, or when a message leaves (TieredQueue).
 *
 * A client that is far behind has many thousand messages here, and other clients have the same ones. A message that nobody
 * waits for is one array element. A snapshot that leaves the middle is left behind as a gap, and gaps are removed together,
 * so that a replacement costs the same however many wait.
 *
 * @module
 */
import type * as Deferred from "effect/Deferred"
import type { OutboundMessage } from "./OutboundMessage.ts"

/** Completed when its message is in the buffer. */
type Placed = Deferred.Deferred<void>

/** A message that waits, and what belongs to its place. */
export interface Waiting {
  readonly message: OutboundMessage
  /** Undefined where no producer waits for this message alone. */
  readonly placed: Placed | undefined
  /** How many messages were ever dropped before this one was offered. */
  readonly lost: number
}

/** A message with a producer, a key or a loss before it. Its message is undefined once it has left. */
interface Entry {
  readonly _tag: "Entry"
  message: OutboundMessage | undefined
  readonly placed: Placed | undefined
  readonly lost: number
}

/** `undefined`: the message has left. */
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

/** Places of messages that have left are kept until there are as many of them as of the others, and at least so many. */
const MinUnused = 1024

export class Backlog {
  readonly #bytesOf: (message: OutboundMessage) => number
  #places: Array<Place> = []
  /** Index of the first place that may have a message; no place before it has one. */
  #first = 0
  #length = 0
  #events = 0
  #eventBytes = 0
  readonly #snapshots = new Map<string, Entry>()

  /** `bytesOf` has to return the same for a message when it joins and when it leaves. */
  constructor(bytesOf: (message: OutboundMessage) => number) {
    this.#bytesOf = bytesOf
  }

  get length(): number {
    return this.#length
  }

  /** Notifications among the messages. The number of the others is bounded by the client's requests and the server's. */
  get events(): number {
    return this.#events
  }

  get eventBytes(): number {
    return this.#eventBytes
  }

  /** Adds a message at the end. Returns the snapshot that it replaces. */
  push(message: OutboundMessage, placed: Placed | undefined, lost: number): OutboundMessage | undefined {
    const key = keyOf(message)
    const elder = key === undefined ? undefined : this.#snapshots.get(key)
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
    if (key !== undefined) this.#snapshots.set(key, entry)
    this.#compact()
    return replaced
  }

  /** The message that leaves next. */
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

  /** Removes a message, wherever it stands; false when it has left. */
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
    this.#snapshots.clear()
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
    if (key !== undefined) this.#snapshots.delete(key)
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
