/**
 * The order of each thread's notifications, and what a client that was away has missed of it.
 *
 * An extension of Spindle's (`docs/extensions.md`): clients that ask for it see a number on every notification of a thread,
 * and may resume from the last one they saw. Owns the numbers and the bounded ring of what was told. A ring is kept from the
 * moment such a client follows the thread, so that others cost nothing.
 *
 * Invariants: numbers of one thread rise by one with each notification, whoever is told of it; an epoch names one life of a
 * thread in memory, and numbers of different epochs mean nothing to each other.
 *
 * @module
 */
import type { Position } from "../../protocol/extensions/Sequence.ts"
import { encode, type OutboundNotification } from "./OutboundMessage.ts"

/** Notifications of a thread that can be told again. */
const MaxMessages = 2048

/** Characters of their texts together. */
const MaxChars = 16 * 1024 * 1024

/** The last messages of a thread, oldest first. */
class Ring {
  /** Undefined before the oldest: what has been dropped is not kept in memory. */
  #messages: Array<OutboundNotification | undefined> = []
  /** Where the oldest is. */
  #from = 0
  #chars = 0

  push(message: OutboundNotification): void {
    this.#messages.push(message)
    this.#chars += encode(message).length
    while (this.#messages.length - this.#from > MaxMessages || this.#chars > MaxChars) this.#drop()
    if (this.#from > MaxMessages) {
      this.#messages = this.#messages.slice(this.#from)
      this.#from = 0
    }
  }

  #drop(): void {
    const oldest = this.#messages[this.#from]
    if (oldest === undefined) return
    this.#chars -= encode(oldest).length
    this.#messages[this.#from++] = undefined
  }

  /** Everything after `seq`, or undefined when some of it is gone. */
  after(seq: number, last: number): ReadonlyArray<OutboundNotification> | undefined {
    const count = last - seq
    if (count > this.#messages.length - this.#from) return undefined
    return this.#messages.slice(this.#messages.length - count).filter((message) => message !== undefined)
  }
}

interface Log {
  readonly epoch: string
  last: number
  ring: Ring | undefined
}

export class ThreadLog {
  readonly #epoch: string
  readonly #logs = new Map<string, Log>()
  #opened = 0

  /** `epoch` tells this server's numbers from those of any other. */
  constructor(epoch: string) {
    this.#epoch = epoch
  }

  #log(threadId: string): Log {
    let log = this.#logs.get(threadId)
    if (log === undefined) {
      log = { epoch: `${this.#epoch}.${++this.#opened}`, last: 0, ring: undefined }
      this.#logs.set(threadId, log)
    }
    return log
  }

  /** The thread's next number. */
  next(threadId: string): number {
    return ++this.#log(threadId).last
  }

  /** Remembers a numbered notification, where somebody may ask for it. */
  push(threadId: string, message: OutboundNotification): void {
    this.#logs.get(threadId)?.ring?.push(message)
  }

  /** From now on what is told of the thread can be told again. */
  keep(threadId: string): void {
    this.#log(threadId).ring ??= new Ring()
  }

  position(threadId: string): Position {
    const { epoch, last } = this.#log(threadId)
    return { epoch, seq: last }
  }

  /** What was told after a position; undefined when that is not known any more, and the client has to read the thread anew. */
  after(threadId: string, position: Position): ReadonlyArray<OutboundNotification> | undefined {
    const log = this.#log(threadId)
    if (position.epoch !== log.epoch || position.seq > log.last || position.seq < 0) return undefined
    return position.seq === log.last ? [] : log.ring?.after(position.seq, log.last)
  }

  /** The thread is unloaded. */
  forget(threadId: string): void {
    this.#logs.delete(threadId)
  }
}
