/**
 * The budget for unsent messages of all socket clients together, and which client is evicted when it is exceeded.
 *
 * Owns one count over all connections. A text that several connections wait for is in memory once and counts once; each
 * connection also adds a small amount per message. When the count exceeds the budget, connections are evicted until it
 * fits: first those that have stopped reading, the furthest behind first, and a reading one only when none has stopped.
 * Does not own the limit of a single connection (TieredQueue), nor closing it (transports).
 *
 * @module
 */
import * as Context from "effect/Context"
import type { OutboundMessage } from "./OutboundMessage.ts"

/** Characters. V8 stores one byte per character, or two when the text has characters outside Latin-1. */
export const DefaultMax = 256 * 1024 * 1024

/**
 * The cost of a message besides its text: once for its object, and once for each connection that waits for it.
 */
const PerMessage = 128
const PerHolder = 16

/**
 * A connection has stopped reading when it took nothing while this share of the budget was added. The measure is text and
 * not time, because without new text the count cannot grow.
 */
const StoppedShare = 1 / 16

/** A connection's consumer. */
interface Consumer {
  /** Messages that wait for it. */
  readonly size: () => number
  /** Discards its queued messages and closes its connection. */
  readonly cut: () => void
}

/** One budget for the unsent messages of all connections, in characters. */
export class BacklogBudget {
  readonly #max: number
  readonly #accounts = new Set<BacklogAccount>()
  /** Over all connections. */
  #held = 0
  /** Total added since the start. */
  #added = 0

  /** `max` in characters; see `DefaultMax`. */
  constructor(max: number = DefaultMax) {
    this.#max = max
  }

  /** Characters that are queued now. */
  get held(): number {
    return this.#held
  }

  /** Opens the account of a connection. */
  open(consumer: Consumer): BacklogAccount {
    const account = new BacklogAccount(this, consumer)
    this.#accounts.add(account)
    return account
  }

  /** @internal */
  get added(): number {
    return this.#added
  }

  /** @internal */
  add(chars: number, isText: boolean): void {
    this.#held += chars
    if (isText) this.#added += chars
  }

  /** @internal */
  close(account: BacklogAccount): void {
    this.#accounts.delete(account)
  }

  /** Evicts connections until the rest fits. */
  enforce(): void {
    if (this.#held <= this.#max) return
    const stopped = this.#added - this.#max * StoppedShare
    const order = Array.from(this.#accounts)
      .filter((account) => account.mayGiveWay)
      .sort((one, other) => Number(other.tookAt < stopped) - Number(one.tookAt < stopped) || other.held - one.held)
    for (const account of order) {
      if (this.#held <= this.#max) return
      account.cut()
    }
  }
}

/** The share of one connection. */
export class BacklogAccount {
  readonly #budget: BacklogBudget
  readonly #consumer: Consumer
  #held = 0
  #tookAt = 0

  /** @internal */
  constructor(budget: BacklogBudget, consumer: Consumer) {
    this.#budget = budget
    this.#consumer = consumer
  }

  /** Characters queued for this connection, without sharing. */
  get held(): number {
    return this.#held
  }

  /** The total added when it last took a message. */
  get tookAt(): number {
    return this.#tookAt
  }

  /** A single message may be longer than the budget. */
  get mayGiveWay(): boolean {
    return this.#held > 0 && this.#consumer.size() > 1
  }

  /** Adds a message of this length. */
  hold(message: OutboundMessage, chars: number): void {
    if (this.#held === 0) this.took()
    this.#held += chars + PerHolder
    this.#budget.add(PerHolder, false)
    if (message._tag !== "Notification" || message.holders++ === 0) this.#budget.add(chars + PerMessage, true)
  }

  /** Removes a message. */
  release(message: OutboundMessage, chars: number): void {
    this.#held -= chars + PerHolder
    this.#budget.add(-PerHolder, false)
    if (message._tag !== "Notification" || --message.holders === 0) this.#budget.add(-chars - PerMessage, false)
  }

  /** Records that the connection has read something. */
  took(): void {
    this.#tookAt = this.#budget.added
  }

  /** Evicts connections, possibly this one, until the rest fits. */
  enforce(): void {
    this.#budget.enforce()
  }

  /** Discards the messages that wait for the connection, and closes it. */
  cut(): void {
    this.#consumer.cut()
  }

  /** Removes all messages of the connection. */
  close(): void {
    this.#budget.close(this)
  }
}

/**
 * The budget of the process. Override it for a server with `Effect.provideService(Budget, new BacklogBudget(chars))`.
 */
export const Budget = Context.Reference<BacklogBudget>("spindle/BacklogBudget", {
  defaultValue: () => new BacklogBudget()
})
