/**
 * The position at which the next page of threads begins. The text is that of the release: `<time>|<thread id>` after the
 * last thread of a page, and a bare time, a millisecond before the first, for the way back, so that a page read backwards
 * begins with its anchor.
 *
 * @module
 */

/** What a cursor counts: a time in Unix milliseconds, or a position in a section. */
export type CursorKind = "time" | "position"

/** The kind of the cursors of a list with this sort key. */
export const kindOf = (sortKey: string): CursorKind => (sortKey === "section_position" ? "position" : "time")

/** A position between threads. Without an id it is before or after all threads with that value. */
export interface ThreadCursor {
  /** The sort key: Unix milliseconds, or the position in a section. */
  readonly value: number
  readonly id: string | null
}

/** The order of a page: oldest first, or newest first. */
export type SortDirection = "asc" | "desc"

const textOf = (kind: CursorKind, value: number): string =>
  kind === "time" ? new Date(value).toISOString() : String(value)

/** The position after a thread. */
export const behind = (value: number, id: string, kind: CursorKind = "time"): string => `${textOf(kind, value)}|${id}`

/**
 * The position from which the other direction begins with the thread. `direction` is that of its page. With the thread's id it
 * is a position in a section, else a time.
 */
export const backTo = (value: number, direction: SortDirection, id?: string): string => {
  const before = direction === "desc" ? value - 1 : value + 1
  return id === undefined ? textOf("time", before) : `${textOf("position", before)}|${id}`
}

const timestamp =
  /^(?<day>\d{4}-\d\d-\d\d)[Tt ](?<time>[01]\d:[0-5]\d:[0-5]\d|2[0-3]:[0-5]\d:[0-5]\d)(?<fraction>\.\d{1,9})?(?<zone>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** The time format in names of rollout files. */
const inFileName = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)$/

/** NaN for text that is no time and for a day that does not exist. */
const millisOf = (text: string): number => {
  const {
    day = "",
    fraction = "",
    time = "",
    zone = ""
  } = timestamp.exec(text.replace(inFileName, "$1:$2:$3Z"))?.groups ?? {}
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return Number.NaN
  return Date.parse(`${day}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`)
}

/** NaN for text that is no position. */
const positionOf = (text: string): number => (/^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN)

/** Undefined when the text is not a cursor of this kind. */
export const parse = (text: string, kind: CursorKind = "time"): ThreadCursor | undefined => {
  const bar = text.indexOf("|")
  const value = (kind === "time" ? millisOf : positionOf)(bar === -1 ? text : text.slice(0, bar))
  if (Number.isNaN(value) || (kind === "position" && bar === -1)) return undefined
  return { value, id: bar === -1 ? null : text.slice(bar + 1) }
}

/** Whether a thread comes after the position in a list sorted by a value, then by id. */
export const isAfter = (value: number, id: string, cursor: ThreadCursor, direction: SortDirection): boolean => {
  const ascending = value - cursor.value || (cursor.id === null || id === cursor.id ? 0 : id < cursor.id ? -1 : 1)
  return direction === "asc" ? ascending > 0 : ascending < 0
}
