/**
 * The outgoing messages of one connection, in the order of their offers.
 *
 * Owns the connection's bounded buffer and what happens when it is full, which depends on the message's `tier` in the method
 * table. Does not own who receives a message (OutboundRouter) nor how it is written (transports).
 *
 * The buffer is an Effect `Queue.bounded` that is never awaited; the tier decides what follows a refused offer.
 *
 * ```
 *            room
 *  offer ───────────► buffer ──take──► consumer
 *    │ refused             ▲ refill, in order
 *    ├─ lossless, answer, request (bounded) ──► backlog; the producer waits for a place
 *    ├─ latest (sliding, one per key) ────────► backlog, and the older one is removed
 *    └─ bestEffort (dropping) ────────────────► dropped and counted; one Lagged precedes the next kept message
 *
 *  with limits on the backlog: a longer backlog ──► evicted: all messages are discarded
 * ```
 *
 * Invariants: messages leave in the order in which they were offered; no message passes the backlog. Without limits the
 * backlog has what producers wait for, or left there when they were interrupted, and one message per `latest` key.
 *
 * The backlog does not use Effect's queues, for two reasons. Capacity is one number for all tiers (contract [13], [18]), which
 * three queues would have to share. And a message keeps its place when its producer is interrupted, while `Queue.offer` takes
 * the message back. A merge of `Queue.bounded`, `Queue.dropping` and one `Queue.sliding(1)` per key by sequence number was
 * measured: 26 to 33 ns per message against 22 ns here (merged 66 to 77 ns), 48.7 B per message behind a stopped reader against
 * 8.5 B, and 4.5 us for a new snapshot key behind a full buffer against 0.3 us.
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
  type QueueState,
  type TieredQueueStats,
  type Wait
} from "./QueueOptions.ts"

export { settled } from "./QueueOptions.ts"
export type { BacklogLimits, Refusal, TieredQueueOptions, TieredQueueStats, Wait } from "./QueueOptions.ts"

const noBytes = (): number => 0

export class TieredQueue {
  readonly #buffer: Queue.Queue<OutboundMessage, Cause.Done>
  readonly #options: TieredQueueOptions
  readonly #backlog: Backlog
  readonly #account: BacklogAccount | undefined
  #state: QueueState = "open"
  /** Called with each message that the consumer takes, for observers. */
  onTaken: ((message: OutboundMessage) => void) | undefined
  /** Size of the messages in the buffer, in bytes. */
  #bytes = 0
  /** The batch that the consumer took last. It counts as being written until the next take. */
  #out: ReadonlyArray<OutboundMessage> = []
  #dropped = 0
  #waited = 0
  /** Number of takes. It distinguishes a slow consumer from a stopped one. */
  #taken = 0
  /** The dropped messages of which the consumer is to be informed, and those that markers have reported. */
  #lost = 0
  #reported = 0
  readonly #roomAgain = new Signal()
  readonly #someoneWaits = new Signal()
  readonly #eviction = new Signal()

  constructor(buffer: Queue.Queue<OutboundMessage, Cause.Done>, options: TieredQueueOptions) {
    this.#buffer = buffer
    this.#options = options
    this.#backlog = new Backlog(options.bytes?.of ?? noBytes)
    this.#account = options.budget?.open({ size: () => this.stats.size + this.#out.length, cut: () => this.#evict() })
  }

  get stats(): TieredQueueStats {
    const { length } = this.#backlog
    return { size: Queue.sizeUnsafe(this.#buffer) + length, dropped: this.#dropped, waited: this.#waited }
  }

  /** Capacity of the buffer, in messages. */
  get capacity(): number {
    return this.#options.capacity
  }

  /** True when offers are refused. */
  get isClosed(): boolean {
    return this.#state !== "open" && this.#state !== "draining"
  }

  /** True when queued messages were discarded. */
  get #isGone(): boolean {
    return this.#state === "discarded" || this.#state === "evicted"
  }

  /** False when the next message would wait. */
  get hasRoom(): boolean {
    return this.#backlog.length === 0 && !Queue.isFullUnsafe(this.#buffer)
  }

  /** Whether the consumer is evicted when it falls too far behind. Producers do not wait for it while others keep up. */
  get hasBacklog(): boolean {
    return this.#options.backlog !== undefined
  }

  /** True once the consumer was evicted: it exceeded its backlog, or the shared budget was exceeded. */
  get isCutOff(): boolean {
    return this.#state === "evicted"
  }

  /** Waits until the consumer is evicted. */
  get cutOff(): Effect.Effect<void> {
    return Effect.suspend(() => (this.isCutOff ? Effect.void : this.#eviction.next))
  }

  /** Waits until there is room or the queue drains, for producers that produce on demand. */
  get room(): Effect.Effect<void> {
    return Effect.suspend(() => (this.hasRoom || this.#state !== "open" ? Effect.void : this.#roomAgain.next))
  }

  /**
   * Offers a message synchronously: its place in the order is fixed on return. The result is the wait of the producer, or
   * `undefined` without one.
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

  /** Applies the tier's rule when the buffer refuses a message, or when a loss must be reported before it. */
  #withoutRoom(message: OutboundMessage, bytes: number): Wait {
    const { tier } = message
    if (tier === "bestEffort" && !this.#fits) {
      this.#dropped++
      if (this.#options.emitLagMarkers) this.#lost++
      this.#account?.release(message, bytes)
      return undefined
    }
    // A backlog may hold very many messages. There only the producer of a request needs to know when it was placed.
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
   * Whether a message can be kept without a wait, behind the marker that must precede it. An empty buffer with a single
   * place is enough: it takes the marker, and the backlog takes the message.
   */
  get #fits(): boolean {
    const needed = Math.min(this.#lost > this.#reported ? 2 : 1, this.#options.capacity)
    return this.#backlog.length === 0 && Queue.sizeUnsafe(this.#buffer) + needed <= this.#options.capacity
  }

  get #isTooFarBehind(): boolean {
    const { backlog } = this.#options
    const { eventBytes, events } = this.#backlog
    // A single message may exceed the limit.
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

  /** Offers a server request. It is taken, or the reason for the refusal is returned. */
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

  /** Takes all queued messages, at least one. Fails with `Done` after the end. */
  get takeAll(): Effect.Effect<ReadonlyArray<OutboundMessage>, Cause.Done> {
    return Effect.suspend(() => {
      this.#written()
      return Effect.map(Queue.takeAll(this.#buffer), (messages) => this.#takes(messages))
    })
  }

  /** Takes queued messages, at least one, until they have this many bytes. Fails with `Done` after the end. */
  takeBatch(bytes: number): Effect.Effect<ReadonlyArray<OutboundMessage>, Cause.Done> {
    return Effect.suspend(() => {
      this.#written()
      return Effect.flatMap(Queue.take(this.#buffer), (first) =>
        // The usual case: everything fits.
        this.#bytes <= bytes
          ? Effect.map(Queue.clear(this.#buffer), (rest) => this.#takes([first, ...rest]))
          : Effect.sync(() => this.#takes(this.#upTo(bytes, first)))
      )
    })
  }

  #upTo(bytes: number, first: OutboundMessage): ReadonlyArray<OutboundMessage> {
    const messages = [first]
    for (let held = this.#bytesOf(first); held < bytes;) {
      const next = Queue.takeUnsafe(this.#buffer)
      if (next?._tag !== "Success") break
      messages.push(next.value)
      held += this.#bytesOf(next.value)
    }
    return messages
  }

  #takes(messages: ReadonlyArray<OutboundMessage>): ReadonlyArray<OutboundMessage> {
    for (const message of messages) this.#bytes -= this.#bytesOf(message)
    if (this.#account !== undefined) this.#out = messages
    if (this.onTaken !== undefined) messages.forEach(this.onTaken)
    this.#took()
    return messages
  }

  /** Waits until there is a message. Fails with `Done` after the end. */
  get ready(): Effect.Effect<void, Cause.Done> {
    return Effect.asVoid(Queue.peek(this.#buffer))
  }

  /** Takes the next message, if there is one. For consumers without a budget. */
  takeUnsafe(): OutboundMessage | undefined {
    const next = Queue.takeUnsafe(this.#buffer)
    if (next?._tag !== "Success") return undefined
    const message = next.value
    this.#bytes -= this.#bytesOf(message)
    this.onTaken?.(message)
    this.#took()
    return message
  }

  /** Releases the batch that was taken last. */
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

  /** Moves messages from the backlog into the buffer while there is room. */
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
      // The message leaves the backlog first: a resumed producer runs at once and may re-enter this method.
      this.#backlog.shift()
      if (next.placed !== undefined) Deferred.doneUnsafe(next.placed, Exit.void)
    }
    if (this.hasRoom) this.#roomAgain.fire()
    this.#endWhenEmpty()
  }

  #endWhenEmpty(): void {
    if (this.#state === "ended" && this.#backlog.length === 0) Queue.endUnsafe(this.#buffer)
  }

  /** Completes when the consumer has stopped reading: producers waited for the whole grace and it took nothing. */
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

  /** Prepares the end: producers no longer wait, and further offers are kept for the consumer. */
  get drain(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#state === "open") this.#state = "draining"
      this.#letGo(Array.from(this.#backlog))
    })
  }

  /** Resumes waiting producers. Their messages keep their places, and those producers may offer more. */
  #letGo(waiting: ReadonlyArray<Waiting>): void {
    for (const { placed } of waiting) if (placed !== undefined) Deferred.doneUnsafe(placed, Exit.void)
    this.#roomAgain.fire()
  }

  /** Refuses further offers. The consumer takes the queued messages and then sees the end. */
  get end(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (!this.#isGone) this.#state = "ended"
      this.#letGo(Array.from(this.#backlog))
      this.#endWhenEmpty()
    })
  }

  /** Ends a queue without a consumer and resumes waiting producers. Returns the queued messages, which the owner may have to fail. */
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
    Queue.endUnsafe(this.#buffer)
    return held
  }

  /** Discards the queued messages of a consumer that is gone, and resumes waiting producers. */
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
