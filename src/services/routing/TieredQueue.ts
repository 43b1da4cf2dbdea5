/**
 * What one connection has still to be told, in order.
 *
 * Owns the bounded buffer of a connection and the one rule of what gives way when it is full; the rule itself is the
 * message's `tier`, from the method table. Does not own who is told (OutboundRouter) nor how it is written (transports).
 *
 * ```
 *            room                      room again (consumer took)
 *  offer ───────────► buffer ──take──► consumer        ▲
 *    │ full                                             │
 *    ├─ lossless, answer ──► overflow, producer waits ──┤
 *    ├─ latest ────────────► overflow, replaces its elder
 *    ├─ bestEffort ────────► counted; one Lagged goes before the next that is kept
 *    └─ failBack ──────────► overflow for the grace period, then back into the server
 *
 *  with a backlog: overflow longer than it ──► cut off: nothing is held or taken any more
 * ```
 *
 * Invariants: messages leave in the order in which they were offered; nothing passes the overflow. It holds at most one
 * message per waiting producer and one per `latest` key, each behind at most one marker; where producers need not wait it is
 * bounded by the backlog.
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type { BacklogAccount } from "./BacklogBudget.ts"
import type { OutboundMessage } from "./OutboundMessage.ts"
import { Backlog } from "./Backlog.ts"
import { type Refusal, settled, type TieredQueueOptions, type TieredQueueStats } from "./QueueOptions.ts"

export { settled } from "./QueueOptions.ts"
export type { BacklogLimits, Refusal, TieredQueueOptions, TieredQueueStats, Wait } from "./QueueOptions.ts"

export class TieredQueue {
  readonly #buffer: Queue.Queue<OutboundMessage, Cause.Done>
  readonly #options: TieredQueueOptions
  readonly #overflow = new Backlog((message) => this.#bytesOf(message))
  readonly #account: BacklogAccount | undefined
  /** What the consumer has taken last, and has not written before it takes again. */
  #out: ReadonlyArray<OutboundMessage> = []
  /** Dropped since the last marker. */
  #skipped = 0
  #dropped = 0
  #waited = 0
  /** How often the consumer has taken; it tells a slow one from one that has stopped. */
  #taken = 0
  /** Of what is in the buffer. */
  #bytes = 0
  /** Completed when somebody has to wait. */
  #blocked: Deferred.Deferred<void> | undefined
  #closed = false
  /** There is no consumer any more. */
  #gone = false
  /** The consumer fell further behind than the backlog. */
  #isCutOff = false
  /** Completed when that happens, for who watches for it. */
  #cutOff: Deferred.Deferred<void> | undefined
  #draining = false
  /** Completed when a producer that held back may go on. */
  #room: Deferred.Deferred<void> | undefined

  constructor(buffer: Queue.Queue<OutboundMessage, Cause.Done>, options: TieredQueueOptions) {
    this.#buffer = buffer
    this.#options = options
    this.#account = options.budget?.open({ size: () => this.stats.size + this.#out.length, cut: () => this.#cut() })
  }

  get stats(): TieredQueueStats {
    return {
      size: Queue.sizeUnsafe(this.#buffer) + this.#overflow.length,
      dropped: this.#dropped,
      waited: this.#waited
    }
  }

  /** True when nothing is taken any more. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** False when the next message would have to wait. */
  get hasRoom(): boolean {
    return this.#overflow.length === 0 && !Queue.isFullUnsafe(this.#buffer)
  }

  /** Whether producers need not wait while they have other listeners: this consumer is cut off when it is too far behind. */
  get hasBacklog(): boolean {
    return this.#options.backlog !== undefined
  }

  /** True once the consumer fell further behind than the backlog; it gets nothing any more. */
  get isCutOff(): boolean {
    return this.#isCutOff
  }

  /** Waits until the consumer is cut off. */
  get cutOff(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.#isCutOff ? Effect.void : Deferred.await((this.#cutOff ??= Deferred.makeUnsafe()))
    )
  }

  /** Waits until there is room, for who produces only when there is. */
  get room(): Effect.Effect<void> {
    return Effect.suspend(() => (this.hasRoom || this.#closed ? Effect.void : Deferred.await(this.#roomAgain())))
  }

  /**
   * Offers a message in the caller's turn: when this returns, its place in the order is fixed. The result is what the
   * producer has to wait for, `undefined` when nothing.
   */
  offerUnsafe(message: OutboundMessage): Deferred.Deferred<void> | undefined {
    if (this.#closed) return undefined
    const bytes = this.#bytesOf(message)
    this.#account?.hold(message, bytes)
    const isPlaced = this.#skipped === 0 && this.#overflow.length === 0 && this.#place(message, bytes)
    const wait = isPlaced ? undefined : this.#offerBehind(message, bytes)
    this.#account?.enforce()
    return this.#closed ? undefined : wait
  }

  #release(message: OutboundMessage): void {
    this.#account?.release(message, this.#bytesOf(message))
  }

  #bytesOf(message: OutboundMessage): number {
    return this.#options.bytes?.of(message) ?? 0
  }

  /** False when the buffer is full. */
  #place(message: OutboundMessage, bytes: number): boolean {
    const max = this.#options.bytes?.max
    if (max !== undefined && this.#bytes > 0 && this.#bytes + bytes > max) return false
    if (!Queue.offerUnsafe(this.#buffer, message)) return false
    this.#bytes += bytes
    return true
  }

  #offerBehind(message: OutboundMessage, bytes: number): Deferred.Deferred<void> | undefined {
    const { tier } = message
    if (tier === "bestEffort" && !this.#fits()) {
      this.#dropped++
      if (this.#options.emitLagMarkers) this.#skipped++
      this.#account?.release(message, bytes)
      return undefined
    }
    // Far behind, there are very many; only of a request somebody has to know whether it was taken.
    const placed = this.hasBacklog && tier !== "failBack" ? undefined : Deferred.makeUnsafe<void>()
    this.#mark()
    const elder = this.#overflow.push(message, placed)
    if (elder !== undefined) this.#release(elder)
    this.#refill()
    if (this.#overflow.length === 0 || (placed !== undefined && Deferred.isDoneUnsafe(placed))) return undefined
    if (this.#isTooFarBehind()) {
      this.#cut()
      return undefined
    }
    if (this.#draining || tier === "latest" || tier === "bestEffort") return undefined
    this.#waited++
    this.#block()
    return placed ?? this.#roomAgain()
  }

  #isTooFarBehind(): boolean {
    const { backlog } = this.#options
    const { eventBytes, events } = this.#overflow
    // A single one may be larger than all that is allowed together.
    return backlog !== undefined && (events > backlog.messages || (events > 1 && eventBytes > backlog.bytes))
  }

  #cut(): void {
    if (this.#gone) return
    this.#isCutOff = true
    this.#dropped += this.#discardUnsafe().length
    if (this.#cutOff !== undefined) Deferred.doneUnsafe(this.#cutOff, Exit.void)
  }

  /**
   * Whether a message can be kept without a wait, behind the marker that has to precede it. A buffer with a single place is
   * enough when it is empty: the marker takes the place, and the message the one behind.
   */
  #fits(): boolean {
    const needed = Math.min(this.#skipped > 0 ? 2 : 1, this.#options.capacity)
    return this.#overflow.length === 0 && Queue.sizeUnsafe(this.#buffer) + needed <= this.#options.capacity
  }

  /** Puts what was dropped into the order, where the next message follows it. */
  #mark(): void {
    if (this.#skipped > 0) this.#overflow.mark(this.#skipped)
    this.#skipped = 0
  }

  /** Offers and waits as the message's tier asks. */
  offer(message: OutboundMessage): Effect.Effect<void> {
    return Effect.suspend(() => settled(this.offerUnsafe(message)))
  }

  /** Offers several as one: nothing else comes between them. */
  offerAll(messages: ReadonlyArray<OutboundMessage>): Effect.Effect<void> {
    return Effect.suspend(() => {
      let last: Deferred.Deferred<void> | undefined
      for (const message of messages) last = this.offerUnsafe(message) ?? last
      return settled(last)
    })
  }

  /** Offers a server request, which is never left lying: it is taken, or the reason comes back. */
  offerRequest(message: OutboundMessage): Effect.Effect<Refusal | undefined> {
    return Effect.suspend(() => {
      if (this.#closed) return Effect.succeed<Refusal>("closed")
      const grace = this.#options.requestGrace
      if (grace === null && !this.#fits()) return Effect.succeed<Refusal>("full")
      const wait = this.offerUnsafe(message)
      if (wait === undefined || grace === null) return Effect.succeed(undefined)
      return Deferred.await(wait).pipe(
        Effect.map(() => (this.#gone ? "closed" : undefined)),
        Effect.timeoutOrElse({ duration: grace, orElse: () => Effect.sync(() => this.#withdraw(message)) })
      )
    })
  }

  #withdraw(message: OutboundMessage): Refusal | undefined {
    if (this.#gone) return "closed"
    if (!this.#overflow.remove(message)) return undefined
    this.#release(message)
    return "full"
  }

  /** Takes everything there is, at least one; fails with `Done` after the end. */
  get takeAll(): Effect.Effect<ReadonlyArray<OutboundMessage>, Cause.Done> {
    return Effect.suspend(() => {
      this.#written()
      return Effect.map(Queue.takeAll(this.#buffer), (messages) => {
        this.#taken++
        for (const message of messages) this.#bytes -= this.#bytesOf(message)
        if (this.#account !== undefined) this.#out = messages
        this.#refill()
        return messages
      })
    })
  }

  /** What was taken last is held no longer. */
  #written(): void {
    if (this.#account === undefined) return
    for (const message of this.#out) this.#release(message)
    this.#out = []
    this.#account.took()
  }

  /** Takes the next; fails with `Done` after the end. For consumers without a budget. */
  get take(): Effect.Effect<OutboundMessage, Cause.Done> {
    return Effect.suspend(() =>
      Effect.map(Queue.take(this.#buffer), (message) => {
        this.#taken++
        this.#bytes -= this.#bytesOf(message)
        this.#refill()
        return message
      })
    )
  }

  #refill(): void {
    while (Queue.sizeUnsafe(this.#buffer) < this.#options.capacity) {
      const { first } = this.#overflow
      if (first === undefined || !this.#place(first.message, this.#bytesOf(first.message))) break
      // Out of the overflow first: a producer that is let go on runs at once, and may be back here before this returns.
      this.#overflow.shift()
      if (first.placed !== undefined) Deferred.doneUnsafe(first.placed, Exit.void)
    }
    if (this.hasRoom) this.#admit()
    if (this.#closed && this.#overflow.length === 0) Queue.endUnsafe(this.#buffer)
  }

  #block(): void {
    const blocked = this.#blocked
    this.#blocked = undefined
    if (blocked !== undefined) Deferred.doneUnsafe(blocked, Exit.void)
  }

  /** Ends when producers have waited for the whole grace and the consumer has taken nothing in it: it has stopped reading. */
  stalled(grace: Duration.Input): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (true) {
        if (this.#overflow.length === 0) yield* Deferred.await((this.#blocked ??= Deferred.makeUnsafe()))
        const before = this.#taken
        yield* Effect.sleep(grace)
        if (this.#overflow.length > 0 && this.#taken === before) return
      }
    })
  }

  #roomAgain(): Deferred.Deferred<void> {
    return (this.#room ??= Deferred.makeUnsafe())
  }

  #admit(): void {
    const room = this.#room
    this.#room = undefined
    if (room !== undefined) Deferred.doneUnsafe(room, Exit.void)
  }

  /** The end is near: nobody waits any more, and what the last producers say is held for the consumer. */
  get drain(): Effect.Effect<void> {
    return Effect.sync(() => this.#drainUnsafe())
  }

  #drainUnsafe(): void {
    this.#draining = true
    // Those that are let go on may put more behind.
    for (const { placed } of Array.from(this.#overflow)) {
      if (placed !== undefined) Deferred.doneUnsafe(placed, Exit.void)
    }
    this.#admit()
  }

  /** No more is taken; the consumer gets what is held and then sees the end. */
  get end(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#closed = true
      this.#drainUnsafe()
      if (this.#overflow.length === 0) Queue.endUnsafe(this.#buffer)
    })
  }

  /** The consumer is gone: waiting producers go on. What was held comes back, for who has to answer for it. */
  get discard(): Effect.Effect<ReadonlyArray<OutboundMessage>> {
    return Effect.sync(() => this.#discardUnsafe())
  }

  #discardUnsafe(): ReadonlyArray<OutboundMessage> {
    this.#closed = true
    this.#gone = true
    const held: Array<OutboundMessage> = []
    for (let next = Queue.takeUnsafe(this.#buffer); next?._tag === "Success"; next = Queue.takeUnsafe(this.#buffer)) {
      held.push(next.value)
    }
    for (const { message } of this.#overflow) held.push(message)
    this.#drainUnsafe()
    this.#overflow.clear()
    this.#bytes = 0
    for (const message of held) this.#release(message)
    this.#written()
    this.#account?.close()
    // A consumer that still takes sees the end.
    Queue.endUnsafe(this.#buffer)
    return held
  }

  /** The consumer is gone: what is held is dropped and waiting producers go on. */
  get shutdown(): Effect.Effect<void> {
    return Effect.asVoid(this.discard)
  }
}

/** Opens an outgoing; a capacity below one counts as one. */
export const make = (options: TieredQueueOptions): Effect.Effect<TieredQueue> => {
  const capacity = Math.max(1, options.capacity)
  const buffer = Queue.bounded<OutboundMessage, Cause.Done>(capacity)
  return Effect.map(buffer, (buffer) => new TieredQueue(buffer, { ...options, capacity }))
}
