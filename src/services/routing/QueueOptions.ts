/**
 * The options of a `TieredQueue`, its counters, and the waits of its producers.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { BacklogBudget } from "./BacklogBudget.ts"
import type { OutboundMessage } from "./OutboundMessage.ts"

/** Why a server request was refused. */
export type Refusal = "full" | "closed"

/** The wait of a producer; undefined when there is room. */
export type Wait = Deferred.Deferred<void> | undefined

/** Waits for the result of an offer. */
export const settled = (wait: Wait): Effect.Effect<void> => (wait === undefined ? Effect.void : Deferred.await(wait))

/**
 * A repeatable event. Each `fire` wakes those who wait at that time. It allocates nothing while nothing
 * waits.
 */
export class Signal {
  #waiting: Deferred.Deferred<void> | undefined

  /** Completed by the next `fire`. */
  get wait(): Deferred.Deferred<void> {
    return (this.#waiting ??= Deferred.makeUnsafe())
  }

  /** Waits for the next `fire`. */
  get next(): Effect.Effect<void> {
    return Deferred.await(this.wait)
  }

  fire(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) Deferred.doneUnsafe(waiting, Exit.void)
  }
}

/** How far a consumer may fall behind, counted in notifications behind a full buffer. */
export interface BacklogLimits {
  readonly messages: number
  /** As counted by `bytes.of`. */
  readonly bytes: number
}

/** The limits of a queue of messages to one client, and what happens when it is full. */
export interface TieredQueueOptions {
  /** Size of the buffer, in messages. At least one. */
  readonly capacity: number
  /** How long a server request may wait for room before it is failed back; null refuses it at once. */
  readonly requestGrace: Duration.Input | null
  /**
   * Whether the consumer gets a marker for dropped messages. The wire protocol has no such message.
   */
  readonly emitLagMarkers: boolean
  /** An additional limit in bytes. A single message is always accepted. */
  readonly bytes?: {
    /** Maximum number of bytes. */
    readonly max: number
    /** The size of a message in bytes. */
    readonly of: (message: OutboundMessage) => number
  }
  /** Set for an evictable consumer. Producers do not wait for it while other consumers keep up. */
  readonly backlog?: BacklogLimits
  /** The shared budget of all evictable consumers; this consumer may be evicted for it. Requires `bytes`. */
  readonly budget?: BacklogBudget
}

/** Counts since the connection opened, for metrics. */
export interface TieredQueueStats {
  readonly size: number
  readonly dropped: number
  readonly waited: number
}

/**
 * The state of a queue. It only moves down this list:
 *
 * - `open`: offers are taken; producers wait as their tier requires.
 * - `draining`: offers are taken; producers do not wait, because the queue is about to end.
 * - `ended`: offers are refused. The consumer takes the queued messages and then sees the end.
 * - `discarded`: offers are refused and queued messages are discarded: the consumer is gone.
 * - `evicted`: the same, because the consumer fell too far behind.
 */
export type QueueState = "open" | "draining" | "ended" | "discarded" | "evicted"
