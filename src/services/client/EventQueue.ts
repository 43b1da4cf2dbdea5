/**
 * The events that the client receives, in order, over all its connections.
 *
 * Owns the bounded event buffer, the events that the client inserts itself, and the end of the stream. As in the server, the
 * tier in the method table decides what happens when the consumer is slow: snapshots replace older ones, best-effort events
 * are dropped and counted in `Lagged`. Nothing else is dropped: when the buffer is full, reading stops, which slows the
 * server down.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import type * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type ClientEvent, toEvent } from "./ClientEvent.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import * as TieredQueue from "../routing/TieredQueue.ts"
import { type IncomingMessage, sizeOf } from "./IncomingMessage.ts"

/** Limits on the events that wait for a slow consumer. */
export interface EventQueueLimits {
  /** Maximum number of events held for a slow consumer. */
  readonly capacity: number
  /** Maximum number of characters of their texts together. */
  readonly size: number
}

/** Enough for a long turn: reading continues for minutes while the application takes no events. */
export const defaultLimits: EventQueueLimits = { capacity: 65_536, size: 64 * 1024 * 1024 }

/** A placeholder in the buffer for an event of the client's own. No server notification has this name. */
const mark = (): OutboundMessage => ({
  _tag: "Notification",
  tier: "lossless",
  key: undefined,
  method: "client/mark",
  params: undefined,
  emittedAtMs: 0,
  seq: undefined,
  text: undefined,
  holders: 0
})

export class EventQueue {
  readonly #outgoing: TieredQueue.TieredQueue
  readonly #marks = new Map<OutboundMessage, ClientEvent>()
  #last: ClientEvent | undefined
  /** Only `#last` is left. */
  #isDrained = false

  constructor(outgoing: TieredQueue.TieredQueue) {
    this.#outgoing = outgoing
  }

  /** The result is a signal to wait for before reading continues; `undefined` when there is room. */
  offer(message: IncomingMessage): Deferred.Deferred<void> | undefined {
    return this.#outgoing.offerUnsafe(message)
  }

  /** Appends an event of the client's own. */
  append(event: ClientEvent): void {
    const place = mark()
    this.#marks.set(place, event)
    this.#outgoing.offerUnsafe(place)
  }

  /** The next event, if there is one. */
  poll(): ClientEvent | undefined {
    for (let message = this.#outgoing.takeUnsafe(); message !== undefined; message = this.#outgoing.takeUnsafe()) {
      const event = this.#marks.get(message) ?? toEvent(message)
      this.#marks.delete(message)
      if (event !== undefined) return event
    }
    if (!this.#isDrained) return undefined
    const last = this.#last
    this.#last = undefined
    return last
  }

  /** Waits until there is an event. Fails with `Done` after the last one. */
  readonly ready: Effect.Effect<void, Cause.Done> = Effect.suspend(() =>
    Effect.catch(this.#outgoing.ready, () => {
      this.#isDrained = true
      return this.#last === undefined ? Cause.done() : Effect.void
    })
  )

  /** Ends the stream. Held events can still be taken, then `last`. */
  end(last: ClientEvent): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#last = last
      return this.#outgoing.end
    })
  }

  /** Drops the held events, because no consumer is left. */
  get drop(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#last = undefined
      return this.#outgoing.shutdown
    })
  }
}

export const make = (limits: EventQueueLimits): Effect.Effect<EventQueue> =>
  Effect.map(
    TieredQueue.make({
      capacity: limits.capacity,
      requestGrace: null,
      emitLagMarkers: true,
      bytes: { max: limits.size, of: sizeOf }
    }),
    (outgoing) => new EventQueue(outgoing)
  )
