/**
 * What waits behind a full buffer, in order.
 *
 * Owns the order, the one snapshot of each key, and that two markers never stand next to each other. A client that is far
 * behind has many thousand messages here, and so have others beside it: messages that nobody looks for are kept in runs, at
 * one array element each, and the cost of replacing a snapshot does not depend on how many wait. Does not own how much may
 * wait, nor who waits for it (TieredQueue).
 *
 * ```
 *  first ─► [a b c d …] ⇄ snapshot k ⇄ [e f] ⇄ request 7 ⇄ marker ⇄ [g …] ◄─ last
 * ```
 *
 * @module
 */
import type * as Deferred from "effect/Deferred"
import type { OutboundMessage, OutboundLagged } from "./OutboundMessage.ts"

/** Completed when its message has come into the buffer. */
type Placed = Deferred.Deferred<void>

/** The next message to leave. */
export interface Head {
  readonly message: OutboundMessage
  /** Undefined where no producer waits for this message alone. */
  readonly placed: Placed | undefined
}

/** A message with something of its own: a producer, a key, or that it is a marker. */
interface Single {
  readonly _tag: "Single"
  message: OutboundMessage
  readonly placed: Placed | undefined
  previous: Node | undefined
  next: Node | undefined
}

/** Messages without. Those before `from` have left. */
interface Run {
  readonly _tag: "Run"
  messages: Array<OutboundMessage | undefined>
  from: number
  previous: Node | undefined
  next: Node | undefined
}

type Node = Single | Run

/** What stands for dropped messages. */
const marker = (skipped: number): OutboundLagged => ({ _tag: "Lagged", tier: "lossless", skipped })

const keyOf = (message: OutboundMessage): string | undefined =>
  message._tag === "Notification" && message.tier === "latest" ? message.key : undefined

/** A run that is no longer joins the one before it. */
const ShortRun = 64

/** Elements that have left a run and are kept until there are as many as those that have not. */
const MinLeft = 1024

export class Backlog {
  readonly #bytesOf: (message: OutboundMessage) => number
  #first: Node | undefined
  #last: Node | undefined
  #length = 0
  #events = 0
  #eventBytes = 0
  readonly #snapshots = new Map<string, Single>()

  /** `bytesOf` has to give the same for a message when it comes and when it leaves. */
  constructor(bytesOf: (message: OutboundMessage) => number) {
    this.#bytesOf = bytesOf
  }

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
  get first(): Head | undefined {
    const node = this.#first
    if (node === undefined || node._tag === "Single") return node
    const message = node.messages[node.from]
    return message === undefined ? undefined : { message, placed: undefined }
  }

  /** Puts a message behind the others. A snapshot replaces its elder; who replaced what is told the elder. */
  push(message: OutboundMessage, placed: Placed | undefined): OutboundMessage | undefined {
    const key = keyOf(message)
    const elder = key === undefined ? undefined : this.#snapshots.get(key)
    if (elder !== undefined) this.#removeSingle(elder)
    this.#count(message, 1)
    if (key === undefined && placed === undefined && message._tag !== "Lagged") {
      if (this.#last?._tag === "Run") this.#last.messages.push(message)
      else this.#append({ _tag: "Run", messages: [message], from: 0, previous: undefined, next: undefined })
      return undefined
    }
    const single: Single = { _tag: "Single", message, placed, previous: undefined, next: undefined }
    this.#append(single)
    if (key !== undefined) this.#snapshots.set(key, single)
    this.#join(single.previous, single)
    return elder?.message
  }

  /** Says where messages were dropped. */
  mark(skipped: number): void {
    this.push(marker(skipped), undefined)
  }

  /** Takes the first out. */
  shift(): void {
    const node = this.#first
    if (node === undefined) return
    if (node._tag === "Single") return this.#removeSingle(node)
    const message = node.messages[node.from]
    if (message === undefined) return
    this.#count(message, -1)
    node.messages[node.from++] = undefined
    if (node.from === node.messages.length) return this.#unlink(node)
    if (node.from < MinLeft || node.from * 2 < node.messages.length) return
    node.messages = node.messages.slice(node.from)
    node.from = 0
  }

  /** Takes a message out, wherever it stands; false when it is not there any more. */
  remove(message: OutboundMessage): boolean {
    for (let node = this.#first; node !== undefined; node = node.next) {
      if (node._tag === "Single") {
        if (node.message !== message) continue
        this.#removeSingle(node)
        return true
      }
      const at = node.messages.indexOf(message, node.from)
      if (at === -1) continue
      this.#count(message, -1)
      node.messages.splice(at, 1)
      if (node.from === node.messages.length) this.#unlink(node)
      return true
    }
    return false
  }

  *[Symbol.iterator](): IterableIterator<Head> {
    for (let node = this.#first; node !== undefined; node = node.next) {
      if (node._tag === "Single") yield node
      else for (const message of node.messages) if (message !== undefined) yield { message, placed: undefined }
    }
  }

  clear(): void {
    this.#first = undefined
    this.#last = undefined
    this.#length = 0
    this.#events = 0
    this.#eventBytes = 0
    this.#snapshots.clear()
  }

  #append(node: Node): void {
    const last = this.#last
    node.previous = last
    if (last === undefined) this.#first = node
    else last.next = node
    this.#last = node
  }

  #removeSingle(single: Single): void {
    const key = keyOf(single.message)
    if (key !== undefined) this.#snapshots.delete(key)
    this.#count(single.message, -1)
    this.#unlink(single)
  }

  #unlink(node: Node): void {
    const { next, previous } = node
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    this.#join(previous, next)
  }

  #count(message: OutboundMessage, change: 1 | -1): void {
    this.#length += change
    if (message._tag !== "Notification") return
    this.#events += change
    this.#eventBytes += change * this.#bytesOf(message)
  }

  /** Neighbours that become one: markers, and a run with a short one behind it. */
  #join(left: Node | undefined, right: Node | undefined): void {
    if (left === undefined || right === undefined) return
    if (left._tag === "Run" && right._tag === "Run") {
      if (right.messages.length - right.from > ShortRun) return
      left.messages.push(...right.messages.slice(right.from))
      this.#unlink(right)
    } else if (left._tag === "Single" && right._tag === "Single") {
      if (left.message._tag !== "Lagged" || right.message._tag !== "Lagged") return
      right.message = marker(left.message.skipped + right.message.skipped)
      this.#removeSingle(left)
    }
  }
}
