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
import { type ClientEvent, toEvent } from "../ClientEvent.ts"
import type { Outbound } from "../Outbound.ts"
import * as Outbox from "../Outbox.ts"
import { type Received, sizeOf } from "./Incoming.ts"

export interface InboxLimits {
  /** Events held for a consumer that is behind. */
  readonly capacity: number
  /** Characters of their texts together. */
  readonly size: number
}

/** Room for a long turn: reading goes on for minutes while nobody looks at the events. */
export const defaultLimits: InboxLimits = { capacity: 65_536, size: 64 * 1024 * 1024 }

/** A place in the order that an event of the client's own takes. No server notification has this name. */
const mark = (): Outbound => ({
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

export class Inbox {
  readonly #outbox: Outbox.Outbox
  readonly #marks = new Map<Outbound, ClientEvent>()
  #last: ClientEvent | undefined

  constructor(outbox: Outbox.Outbox) {
    this.#outbox = outbox
  }

  /** The result is what reading has to wait for, `undefined` when nothing. */
  offer(message: Received): Deferred.Deferred<void> | undefined {
    return this.#outbox.offerUnsafe(message)
  }

  /** Puts an event of the client's own behind what was offered. */
  tell(event: ClientEvent): void {
    const place = mark()
    this.#marks.set(place, event)
    this.#outbox.offerUnsafe(place)
  }

  /** The next event; fails with `Done` after the last. */
  readonly take: Effect.Effect<ClientEvent, Cause.Done> = Effect.suspend(() =>
    Effect.matchEffect(this.#outbox.take, {
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

  #eventOf(message: Outbound): ClientEvent | undefined {
    const event = this.#marks.get(message)
    if (event !== undefined) this.#marks.delete(message)
    return event ?? toEvent(message)
  }

  /** No more comes. What is held can still be taken, and then `last`. */
  end(last: ClientEvent): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#last = last
      return this.#outbox.end
    })
  }

  /** Nobody reads any more: what is held is dropped. */
  get drop(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#last = undefined
      return this.#outbox.shutdown
    })
  }
}

export const make = (limits: InboxLimits): Effect.Effect<Inbox> =>
  Effect.map(
    Outbox.make({
      capacity: limits.capacity,
      requestGrace: null,
      marksLag: true,
      bytes: { max: limits.size, of: sizeOf }
    }),
    (outbox) => new Inbox(outbox)
  )
