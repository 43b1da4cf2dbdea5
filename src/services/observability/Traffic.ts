/**
 * The last messages of a server's connections, without payloads.
 *
 * Owns a bounded ring. An entry has the method, the id, the size, the direction and the time, but never a payload. Does not
 * own the recording itself (`connection/TrafficTap`).
 *
 * @module
 */

/** Maximum number of entries in a ring. */
export const MaxEntries = 65_536

/** Maximum length of a method or an id, which clients choose freely. */
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
  /** Null for responses, which have none. At most 128 characters. */
  readonly method: string | null
  /** Null for notifications. At most 128 characters. */
  readonly id: string | number | null
  /** Characters of the parameters, the result or the error as JSON; null when it is not JSON. */
  readonly size: number | null
}

/** The recorded facts of a message. */
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
  /** Index of the next entry once the ring is full. */
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

  /** Copies of the entries, oldest first. */
  get entries(): ReadonlyArray<TrafficEntry> {
    return [...this.#entries.slice(this.#next), ...this.#entries.slice(0, this.#next)].map((entry) => ({ ...entry }))
  }
}
