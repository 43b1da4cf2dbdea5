/**
 * The budget for received and unhandled data of all clients: incomplete messages and waiting ones.
 *
 * Owns one count over all connections and which connection is closed when the budget is exceeded. Meanwhile, connections
 * that hold more than a small amount are not read, and one of them is closed: first an uninitialized one, then the one whose
 * message takes longest, measured by the bytes read from all clients since it began. A client that sends its message at once
 * is served however many others send theirs in part. Does not own the limits of one connection (ReadBuffer), nor closing it
 * (WebSocketPeer).
 *
 * @module
 */
import * as Context from "effect/Context"

/** Default budget in bytes. */
export const DefaultMax = 256 * 1024 * 1024

/**
 * Number of bytes up to which a connection is always read and never closed for the budget. Ten thousand such connections
 * hold less than the budget.
 */
const Small = 16 * 1024

/** A connection that may be closed to meet the budget. */
export interface Reader {
  /** Whether the client has sent `initialize`. */
  readonly isInitialized: boolean
  /** Stops reading and closes the connection. Its bytes count until its account is closed. */
  readonly evict: () => void
}

/**
 * One budget for the half-sent and unread messages of all connections, and which of them is closed when it is exceeded.
 */
export class ReadBudget {
  readonly #max: number
  readonly #accounts = new Set<ReadAccount>()
  readonly #waiting: Array<() => void> = []
  #held = 0
  /** The held bytes of connections that are being closed. */
  #closing = 0
  /** Total bytes read. */
  #read = 0

  /** `max` in bytes. */
  constructor(max: number = DefaultMax) {
    this.#max = max
  }

  /** Bytes held now. */
  get held(): number {
    return this.#held
  }

  /** An account without a reader counts but is never closed: the client on standard input. */
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

/** The account of one connection. */
export class ReadAccount {
  readonly #budget: ReadBudget
  readonly #reader: Reader | undefined
  #held = 0
  /** Total bytes read from all clients when the incomplete message began. */
  #began = 0
  #isClosing = false

  /** @internal */
  constructor(budget: ReadBudget, reader: Reader | undefined) {
    this.#budget = budget
    this.#reader = reader
  }

  /** Held bytes. */
  get held(): number {
    return this.#held
  }

  /** Whether the connection is being closed. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  /** Whether the connection may be closed to meet the budget. */
  get mayBeClosed(): boolean {
    return this.#reader !== undefined && !this.#isClosing
  }

  /** False while reading from the connection must pause. */
  get hasRoom(): boolean {
    return this.#held <= Small || !this.#budget.isExceeded
  }

  /** Calls back once when there may be room again. */
  whenRoom(onRoom: () => void): void {
    this.#budget.wait(onRoom)
  }

  /** Adds bytes that were read. */
  add(bytes: number): void {
    if (this.#held === 0) this.#began = this.#budget.read
    this.#held += bytes
    this.#budget.grow(this, bytes)
  }

  /** Removes bytes that were handled. */
  remove(bytes: number): void {
    if (bytes === 0) return
    this.#held -= bytes
    this.#began = this.#budget.read
    this.#budget.shrink(this, bytes)
  }

  /** Closes the account when the connection has ended. */
  close(): void {
    this.remove(this.#held)
  }

  /** Whether this connection is to be closed before another one. */
  isBefore(other: ReadAccount): boolean {
    const isInitialized = this.#isInitialized
    if (isInitialized !== other.#isInitialized) return !isInitialized
    return this.#share < other.#share
  }

  /** Closes the connection. */
  evict(): void {
    this.#isClosing = true
    this.#reader?.evict()
  }

  get #isInitialized(): boolean {
    return this.#reader?.isInitialized === true
  }

  /** Its share of all bytes read since its message began. */
  get #share(): number {
    return this.#held / (this.#budget.read - this.#began + 1)
  }
}

/** The budget of the process. Override it for a server with `Effect.provideService(Budget, new ReadBudget(bytes))`. */
export const Budget = Context.Reference<ReadBudget>("spindle/ReadBudget", { defaultValue: () => new ReadBudget() })
