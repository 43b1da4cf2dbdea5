/**
 * One consumer of a client's events, with its own bounded queue.
 *
 * Owns what happens when the queue is full. The queue fills only while another consumer reads faster (EventHub): a consumer
 * that is alone reads from the connection, and the server waits for it.
 *
 * @module
 */
import type * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { serverNotificationTable } from "../../protocol/Methods.ts"
import { ConsumerTooSlow } from "./ClientError.ts"
import type { ClientEvent } from "./ClientEvent.ts"

/**
 * What happens when a consumer's queue is full. `fail`: best-effort notifications are dropped and counted by one `Lagged`;
 * any other event ends the consumer with `ConsumerTooSlow`, after the events that it still holds. `dropping`: new events are
 * dropped and counted. `sliding`: the oldest ones are dropped and counted. A server request that is dropped stays pending for
 * the other consumers.
 */
export type WhenFull = "fail" | "dropping" | "sliding"

/** Options of a consumer of events. */
export interface ConsumerOptions {
  /** The name in errors and logs. Default: `events`. */
  readonly name?: string
  /** The number of events that the queue holds. At least one. Default: 65 536. */
  readonly capacity?: number
  /** Default: `fail`. */
  readonly whenFull?: WhenFull
}

/** Default capacity of a consumer's queue: a long turn. */
export const DefaultCapacity = 65_536

/** Someone who waits for events, and what they wait for. */
export interface Waiter {
  /** The next event, if there is one. */
  readonly poll: () => ClientEvent | undefined
  /** Why the waiter gets no further events. */
  readonly failure: ConsumerTooSlow | undefined
  /** Set while it waits; completed by the fiber that has something for it. */
  signal: Deferred.Deferred<void> | undefined
  /** Whether it takes the events that no consumer took. */
  readonly takesHeld?: true
}

/** How a consumer selects events. */
export interface Selection {
  /** Whether it receives all events, so that no event has to be held for somebody else. */
  readonly isReader: boolean
  readonly accepts: (event: ClientEvent) => boolean
}

/** Selects everything. */
export const everything: Selection = { isReader: true, accepts: () => true }

interface Entry {
  readonly event: ClientEvent
  /** The number of events that were dropped immediately before this one. */
  readonly skipped: number
}

const isBestEffort = (event: ClientEvent): boolean =>
  event._tag === "Lagged" ||
  (event._tag === "ServerNotification" && serverNotificationTable[event.notification.method].tier === "bestEffort")

export class EventConsumer implements Waiter {
  readonly selection: Selection
  readonly #name: string
  readonly #capacity: number
  readonly #whenFull: WhenFull
  readonly #queue: Queue.Queue<Entry>
  /** Events that precede those of the queue. */
  #first: Array<ClientEvent> = []
  #skipped = 0
  failure: ConsumerTooSlow | undefined
  signal: Deferred.Deferred<void> | undefined

  constructor(queue: Queue.Queue<Entry>, selection: Selection, options: Required<ConsumerOptions>) {
    this.#queue = queue
    this.selection = selection
    this.#name = options.name
    this.#capacity = options.capacity
    this.#whenFull = options.whenFull
  }

  /** Puts events before all others. */
  prepend(events: ReadonlyArray<ClientEvent>): void {
    this.#first = [...events, ...this.#first]
  }

  accepts(event: ClientEvent): boolean {
    return this.failure === undefined && this.selection.accepts(event)
  }

  offer(event: ClientEvent): void {
    if (!Queue.isFullUnsafe(this.#queue)) {
      const isSliding = this.#whenFull === "sliding"
      Queue.offerUnsafe(this.#queue, { event, skipped: isSliding ? 0 : this.#skipped })
      if (!isSliding) this.#skipped = 0
    } else if (this.#whenFull === "sliding") this.#slide(event)
    else if (this.#whenFull === "dropping" || isBestEffort(event)) this.#skipped += weightOf(event)
    else this.failure = new ConsumerTooSlow({ consumer: this.#name, capacity: this.#capacity })
  }

  /** The loss is reported before the oldest event that is left. */
  #slide(event: ClientEvent): void {
    const oldest = Queue.takeUnsafe(this.#queue)
    Queue.offerUnsafe(this.#queue, { event, skipped: 0 })
    if (oldest?._tag === "Success") this.#skipped += oldest.value.skipped + weightOf(oldest.value.event)
  }

  readonly poll = (): ClientEvent | undefined => {
    const first = this.#first.shift()
    if (first !== undefined) return first
    if (this.#whenFull === "sliding" && this.#skipped > 0) {
      const skipped = this.#skipped
      this.#skipped = 0
      return { _tag: "Lagged", skipped }
    }
    const next = Queue.takeUnsafe(this.#queue)
    if (next?._tag !== "Success") return undefined
    const { event, skipped } = next.value
    if (skipped === 0) return event
    this.#first.push(event)
    return { _tag: "Lagged", skipped }
  }

  /** Takes all events that were not read. */
  drain(): ReadonlyArray<ClientEvent> {
    const events: Array<ClientEvent> = []
    for (let event = this.poll(); event !== undefined; event = this.poll()) events.push(event)
    if (this.#skipped > 0) events.push({ _tag: "Lagged", skipped: this.#skipped })
    return events
  }
}

/** The number of events that are lost with this one. */
export const weightOf = (event: ClientEvent): number => (event._tag === "Lagged" ? event.skipped : 1)

/** Creates a consumer; it receives events once a hub knows it. */
export const make = (selection: Selection, options: ConsumerOptions = {}): Effect.Effect<EventConsumer> => {
  const capacity = Math.max(1, options.capacity ?? DefaultCapacity)
  const complete = { name: options.name ?? "events", capacity, whenFull: options.whenFull ?? ("fail" as const) }
  return Effect.map(Queue.bounded<Entry>(capacity), (queue) => new EventConsumer(queue, selection, complete))
}
