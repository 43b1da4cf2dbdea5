/**
 * How a `TieredQueue` is set up, what it reports, and what its producers wait for.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { BacklogBudget } from "./BacklogBudget.ts"
import type { OutboundMessage } from "./OutboundMessage.ts"

/** Why a server request was not taken. */
export type Refusal = "full" | "closed"

/** What a producer has to wait for; undefined when there is room. */
export type Wait = Deferred.Deferred<void> | undefined

/** Waits for what an offer handed back. */
export const settled = (wait: Wait): Effect.Effect<void> => (wait === undefined ? Effect.void : Deferred.await(wait))

/** Something that those who wait for it are informed of, each time anew. Costs nothing while nobody waits. */
export class Signal {
  #waiting: Deferred.Deferred<void> | undefined

  /** Completed the next time. */
  get wait(): Deferred.Deferred<void> {
    return (this.#waiting ??= Deferred.makeUnsafe())
  }

  /** Waits for the next time. */
  get next(): Effect.Effect<void> {
    return Deferred.await(this.wait)
  }

  fire(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) Deferred.doneUnsafe(waiting, Exit.void)
  }
}

/** How far a consumer may fall behind others, in notifications that the buffer has no room for. */
export interface BacklogLimits {
  readonly messages: number
  /** As `bytes.of` counts them. */
  readonly bytes: number
}

export interface TieredQueueOptions {
  /** Messages held for a consumer that is behind. At least one. */
  readonly capacity: number
  /** How long a server request may wait for room before it is failed back; null refuses it at once. */
  readonly requestGrace: Duration.Input | null
  /** Whether the consumer is told of what it missed. A wire client has no word for it. */
  readonly emitLagMarkers: boolean
  /** A limit in bytes besides that in messages; one message is always taken. */
  readonly bytes?: { readonly max: number; readonly of: (message: OutboundMessage) => number }
  /** For a consumer that can be cut off: producers that others listen to need not wait for it. */
  readonly backlog?: BacklogLimits
  /** What all consumers that can be cut off hold together; this one may be cut off for it. Only with `bytes`. */
  readonly budget?: BacklogBudget
}

/** Counts since the connection opened, for metrics. */
export interface TieredQueueStats {
  readonly size: number
  readonly dropped: number
  readonly waited: number
}
