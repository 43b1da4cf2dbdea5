/**
 * The position at which the next page of threads begins. The text is that of the release: `<time>|<thread id>` after the
 * last thread of a page, and a bare time, a millisecond before the first, for the way back, so that a page read backwards
 * begins with its anchor.
 *
 * @module
 */

/** A position between threads. Without an id it is before or after all threads of that time. */
export interface ThreadCursor {
  /** The sort key, in Unix milliseconds. */
  readonly millis: number
  readonly id: string | null
}

/** The order of a page: oldest first, or newest first. */
export type SortDirection = "asc" | "desc"

/** The position after a thread. */
export const behind = (millis: number, id: string): string => `${new Date(millis).toISOString()}|${id}`

/** The position from which the other direction begins with the thread. `direction` is that of its page. */
export const backTo = (millis: number, direction: SortDirection): string =>
  new Date(direction === "desc" ? millis - 1 : millis + 1).toISOString()

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

/** Undefined when the text is not a cursor. */
export const parse = (text: string): ThreadCursor | undefined => {
  const bar = text.indexOf("|")
  const millis = millisOf(bar === -1 ? text : text.slice(0, bar))
  return Number.isNaN(millis) ? undefined : { millis, id: bar === -1 ? null : text.slice(bar + 1) }
}

/** Whether a thread comes after the position in a list sorted by time, then by id. */
export const isAfter = (millis: number, id: string, cursor: ThreadCursor, direction: SortDirection): boolean => {
  const ascending = millis - cursor.millis || (cursor.id === null || id === cursor.id ? 0 : id < cursor.id ? -1 : 1)
  return direction === "asc" ? ascending > 0 : ascending < 0
}
