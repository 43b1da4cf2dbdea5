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
 * ```
 *
 * Invariants: messages leave in the order in which they were offered; the overflow holds at most one message per waiting
 * producer and one per `latest` key, each with a marker before it at most, so it is bounded by those; while the overflow is
 * not empty nothing enters the buffer past it.
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type { Outbound } from "./Outbound.ts"

/** Why a server request was not taken. */
export type Refusal = "full" | "closed"

export interface OutboxOptions {
  /** Messages held for a consumer that is behind. At least one. */
  readonly capacity: number
  /** How long a server request may wait for room before it is failed back; null refuses it at once. */
  readonly requestGrace: Duration.Input | null
  /** Whether the consumer is told of what it missed. A wire client has no word for it. */
  readonly marksLag: boolean
  /** A limit in bytes besides that in messages; one message is always taken. */
  readonly bytes?: { readonly max: number; readonly of: (message: Outbound) => number }
}

interface Overflowing {
  message: Outbound
  /** Set for a message that may be replaced by a newer one of the same key. */
  readonly key: string | undefined
  readonly placed: Deferred.Deferred<void>
}

/** What stands for dropped messages while it waits for its place. */
const lagged = (skipped: number): Overflowing => ({
  message: { _tag: "Lagged", tier: "lossless", skipped },
  key: undefined,
  placed: Deferred.makeUnsafe()
})

/** Markers that came to stand next to each other, because what was between them was replaced, become one. */
const joinMarkers = (overflow: ReadonlyArray<Overflowing>): Array<Overflowing> => {
  const joined: Array<Overflowing> = []
  for (const waiting of overflow) {
    const last = joined.at(-1)?.message
    if (last?._tag === "Lagged" && waiting.message._tag === "Lagged") {
      joined[joined.length - 1] = lagged(last.skipped + waiting.message.skipped)
    } else {
      joined.push(waiting)
    }
  }
  return joined
}

/** Counts since the connection opened, for metrics. */
export interface OutboxStats {
  readonly size: number
  readonly dropped: number
  readonly waited: number
}

export class Outbox {
  readonly #buffer: Queue.Queue<Outbound, Cause.Done>
  readonly #options: OutboxOptions
  #overflow: Array<Overflowing> = []
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
  #draining = false
  /** Completed when a producer that held back may go on. */
  #room: Deferred.Deferred<void> | undefined

  constructor(buffer: Queue.Queue<Outbound, Cause.Done>, options: OutboxOptions) {
    this.#buffer = buffer
    this.#options = options
  }

  get stats(): OutboxStats {
    return {
      size: Queue.sizeUnsafe(this.#buffer) + this.#overflow.length,
      dropped: this.#dropped,
      waited: this.#waited
    }
  }

  /** False when the next message would have to wait. */
  get hasRoom(): boolean {
    return this.#overflow.length === 0 && !Queue.isFullUnsafe(this.#buffer)
  }

  /** Waits until there is room, for who produces only when there is. */
  readonly room: Effect.Effect<void> = Effect.suspend(() =>
    this.hasRoom || this.#closed ? Effect.void : Deferred.await((this.#room ??= Deferred.makeUnsafe()))
  )

  /**
   * Offers a message in the caller's turn: when this returns, its place in the order is fixed. The result is what the
   * producer has to wait for, `undefined` when nothing.
   */
  offerUnsafe(message: Outbound): Deferred.Deferred<void> | undefined {
    if (this.#closed) return undefined
    if (this.#skipped === 0 && this.#overflow.length === 0 && this.#place(message)) return undefined
    return this.#offerBehind(message)
  }

  /** False when the buffer is full. */
  #place(message: Outbound): boolean {
    const { bytes } = this.#options
    if (bytes === undefined) return Queue.offerUnsafe(this.#buffer, message)
    const size = bytes.of(message)
    if (this.#bytes > 0 && this.#bytes + size > bytes.max) return false
    if (!Queue.offerUnsafe(this.#buffer, message)) return false
    this.#bytes += size
    return true
  }

  #offerBehind(message: Outbound): Deferred.Deferred<void> | undefined {
    const { tier } = message
    if (tier === "bestEffort" && !this.#fits()) {
      this.#dropped++
      if (this.#options.marksLag) this.#skipped++
      return undefined
    }
    const key = tier === "latest" ? message.key : undefined
    if (key !== undefined) this.#remove((waiting) => waiting.key === key)
    this.#mark()
    const placed = Deferred.makeUnsafe<void>()
    this.#overflow.push({ message, key, placed })
    this.#refill()
    if (this.#draining || tier === "latest" || tier === "bestEffort" || Deferred.isDoneUnsafe(placed)) return undefined
    this.#waited++
    this.#block()
    return placed
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
    if (this.#skipped === 0) return
    this.#overflow.push(lagged(this.#skipped))
    this.#skipped = 0
    this.#overflow = joinMarkers(this.#overflow)
  }

  /** False when there is none. */
  #remove(matches: (waiting: Overflowing) => boolean): boolean {
    const left = this.#overflow.filter((waiting) => !matches(waiting))
    if (left.length === this.#overflow.length) return false
    this.#overflow = joinMarkers(left)
    return true
  }

  /** Offers and waits as the message's tier asks. */
  readonly offer = (message: Outbound): Effect.Effect<void> =>
    Effect.suspend(() => {
      const wait = this.offerUnsafe(message)
      return wait === undefined ? Effect.void : Deferred.await(wait)
    })

  /** Offers several as one: nothing else comes between them. */
  readonly offerAll = (messages: ReadonlyArray<Outbound>): Effect.Effect<void> =>
    Effect.suspend(() => {
      let last: Deferred.Deferred<void> | undefined
      for (const message of messages) last = this.offerUnsafe(message) ?? last
      return last === undefined ? Effect.void : Deferred.await(last)
    })

  /** Offers a server request, which is never left lying: it is taken, or the reason comes back. */
  readonly offerRequest = (message: Outbound): Effect.Effect<Refusal | undefined> =>
    Effect.suspend(() => {
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

  #withdraw(message: Outbound): Refusal | undefined {
    if (this.#gone) return "closed"
    return this.#remove((waiting) => waiting.message === message) ? "full" : undefined
  }

  /** Takes everything there is, at least one; fails with `Done` after the end. */
  readonly takeAll: Effect.Effect<ReadonlyArray<Outbound>, Cause.Done> = Effect.suspend(() =>
    Effect.map(Queue.takeAll(this.#buffer), (messages) => {
      this.#taken++
      const { bytes } = this.#options
      if (bytes !== undefined) for (const message of messages) this.#bytes -= bytes.of(message)
      this.#refill()
      return messages
    })
  )

  /** Takes the next; fails with `Done` after the end. */
  readonly take: Effect.Effect<Outbound, Cause.Done> = Effect.suspend(() =>
    Effect.map(Queue.take(this.#buffer), (message) => {
      this.#taken++
      this.#bytes -= this.#options.bytes?.of(message) ?? 0
      this.#refill()
      return message
    })
  )

  #refill(): void {
    while (Queue.sizeUnsafe(this.#buffer) < this.#options.capacity) {
      const waiting = this.#overflow[0]
      if (waiting === undefined || !this.#place(waiting.message)) break
      // Out of the overflow first: a producer that is let go on runs at once, and may be back here before this returns.
      this.#overflow.shift()
      Deferred.doneUnsafe(waiting.placed, Exit.void)
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
  readonly stalled = (grace: Duration.Input): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      while (true) {
        if (this.#overflow.length === 0) yield* Deferred.await((this.#blocked ??= Deferred.makeUnsafe()))
        const before = this.#taken
        yield* Effect.sleep(grace)
        if (this.#overflow.length > 0 && this.#taken === before) return
      }
    })

  #admit(): void {
    const room = this.#room
    this.#room = undefined
    if (room !== undefined) Deferred.doneUnsafe(room, Exit.void)
  }

  /** The end is near: nobody waits any more, and what the last producers say is held for the consumer. */
  readonly drain: Effect.Effect<void> = Effect.sync(() => {
    this.#draining = true
    for (const { placed } of this.#overflow) Deferred.doneUnsafe(placed, Exit.void)
    this.#admit()
  })

  /** No more is taken; the consumer gets what is held and then sees the end. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.#closed = true
    return this.#overflow.length === 0 ? Effect.andThen(this.drain, Queue.end(this.#buffer)) : this.drain
  })

  /** The consumer is gone: waiting producers go on. What was held comes back, for who has to answer for it. */
  readonly discard: Effect.Effect<ReadonlyArray<Outbound>> = Effect.suspend(() => {
    this.#closed = true
    this.#gone = true
    const held: Array<Outbound> = []
    for (let next = Queue.takeUnsafe(this.#buffer); next?._tag === "Success"; next = Queue.takeUnsafe(this.#buffer)) {
      held.push(next.value)
    }
    for (const { message } of this.#overflow) held.push(message)
    return Effect.as(
      Effect.andThen(this.drain, () => {
        this.#overflow = []
        // Ended first: a consumer that still takes sees the end, and not an interruption.
        Queue.endUnsafe(this.#buffer)
        return Queue.shutdown(this.#buffer)
      }),
      held
    )
  })

  /** The consumer is gone: what is held is dropped and waiting producers go on. */
  readonly shutdown: Effect.Effect<void> = Effect.asVoid(this.discard)
}

/** Opens an outbox; a capacity below one counts as one. */
export const make = (options: OutboxOptions): Effect.Effect<Outbox> => {
  const capacity = Math.max(1, options.capacity)
  return Effect.map(
    Queue.bounded<Outbound, Cause.Done>(capacity),
    (buffer) => new Outbox(buffer, { ...options, capacity })
  )
}
