/**
 * The last messages that crossed the connections of a server, without what they said.
 *
 * Owns a bounded ring, and that no entry holds a payload: it has the method, the id, the size, the direction and the time.
 * Does not own where messages are seen (`connection/TrafficTap`).
 *
 * @module
 */

/** Entries that a ring may have at most. */
export const MaxEntries = 65_536

/** Characters of a method or an id, which a client may choose freely. */
const MaxText = 128

/** One message. Plain data. */
export interface TrafficEntry {
  /** Unix milliseconds. */
  readonly at: number
  /** Id of the connection. */
  readonly connection: number
  /** `in` is from the client to the server. */
  readonly direction: "in" | "out"
  readonly kind: "request" | "notification" | "result" | "error"
  /** Null for answers, which have none. At most 128 characters. */
  readonly method: string | null
  /** Null for notifications. At most 128 characters. */
  readonly id: string | number | null
  /** Characters of the parameters, the result or the error as JSON; null where it has no such form. */
  readonly size: number | null
}

/** What is recorded of a message. */
export interface Seen {
  readonly connection: number
  readonly direction: TrafficEntry["direction"]
  readonly kind: TrafficEntry["kind"]
  readonly method?: string
  readonly id?: string | number | bigint
  readonly payload: unknown
}

/** A copy: a part of a string keeps the whole string in memory. */
const copy = (text: string): string => Buffer.from(text, "utf16le").toString("utf16le")

const cut = (text: string): string => (text.length <= MaxText ? text : copy(`${text.slice(0, MaxText - 1)}…`))

const idOf = (id: Seen["id"]): TrafficEntry["id"] => {
  if (id === undefined) return null
  return typeof id === "number" ? id : cut(String(id))
}

const sizeOf = (payload: unknown): number | null => {
  if (payload === undefined) return 0
  try {
    return JSON.stringify(payload)?.length ?? null
  } catch {
    return null
  }
}

export class Traffic {
  readonly #now: () => number
  readonly #capacity: number
  readonly #entries: Array<TrafficEntry> = []
  /** Where the next entry goes once the ring is full. */
  #next = 0

  /** `capacity` is clamped to 1 and `MaxEntries`. */
  constructor(capacity: number, now: () => number) {
    this.#capacity = Math.min(MaxEntries, Math.max(1, Math.trunc(capacity)))
    this.#now = now
  }

  record({ connection, direction, id, kind, method, payload }: Seen): void {
    this.#entries[this.#next] = {
      at: this.#now(),
      connection,
      direction,
      kind,
      method: method === undefined ? null : cut(method),
      id: idOf(id),
      size: sizeOf(payload)
    }
    this.#next = (this.#next + 1) % this.#capacity
  }

  /** Copies, oldest first. */
  get entries(): ReadonlyArray<TrafficEntry> {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)].map((entry) => ({ ...entry }))
  }
}
