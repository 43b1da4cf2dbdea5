/**
 * The outgoing messages of one connection, in the order of their offers.
 *
 * Owns the connection's bounded buffer and the one rule of what gives way when it is full: the message's `tier`, from the
 * method table. Does not own who receives a message (OutboundRouter) nor how it is written (transports).
 *
 * The buffer is an Effect `Queue.bounded` that is never awaited: it takes an offer or refuses it. What follows from a refusal
 * is the tier's strategy.
 *
 * ```
 *            room
 *  offer ───────────► buffer ──take──► consumer
 *    │ refused             ▲ refill, in order
 *    ├─ lossless, answer, request (bounded) ──► backlog; the producer waits for a place
 *    ├─ latest (sliding, one per key) ────────► backlog, and its elder leaves
 *    └─ bestEffort (dropping) ────────────────► dropped and counted; one Lagged goes before the next that is kept
 *
 *  with limits on the backlog: a longer backlog ──► evicted: nothing is held or taken any more
 * ```
 *
 * Invariants: messages leave in the order in which they were offered; nothing passes the backlog. Without limits the backlog
 * has at most one message per waiting producer and one per `latest` key; with limits it has no more than those.
 *
 * The backlog is not made of Effect's queues, for two reasons. Capacity is one number for all tiers (contract [13], [18]), which
 * three queues would have to share. And the place of a message is fixed at once and kept when its producer is interrupted;
 * `Queue.offer` takes the message back. A merge of `Queue.bounded`, `Queue.dropping` and one `Queue.sliding(1)` per key by
 * sequence number was measured (Node 24.21, two CPUs, the best of 25 rounds of 200 000 messages, 100 offers to one `takeAll`):
 *
 * | | this | before | three queues |
 * |---|---|---|---|
 * | CPU of a message in process, offered and taken | 22 ns | 22 ns | 26 to 33 ns, merged 66 to 77 ns |
 * | memory of a message behind a stopped reader, besides the message | 8.5 B | 8.8 B | 48.7 B |
 * | a new snapshot key behind a full buffer | 0.3 us, 148 B | 0.3 us, 150 B | 4.5 us, 1.2 kB |
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import { Backlog, type Waiting } from "./Backlog.ts"
import type { BacklogAccount } from "./BacklogBudget.ts"
import type { OutboundMessage } from "./OutboundMessage.ts"
import {
  type Refusal,
  settled,
  Signal,
  type TieredQueueOptions,
  type TieredQueueStats,
  type Wait
} from "./QueueOptions.ts"

export { settled } from "./QueueOptions.ts"
export type { BacklogLimits, Refusal, TieredQueueOptions, TieredQueueStats, Wait } from "./QueueOptions.ts"

/**
 * What becomes of an offer. A queue moves to the right only:
 *
 * - `open`: taken; producers wait as their tier asks.
 * - `draining`: taken; nobody waits, because the end is near.
 * - `ended`: refused. The consumer takes what is held and then sees the end.
 * - `discarded`: refused, and nothing is held: the consumer is gone.
 * - `evicted`: the same, because the consumer fell too far behind.
 */
type State = "open" | "draining" | "ended" | "discarded" | "evicted"

export class TieredQueue {
  readonly #buffer: Queue.Queue<OutboundMessage, Cause.Done>
  readonly #options: TieredQueueOptions
  readonly #backlog = new Backlog((message) => this.#bytesOf(message))
  readonly #account: BacklogAccount | undefined
  #state: State = "open"
  /** Called with each message that the consumer takes, for observers. */
  onTaken: ((message: OutboundMessage) => void) | undefined
  /** Of the messages in the buffer. */
  #bytes = 0
  /** What the consumer took last, and is writing until it takes again. */
  #out: ReadonlyArray<OutboundMessage> = []
  #dropped = 0
  #waited = 0
  /** How often the consumer has taken; it tells a slow consumer from one that has stopped. */
  #taken = 0
  /** Dropped messages that the consumer is to be informed of, and how many of them the markers so far have reported. */
  #lost = 0
  #reported = 0
  readonly #roomAgain = new Signal()
  readonly #someoneWaits = new Signal()
  readonly #eviction = new Signal()

  constructor(buffer: Queue.Queue<OutboundMessage, Cause.Done>, options: TieredQueueOptions) {
    this.#buffer = buffer
    this.#options = options
    this.#account = options.budget?.open({ size: () => this.stats.size + this.#out.length, cut: () => this.#evict() })
  }

  get stats(): TieredQueueStats {
    const size = Queue.sizeUnsafe(this.#buffer) + this.#backlog.length
    return { size, dropped: this.#dropped, waited: this.#waited }
  }

  /** Messages that the buffer has places for. */
  get capacity(): number {
    return this.#options.capacity
  }

  /** True when no message is taken any more. */
  get isClosed(): boolean {
    return this.#state !== "open" && this.#state !== "draining"
  }

  /** True when what was held is dropped, too. */
  get #isGone(): boolean {
    return this.#state === "discarded" || this.#state === "evicted"
  }

  /** False when the next message would have to wait. */
  get hasRoom(): boolean {
    return this.#backlog.length === 0 && !Queue.isFullUnsafe(this.#buffer)
  }

  /** Whether producers need not wait while they have other listeners: this consumer is evicted when it is too far behind. */
  get hasBacklog(): boolean {
    return this.#options.backlog !== undefined
  }

  /** True once the consumer was evicted: it fell further behind than the backlog, or the budget of all backlogs. */
  get isCutOff(): boolean {
    return this.#state === "evicted"
  }

  /** Waits until the consumer is evicted. */
  get cutOff(): Effect.Effect<void> {
    return Effect.suspend(() => (this.isCutOff ? Effect.void : this.#eviction.next))
  }

  /** Waits until there is room or the end is near, for producers that produce only when there is. */
  get room(): Effect.Effect<void> {
    return Effect.suspend(() => (this.hasRoom || this.#state !== "open" ? Effect.void : this.#roomAgain.next))
  }

  /**
   * Offers a message at once: when this returns, its place in the order is fixed. The result is what the producer has to wait
   * for, `undefined` when nothing.
   */
  offerUnsafe(message: OutboundMessage): Wait {
    if (this.isClosed) return undefined
    const bytes = this.#bytesOf(message)
    this.#account?.hold(message, bytes)
    const isPlaced = this.#lost === this.#reported && this.#backlog.length === 0 && this.#place(message, bytes)
    const wait = isPlaced ? undefined : this.#withoutRoom(message, bytes)
    this.#account?.enforce()
    return this.isClosed ? undefined : wait
  }

  #bytesOf(message: OutboundMessage): number {
    return this.#options.bytes?.of(message) ?? 0
  }

  #release(message: OutboundMessage): void {
    this.#account?.release(message, this.#bytesOf(message))
  }

  /** False when the buffer is full. */
  #place(message: OutboundMessage, bytes: number): boolean {
    const max = this.#options.bytes?.max
    if (max !== undefined && this.#bytes > 0 && this.#bytes + bytes > max) return false
    if (!Queue.offerUnsafe(this.#buffer, message)) return false
    this.#bytes += bytes
    return true
  }

  /** What the tier asks for when the buffer refuses a message, or a loss has to be reported before it. */
  #withoutRoom(message: OutboundMessage, bytes: number): Wait {
    const { tier } = message
    if (tier === "bestEffort" && !this.#fits) {
      this.#dropped++
      if (this.#options.emitLagMarkers) this.#lost++
      this.#account?.release(message, bytes)
      return undefined
    }
    // A consumer with a backlog may have very many; there only a request's producer has to know when it was placed.
    const placed = this.hasBacklog && tier !== "failBack" ? undefined : Deferred.makeUnsafe<void>()
    const elder = this.#backlog.push(message, placed, this.#lost)
    if (elder !== undefined) this.#release(elder)
    this.#refill()
    if (this.#backlog.length === 0 || (placed !== undefined && Deferred.isDoneUnsafe(placed))) return undefined
    if (this.#isTooFarBehind) {
      this.#evict()
      return undefined
    }
    if (this.#state === "draining" || tier === "latest" || tier === "bestEffort") return undefined
    this.#waited++
    this.#someoneWaits.fire()
    return placed ?? this.#roomAgain.wait
  }

  /**
   * Whether a message can be kept without a wait, behind the marker that has to precede it. A buffer with a single place is
   * enough when it is empty: the marker takes the place, and the message the one behind.
   */
  get #fits(): boolean {
    const needed = Math.min(this.#lost > this.#reported ? 2 : 1, this.#options.capacity)
    return this.#backlog.length === 0 && Queue.sizeUnsafe(this.#buffer) + needed <= this.#options.capacity
  }

  get #isTooFarBehind(): boolean {
    const { backlog } = this.#options
    const { eventBytes, events } = this.#backlog
    // A single message may be larger than all that is allowed together.
    return backlog !== undefined && (events > backlog.messages || (events > 1 && eventBytes > backlog.bytes))
  }

  #evict(): void {
    if (this.#isGone) return
    this.#dropped += this.#discard("evicted").length
    this.#eviction.fire()
  }

  /** Offers and waits as the message's tier asks. */
  offer(message: OutboundMessage): Effect.Effect<void> {
    return Effect.suspend(() => settled(this.offerUnsafe(message)))
  }

  /** Offers a server request, which is never left lying: it is taken, or the reason comes back. */
  offerRequest(message: OutboundMessage): Effect.Effect<Refusal | undefined> {
    return Effect.suspend(() => {
      if (this.isClosed) return Effect.succeed<Refusal>("closed")
      const grace = this.#options.requestGrace
      if (grace === null && !this.#fits) return Effect.succeed<Refusal>("full")
      const wait = this.offerUnsafe(message)
      if (wait === undefined || grace === null) return Effect.succeed(undefined)
      return Deferred.await(wait).pipe(
        Effect.map(() => (this.#isGone ? "closed" : undefined)),
        Effect.timeoutOrElse({ duration: grace, orElse: () => Effect.sync(() => this.#withdraw(message)) })
      )
    })
  }

  #withdraw(message: OutboundMessage): Refusal | undefined {
    if (this.#isGone) return "closed"
    if (!this.#backlog.remove(message)) return undefined
    this.#release(message)
    return "full"
  }

  /** Takes everything there is, at least one; fails with `Done` after the end. */
  get takeAll(): Effect.Effect<ReadonlyArray<OutboundMessage>, Cause.Done> {
    return Effect.suspend(() => {
      this.#written()
      return Effect.map(Queue.takeAll(this.#buffer), (messages) => this.#takes(messages))
    })
  }

  /** Takes what there is, at least one, until there are so many bytes of it; fails with `Done` after the end. */
  takeBatch(bytes: number): Effect.Effect<ReadonlyArray<OutboundMessage>, Cause.Done> {
    return Effect.suspend(() => {
      this.#written()
      return Effect.map(Queue.take(this.#buffer), (first) => {
        const messages = [first]
        for (let held = this.#bytesOf(first); held < bytes;) {
          const next = Queue.takeUnsafe(this.#buffer)
          if (next?._tag !== "Success") break
          messages.push(next.value)
          held += this.#bytesOf(next.value)
        }
        return this.#takes(messages)
      })
    })
  }

  #takes(messages: ReadonlyArray<OutboundMessage>): ReadonlyArray<OutboundMessage> {
    for (const message of messages) this.#bytes -= this.#bytesOf(message)
    if (this.#account !== undefined) this.#out = messages
    if (this.onTaken !== undefined) messages.forEach(this.onTaken)
    this.#took()
    return messages
  }

  /** Takes the next; fails with `Done` after the end. For consumers without a budget. */
  get take(): Effect.Effect<OutboundMessage, Cause.Done> {
    return Effect.suspend(() =>
      Effect.map(Queue.take(this.#buffer), (message) => {
        this.#bytes -= this.#bytesOf(message)
        this.onTaken?.(message)
        this.#took()
        return message
      })
    )
  }

  /** What was taken last is held no longer. */
  #written(): void {
    if (this.#account === undefined) return
    for (const message of this.#out) this.#release(message)
    this.#out = []
    this.#account.took()
  }

  #took(): void {
    this.#taken++
    this.#refill()
  }

  /** Moves what waits into the buffer, as far as there is room. */
  #refill(): void {
    while (!Queue.isFullUnsafe(this.#buffer)) {
      const next = this.#backlog.first
      if (next === undefined) break
      if (next.lost > this.#reported) {
        Queue.offerUnsafe(this.#buffer, { _tag: "Lagged", tier: "lossless", skipped: next.lost - this.#reported })
        this.#reported = next.lost
        continue
      }
      if (!this.#place(next.message, this.#bytesOf(next.message))) break
      // It leaves the backlog first: a producer that is let go on runs at once, and may be back here before this returns.
      this.#backlog.shift()
      if (next.placed !== undefined) Deferred.doneUnsafe(next.placed, Exit.void)
    }
    if (this.hasRoom) this.#roomAgain.fire()
    this.#endWhenEmpty()
  }

  #endWhenEmpty(): void {
    if (this.#state === "ended" && this.#backlog.length === 0) Queue.endUnsafe(this.#buffer)
  }

  /** Ends when producers have waited for the whole grace and the consumer has taken nothing in it: it has stopped reading. */
  stalled(grace: Duration.Input): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (true) {
        if (this.#backlog.length === 0) yield* this.#someoneWaits.next
        const before = this.#taken
        yield* Effect.sleep(grace)
        if (this.#backlog.length > 0 && this.#taken === before) return
      }
    })
  }

  /** The end is near: nobody waits any more, and what the last producers offer is held for the consumer. */
  get drain(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#state === "open") this.#state = "draining"
      this.#letGo(Array.from(this.#backlog))
    })
  }

  /** Producers that wait go on. Their messages stay where they are; those producers may offer more. */
  #letGo(waiting: ReadonlyArray<Waiting>): void {
    for (const { placed } of waiting) if (placed !== undefined) Deferred.doneUnsafe(placed, Exit.void)
    this.#roomAgain.fire()
  }

  /** No more is taken; the consumer gets what is held and then sees the end. */
  get end(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (!this.#isGone) this.#state = "ended"
      this.#letGo(Array.from(this.#backlog))
      this.#endWhenEmpty()
    })
  }

  /** The consumer is gone: waiting producers go on. Returns what was held, for an owner who has to answer for it. */
  get discard(): Effect.Effect<ReadonlyArray<OutboundMessage>> {
    return Effect.sync(() => this.#discard("discarded"))
  }

  #discard(state: "discarded" | "evicted"): ReadonlyArray<OutboundMessage> {
    if (!this.#isGone) this.#state = state
    const held: Array<OutboundMessage> = []
    for (let next = Queue.takeUnsafe(this.#buffer); next?._tag === "Success"; next = Queue.takeUnsafe(this.#buffer)) {
      held.push(next.value)
    }
    const waiting = this.#backlog.clear()
    for (const { message } of waiting) held.push(message)
    this.#letGo(waiting)
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

/** Opens a queue; a capacity below one counts as one. */
export const make = (options: TieredQueueOptions): Effect.Effect<TieredQueue> => {
  const capacity = Math.max(1, options.capacity)
  const buffer = Queue.bounded<OutboundMessage, Cause.Done>(capacity)
  return Effect.map(buffer, (buffer) => new TieredQueue(buffer, { ...options, capacity }))
}
