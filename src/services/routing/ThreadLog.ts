/**
 * The log of each thread's notifications, for clients that resume after a disconnect.
 *
 * An extension of Spindle (`docs/extensions.md`): clients that request it see a sequence number on every notification of a
 * thread, and may resume after the last one they saw. Owns the numbers and a bounded ring of notifications. The ring is
 * created when the first such client subscribes, so that other threads pay nothing.
 *
 * Invariants: the numbers of one thread rise by one with each notification, whether or not it has receivers. An epoch
 * identifies one load of a thread into memory; numbers of different epochs are not comparable.
 *
 * @module
 */
import type { Position } from "../../protocol/extensions/Sequence.ts"
import { encode, type OutboundNotification } from "./OutboundMessage.ts"

/** Maximum number of notifications in a ring. */
const MaxMessages = 2048

/** Maximum total size of their texts, in characters. */
const MaxChars = 16 * 1024 * 1024

/** The most recent messages of a thread, oldest first. */
class Ring {
  /** Undefined before the oldest message: discarded messages are not kept in memory. */
  #messages: Array<OutboundNotification | undefined> = []
  /** Index of the oldest message. */
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

  /** Everything after `seq`, or undefined when part of it was discarded. */
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

  /** `epoch` distinguishes this server's numbers from those of other servers. */
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

  /** Records a numbered notification, if the thread has a ring. */
  push(threadId: string, message: OutboundNotification): void {
    this.#logs.get(threadId)?.ring?.push(message)
  }

  /** Starts to record the thread's notifications. */
  keep(threadId: string): void {
    this.#log(threadId).ring ??= new Ring()
  }

  position(threadId: string): Position {
    const { epoch, last } = this.#log(threadId)
    return { epoch, seq: last }
  }

  /**
   * The notifications after a position; undefined when the ring no longer holds them and the client must read the thread
   * again.
   */
  after(threadId: string, position: Position): ReadonlyArray<OutboundNotification> | undefined {
    const log = this.#log(threadId)
    if (position.epoch !== log.epoch || position.seq > log.last || position.seq < 0) return undefined
    return position.seq === log.last ? [] : log.ring?.after(position.seq, log.last)
  }

  /** Discards the log of a thread that is unloaded. */
  forget(threadId: string): void {
    this.#logs.delete(threadId)
  }
}
