/**
 * What the client hears, in order, over all its connections.
 *
 * Owns the bounded event buffer, the client's own marks in it, and its end. What gives way when the consumer is behind is
 * the tier of the method table, as in the server: snapshots replace their elders, best-effort ones are counted and
 * `Lagged` stands for them. Nothing else is dropped: when the buffer is full reading stops, and with it the server.
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

export interface EventQueueLimits {
  /** Events held for a consumer that is behind. */
  readonly capacity: number
  /** Characters of their texts together. */
  readonly size: number
}

/** Room for a long turn: reading goes on for minutes while nobody looks at the events. */
export const defaultLimits: EventQueueLimits = { capacity: 65_536, size: 64 * 1024 * 1024 }

/** A place in the order that an event of the client's own takes. No server notification has this name. */
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

  constructor(outgoing: TieredQueue.TieredQueue) {
    this.#outgoing = outgoing
  }

  /** The result is what reading has to wait for, `undefined` when nothing. */
  offer(message: IncomingMessage): Deferred.Deferred<void> | undefined {
    return this.#outgoing.offerUnsafe(message)
  }

  /** Puts an event of the client's own behind what was offered. */
  tell(event: ClientEvent): void {
    const place = mark()
    this.#marks.set(place, event)
    this.#outgoing.offerUnsafe(place)
  }

  /** The next event; fails with `Done` after the last. */
  readonly take: Effect.Effect<ClientEvent, Cause.Done> = Effect.suspend(() =>
    Effect.matchEffect(this.#outgoing.take, {
      onSuccess: (message) => {
        const event = this.#eventOf(message)
        return event === undefined ? this.take : Effect.succeed(event)
      },
      onFailure: () => {
        const last = this.#last
        this.#last = undefined
        return last === undefined ? Cause.done() : Effect.succeed(last)
      }
    })
  )

  #eventOf(message: OutboundMessage): ClientEvent | undefined {
    const event = this.#marks.get(message)
    if (event !== undefined) this.#marks.delete(message)
    return event ?? toEvent(message)
  }

  /** No more comes. What is held can still be taken, and then `last`. */
  end(last: ClientEvent): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#last = last
      return this.#outgoing.end
    })
  }

  /** Nobody reads any more: what is held is dropped. */
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
