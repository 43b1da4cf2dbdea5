/**
 * The log of each thread's notifications, for clients that resume after a disconnect.
 *
 * An extension of Spindle (`docs/extensions.md`): clients that request it see a sequence number on every notification of a
 * thread, and may resume after the last one they saw. Owns the numbers and a bounded ring of notifications. The ring is
 * created when the first such client subscribes, so that other threads pay nothing.
 *
 * Numbers continue when a thread is unloaded and loaded again, also by another server: the last position is stored as the
 * thread's last event (`SequenceMarked`). If it still is the last one when the thread is loaded, nothing has happened since, and
 * a client at that position has missed nothing. Otherwise, as after a crash, positions of before are unknown.
 *
 * Invariants: the numbers of one thread rise by one with each notification, whether or not it has receivers. An epoch
 * identifies one load of a thread into memory; numbers of different epochs are not comparable, except with the position that
 * the load continues.
 *
 * @module
 */
import type { Position } from "../../protocol/extensions/Sequence.ts"
import { encode, type OutboundNotification } from "./OutboundMessage.ts"

/** Maximum number of notifications in a ring. */
const MaxMessages = 2048

/** Maximum total size of their texts, in characters. */
const MaxChars = 16 * 1024 * 1024

/**
 * How far the numbers of a load are above the stored position. Fewer notifications than that are published between the storing
 * and the end of the load; none of them is part of the thread's history.
 */
const Slack = 16

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
  /** The stored position of the load before, if nothing has happened since. */
  readonly before: Position | undefined
}

/** The number of a position in this load; undefined for a position of another one. */
const seqIn = ({ before, epoch }: Log, position: Position): number | undefined => {
  if (position.epoch === epoch) return position.seq
  if (position.epoch !== before?.epoch) return undefined
  const from = before.seq + Slack
  return position.seq >= before.seq && position.seq <= from ? from : undefined
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
      log = { epoch: `${this.#epoch}.${++this.#opened}`, last: 0, ring: undefined, before: undefined }
      this.#logs.set(threadId, log)
    }
    return log
  }

  /** The thread is loaded again, and nothing has happened since this position. */
  continueAfter(threadId: string, before: Position): void {
    // Something was published meanwhile, so something has happened.
    if (this.#logs.has(threadId) || !Number.isSafeInteger(before.seq) || before.seq < 0) return
    const epoch = `${this.#epoch}.${++this.#opened}`
    this.#logs.set(threadId, { epoch, last: before.seq + Slack, ring: new Ring(), before })
  }

  /** The current position, if notifications are recorded for clients that return. */
  kept(threadId: string): Position | undefined {
    return this.#logs.get(threadId)?.ring === undefined ? undefined : this.position(threadId)
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
    const seq = seqIn(log, position)
    if (seq === undefined || seq > log.last || seq < 0) return undefined
    return seq === log.last ? [] : log.ring?.after(seq, log.last)
  }

  /** Discards the log of a thread that is unloaded. */
  forget(threadId: string): void {
    this.#logs.delete(threadId)
  }
}
