/**
 * The events that no consumer has received, for the next one that reads.
 *
 * Owns their limits and the count of those that were dropped. Does not own who reads (EventHub).
 *
 * @module
 */
import type { ClientEvent } from "./ClientEvent.ts"
import { weightOf } from "./EventConsumer.ts"

/** The number of events that are held while nobody reads them but handlers or threads do. */
export const MaxHeld = 8192

/** Maximum size of the held events together, in characters of their texts; the first one does not count. */
export const MaxHeldSize = 64 * 1024 * 1024

/** The size of a value that is neither a text nor has members. */
const ScalarSize = 8

/** The number of characters in a message, about. */
const sizeOf = (value: unknown): number => {
  if (typeof value === "string") return value.length
  let size = ScalarSize
  if (typeof value === "object" && value !== null) for (const member of Object.values(value)) size += sizeOf(member)
  return size
}

interface Held {
  readonly event: ClientEvent
  readonly size: number
}

export class HeldEvents {
  readonly #onDrop: (event: ClientEvent) => void
  #events: Array<Held> = []
  #size = 0
  /** The number of events that were dropped before those that are held. */
  #skipped = 0

  /** `onDrop` is called with each event that is dropped. */
  constructor(onDrop: (event: ClientEvent) => void) {
    this.#onDrop = onDrop
  }

  /** Appends an event. The oldest ones are dropped when there is no room. */
  add(event: ClientEvent): void {
    // The first one is usually taken at once, so it is not measured.
    const size = this.#events.length === 0 ? 0 : sizeOf(event)
    this.#events.push({ event, size })
    this.#size += size
    while (this.#events.length > MaxHeld || this.#size > MaxHeldSize) {
      const oldest = this.#shift()
      if (oldest === undefined) return
      this.#skipped += weightOf(oldest)
      this.#onDrop(oldest)
    }
  }

  /** Puts events before the held ones. */
  prepend(events: ReadonlyArray<ClientEvent>): void {
    for (const event of [...events, ...this.takeAll()]) this.add(event)
  }

  /** The next event, if there is one. `Lagged` takes the place of those that were dropped. */
  poll(): ClientEvent | undefined {
    if (this.#skipped === 0) return this.#shift()
    const skipped = this.#skipped
    this.#skipped = 0
    return { _tag: "Lagged", skipped }
  }

  takeAll(): Array<ClientEvent> {
    const events: Array<ClientEvent> = []
    for (let event = this.poll(); event !== undefined; event = this.poll()) events.push(event)
    return events
  }

  #shift(): ClientEvent | undefined {
    const oldest = this.#events.shift()
    if (oldest !== undefined) this.#size -= oldest.size
    return oldest?.event
  }
}
