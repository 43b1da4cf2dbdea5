/**
 * Which threads the limits of a home remove. A function of plain data.
 *
 * @module
 */

/** The limits. Null is no limit. */
export interface RetentionPolicy {
  /** Days since the last change. */
  readonly days: number | null
  /** Number of threads. */
  readonly threads: number | null
  /** Size of all files, in bytes. */
  readonly bytes: number | null
}

/** A thread as far as the limits are concerned. */
export interface StoredThread {
  readonly id: string
  /** When a file of it changed last, in Unix milliseconds. */
  readonly changedAt: number
  /** Size of its files. */
  readonly bytes: number
  readonly isArchived: boolean
  /** The threads whose files the history of this one refers to. */
  readonly refersTo: ReadonlyArray<string>
}

/** The limit that removes a thread. */
export type Limit = "age" | "count" | "size"

/** A thread to remove. */
export interface Expired {
  readonly thread: StoredThread
  readonly limit: Limit
}

/** Says which threads exceed a limit now. */
interface Rule {
  readonly limit: Limit
  readonly isOver: (thread: StoredThread) => boolean
}

export const DayMillis = 86_400_000

/** Whether there is any limit. */
export const hasLimit = ({ bytes, days, threads }: RetentionPolicy): boolean =>
  days !== null || threads !== null || bytes !== null

/** Archived threads before others, then the one that changed first; the id makes the order definite. */
const order = (a: StoredThread, b: StoredThread): number =>
  Number(b.isArchived) - Number(a.isArchived) || a.changedAt - b.changedAt || (a.id < b.id ? -1 : 1)

/** The threads of a home that are left while some are removed. */
class Remaining {
  readonly #threads: ReadonlyMap<string, StoredThread>
  /** How many of the threads that are left refer to a thread. */
  readonly #references = new Map<string, number>()
  readonly #removed = new Set<string>()
  /** Threads that could not be removed because others refer to them, with the limits that they exceeded. */
  readonly #waiting = new Map<string, Array<Rule>>()
  readonly expired: Array<Expired> = []
  count: number
  bytes = 0

  constructor(threads: ReadonlyArray<StoredThread>) {
    this.#threads = new Map(threads.map((thread) => [thread.id, thread]))
    this.count = this.#threads.size
    for (const { bytes, id, refersTo } of this.#threads.values()) {
      this.bytes += bytes
      for (const other of new Set(refersTo)) if (other !== id) this.#count(other, 1)
    }
  }

  #count(id: string, change: number): number {
    const count = (this.#references.get(id) ?? 0) + change
    this.#references.set(id, count)
    return count
  }

  /** Removes a thread that exceeds a limit, unless another one refers to it, and then those that waited for it. */
  remove(thread: StoredThread, rule: Rule): void {
    const next: Array<readonly [StoredThread, Rule]> = [[thread, rule]]
    for (let entry = next.pop(); entry !== undefined; entry = next.pop()) {
      const [one, { isOver, limit }] = entry
      if (this.#removed.has(one.id) || !isOver(one)) continue
      if ((this.#references.get(one.id) ?? 0) > 0) {
        this.#waiting.set(one.id, [...(this.#waiting.get(one.id) ?? []), entry[1]])
        continue
      }
      this.#removed.add(one.id)
      this.expired.push({ thread: one, limit })
      this.count--
      this.bytes -= one.bytes
      next.push(...this.#freedBy(one))
    }
  }

  /** The threads that waited for this one. */
  #freedBy({ id, refersTo }: StoredThread): ReadonlyArray<readonly [StoredThread, Rule]> {
    return Array.from(new Set(refersTo)).flatMap((other) => {
      const source = this.#threads.get(other)
      if (source === undefined || other === id || this.#count(other, -1) > 0) return []
      return (this.#waiting.get(other) ?? []).map((rule) => [source, rule] as const)
    })
  }
}

/**
 * The threads to remove, in an order in which a fork comes before the thread that it refers to. A thread is kept while another
 * one that is kept refers to it, even when a limit is exceeded then.
 */
export const expiredIn = (
  { bytes, days, threads: count }: RetentionPolicy,
  threads: ReadonlyArray<StoredThread>,
  now: number
): ReadonlyArray<Expired> => {
  const remaining = new Remaining(threads)
  const sorted = threads.toSorted(order)
  const rules: Array<Rule> = []
  if (days !== null) rules.push({ limit: "age", isOver: ({ changedAt }) => changedAt < now - days * DayMillis })
  if (count !== null) rules.push({ limit: "count", isOver: () => remaining.count > count })
  if (bytes !== null) rules.push({ limit: "size", isOver: () => remaining.bytes > bytes })
  for (const rule of rules) for (const thread of sorted) remaining.remove(thread, rule)
  return remaining.expired
}
