/**
 * What all clients on sockets together have still to be sent, and who gives way when it is too much.
 *
 * Owns one count over all connections. Text that several connections wait for is in memory once and counts once; beside it
 * each connection counts a little for each message. When the count exceeds the budget, connections are cut off until it
 * fits: of those that have stopped reading the one that is furthest behind first, and one that reads only when nobody has
 * stopped. Does not own what a single connection may hold (TieredQueue), nor the closing (transports).
 *
 * @module
 */
import * as Context from "effect/Context"
import type { OutboundMessage } from "./OutboundMessage.ts"

/** Characters. Text is kept in one byte per character, or in two where there is more than Latin-1 in it. */
export const DefaultMax = 256 * 1024 * 1024

/** What a message counts besides its text: once, for its object, and for each connection that waits for it. */
const PerMessage = 128
const PerHolder = 16

/**
 * A connection has stopped reading when it took nothing while this part of the budget was added. It is measured in text and
 * not in time: where nothing is added nothing grows.
 */
const StoppedShare = 1 / 16

/** A connection's consumer. */
interface Consumer {
  /** Messages that wait for it. */
  readonly size: () => number
  /** Drops what it has not taken and closes its connection. */
  readonly cut: () => void
}

export class BacklogBudget {
  readonly #max: number
  readonly #accounts = new Set<BacklogAccount>()
  /** Of all connections. */
  #held = 0
  /** Ever added. */
  #added = 0

  /** `max` in characters; see `DefaultMax`. */
  constructor(max: number = DefaultMax) {
    this.#max = max
  }

  /** Characters that wait now. */
  get held(): number {
    return this.#held
  }

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

  /** Cuts connections off until the rest fits. */
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

/** One connection's part. */
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

  /** Characters that wait for this connection, as if it were alone. */
  get held(): number {
    return this.#held
  }

  /** What had ever been added when it took something last. */
  get tookAt(): number {
    return this.#tookAt
  }

  /** A single message may be longer than the budget. */
  get mayGiveWay(): boolean {
    return this.#held > 0 && this.#consumer.size() > 1
  }

  /** A message of this length waits for the connection. */
  hold(message: OutboundMessage, chars: number): void {
    if (this.#held === 0) this.took()
    this.#held += chars + PerHolder
    this.#budget.add(PerHolder, false)
    if (message._tag !== "Notification" || message.holders++ === 0) this.#budget.add(chars + PerMessage, true)
  }

  /** It waits no longer. */
  release(message: OutboundMessage, chars: number): void {
    this.#held -= chars + PerHolder
    this.#budget.add(-PerHolder, false)
    if (message._tag !== "Notification" || --message.holders === 0) this.#budget.add(-chars - PerMessage, false)
  }

  /** The connection has read something. */
  took(): void {
    this.#tookAt = this.#budget.added
  }

  /** Cuts connections off, this one among them, until the rest fits. */
  enforce(): void {
    this.#budget.enforce()
  }

  cut(): void {
    this.#consumer.cut()
  }

  /** Nothing waits any more. */
  close(): void {
    this.#budget.close(this)
  }
}

/**
 * The budget of the process. Give a server another one with `Effect.provideService(Budget, new BacklogBudget(chars))`.
 */
export const Budget = Context.Reference<BacklogBudget>("spindle/BacklogBudget", {
  defaultValue: () => new BacklogBudget()
})
