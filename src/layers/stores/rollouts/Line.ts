/**
 * One line of a rollout file.
 *
 * A line is a JSON object with a time, a type and a payload. Owns the envelope: its parsing and its text. Does not own what
 * the types mean (`Decode`, `Encode`). The member `spindle` is this server's: the release ignores members that it does not
 * know, and keeps them.
 *
 * @module
 */
import { ThreadEventVersion } from "../../../services/thread/ThreadEvent.ts"

/** The type of lines that hold an event for which the release has no line. The release skips them. */
export const OwnType = "spindle_event"

/** What the release's form of an event loses. */
export interface Carried {
  /** The version of the events, as in `ThreadEventVersion`. */
  readonly v: number
  /** 0 when the line is for the release only and no event of this server. */
  readonly events?: 0
  /** The difference between the event that the line decodes to and the event that was stored (`Patch`). */
  readonly patch?: unknown
}

/** A parsed line. */
export interface Line {
  readonly timestamp: string
  /** Absent in legacy files. */
  readonly ordinal?: number
  readonly spindle?: Carried
  readonly type: string
  readonly payload: unknown
}

/** The line was written by a later version of this server. */
export class LaterVersion extends Error {
  constructor(version: unknown) {
    super(
      `the thread has events of version ${String(version)}, but this server reads up to version ${ThreadEventVersion}; use the server that wrote them`
    )
  }
}

/** Whether a value is an object that is not an array. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Throws for a version that this server does not read. */
export const checkVersion = (version: unknown): void => {
  if (typeof version !== "number" || !(version <= ThreadEventVersion)) throw new LaterVersion(version)
}

const carriedIn = (value: unknown): Carried | undefined => {
  if (!isRecord(value)) return undefined
  checkVersion(value["v"])
  return value as unknown as Carried
}

/** Undefined for text that is not a line: torn or corrupt. Throws `LaterVersion`. */
export const parse = (text: string): Line | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { ordinal, payload, spindle, timestamp, type } = value
  if (typeof type !== "string") return undefined
  const carried = carriedIn(spindle)
  return {
    timestamp: typeof timestamp === "string" ? timestamp : "",
    ...(typeof ordinal === "number" && Number.isSafeInteger(ordinal) ? { ordinal } : {}),
    ...(carried === undefined ? {} : { spindle: carried }),
    type,
    payload: payload ?? null
  }
}

/** The text of a line, with its line feed. */
export const toText = (line: Line): string => `${JSON.stringify(line)}\n`

/** The latest time that the text form of the release can hold. */
const MaxTime = Date.UTC(9999, 11, 31)

/** Whether the text of a time is the same time again. */
export const isRepresentable = (at: number): boolean => Number.isInteger(at) && at >= 0 && at <= MaxTime

/** The text of a time in Unix milliseconds; a time outside of the years 0 to 9999 becomes 1970. */
export const timestampOf = (at: number): string => new Date(at >= 0 && at <= MaxTime ? at : 0).toISOString()

/** Unix milliseconds; 0 for text that is no time. */
export const millisOf = (timestamp: string): number => {
  const millis = Date.parse(timestamp)
  return Number.isNaN(millis) ? 0 : millis
}
