/**
 * What all clients together have sent and the server has not yet looked at: half-sent messages, and those that wait.
 *
 * Owns one count over all connections and who gives way when it is too much. Connections that hold more than a little are
 * not read from while the budget is exceeded, and one of them is closed: first one that is not initialised, then the one
 * whose message takes longest, measured by what has been read from everybody since the message began. A client that sends
 * its message at once is served however many others leave theirs half-sent. Does not own what one connection may hold
 * (Wire), nor the closing (Peer).
 *
 * @module
 */
import * as Context from "effect/Context"

/** Bytes. */
export const DefaultMax = 256 * 1024 * 1024

/**
 * Bytes up to which a connection is always read from and never closed for the budget. Ten thousand of them hold less than
 * the budget.
 */
const Small = 16 * 1024

/** A connection that may be closed for the budget. */
export interface Reader {
  readonly isInitialized: () => boolean
  /** Reads nothing more and closes the connection; what it holds is counted until its account is closed. */
  readonly evict: () => void
}

export class ReadBudget {
  readonly #max: number
  readonly #accounts = new Set<ReadAccount>()
  readonly #waiting: Array<() => void> = []
  #held = 0
  /** Of what is held, what belongs to connections that are being closed. */
  #closing = 0
  /** Ever read. */
  #read = 0

  /** `max` in bytes. */
  constructor(max: number = DefaultMax) {
    this.#max = max
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held
  }

  /** Without a reader the account counts and is never closed: the one client of standard input. */
  open(reader?: Reader): ReadAccount {
    return new ReadAccount(this, reader)
  }

  /** @internal */
  get read(): number {
    return this.#read
  }

  /** @internal */
  get isExceeded(): boolean {
    return this.#held > this.#max
  }

  /** @internal */
  grow(account: ReadAccount, bytes: number): void {
    this.#accounts.add(account)
    this.#held += bytes
    this.#read += bytes
    if (account.isClosing) this.#closing += bytes
    while (this.#held - this.#closing > this.#max) {
      const victim = this.#victim()
      if (victim === undefined) return
      this.#closing += victim.held
      victim.evict()
    }
  }

  /** @internal */
  shrink(account: ReadAccount, bytes: number): void {
    this.#held -= bytes
    if (account.isClosing) this.#closing -= bytes
    if (account.held === 0) this.#accounts.delete(account)
    if (this.isExceeded) return
    for (const goOn of this.#waiting.splice(0)) goOn()
  }

  /** @internal */
  wait(onRoom: () => void): void {
    this.#waiting.push(onRoom)
  }

  #victim(): ReadAccount | undefined {
    let victim: ReadAccount | undefined
    for (const account of this.#accounts) {
      if (!account.mayBeClosed || account.held <= Small) continue
      if (victim === undefined || account.isBefore(victim)) victim = account
    }
    return victim
  }
}

/** One connection's part. */
export class ReadAccount {
  readonly #budget: ReadBudget
  readonly #reader: Reader | undefined
  #held = 0
  /** What had been read from everybody when the message under way began. */
  #began = 0
  #isClosing = false

  /** @internal */
  constructor(budget: ReadBudget, reader: Reader | undefined) {
    this.#budget = budget
    this.#reader = reader
  }

  /** Bytes. */
  get held(): number {
    return this.#held
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  get mayBeClosed(): boolean {
    return this.#reader !== undefined && !this.#isClosing
  }

  /** False while the connection must not be read from. */
  get hasRoom(): boolean {
    return this.#held <= Small || !this.#budget.isExceeded
  }

  /** Calls back once when there may be room again. */
  whenRoom(onRoom: () => void): void {
    this.#budget.wait(onRoom)
  }

  /** Bytes have been read. */
  add(bytes: number): void {
    if (this.#held === 0) this.#began = this.#budget.read
    this.#held += bytes
    this.#budget.grow(this, bytes)
  }

  /** Bytes have been looked at. */
  remove(bytes: number): void {
    if (bytes === 0) return
    this.#held -= bytes
    this.#began = this.#budget.read
    this.#budget.shrink(this, bytes)
  }

  /** The connection has ended. */
  close(): void {
    this.remove(this.#held)
  }

  /** Whether this connection is closed before another one. */
  isBefore(other: ReadAccount): boolean {
    const isInitialized = this.#isInitialized
    if (isInitialized !== other.#isInitialized) return !isInitialized
    return this.#share < other.#share
  }

  evict(): void {
    this.#isClosing = true
    this.#reader?.evict()
  }

  get #isInitialized(): boolean {
    return this.#reader?.isInitialized() === true
  }

  /** Its part of all that was read since its message began. */
  get #share(): number {
    return this.#held / (this.#budget.read - this.#began + 1)
  }
}

/** The budget of the process. Give a server another one with `Effect.provideService(Budget, new ReadBudget(bytes))`. */
export const Budget = Context.Reference<ReadBudget>("spindle/ReadBudget", { defaultValue: () => new ReadBudget() })
