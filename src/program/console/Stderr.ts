/**
 * Best-effort output on standard error, for logs and announcements.
 *
 * Owns that such lines never block or end the program: when the stream fails (a full disk, a reader that has gone), writes
 * are ignored; while a reader is too far behind, lines are dropped and counted. Does not own a run's output to the user
 * (Console).
 *
 * @module
 */
import process from "node:process"

/** The part of a stream that is used; `process.stderr` in the program. */
export interface Target {
  readonly writableLength: number
  readonly write: (text: string, done?: (error?: Error | null) => void) => boolean
  readonly on: (event: "error", listener: (error: Error) => void) => unknown
}

/** Limit in bytes on lines that wait for a slow reader, besides the system's pipe buffer (64 KiB on Linux). */
export const MaxBacklog = 256 * 1024

export interface BestEffort {
  /** Writes a line, or drops it. Never throws, never waits. */
  readonly line: (text: string) => void
  /** Calls `done` when everything is written or lost, immediately when nothing waits. */
  readonly settled: (done: () => void) => void
}

const nothing = () => undefined

/** Lines to a stream that is opened with the first of them: a program without output does not open it. */
export const make = (open: () => Target): BestEffort => {
  let target: Target | undefined
  let dropped = 0
  const opened = (): Target => {
    if (target === undefined) {
      target = open()
      target.on("error", nothing)
    }
    return target
  }
  return {
    line: (text) => {
      const stream = opened()
      if (stream.writableLength + text.length > MaxBacklog) {
        dropped++
        return
      }
      const missing = dropped === 0 ? "" : `${dropped} log line(s) dropped: standard error was not read\n`
      dropped = 0
      stream.write(`${missing}${text}\n`, nothing)
    },
    settled: (done) => {
      if (target === undefined || target.writableLength === 0) done()
      else target.write("", () => done())
    }
  }
}

const stderr = make(() => process.stderr)

export const { line } = stderr

/** How long the end of the program waits for a reader of stderr, in milliseconds. */
const DrainGrace = 500

/**
 * The end of the program: gives a reader of stderr some time. `exit` gets the code. If the reader is stuck, pending writes
 * would keep the process alive, so it is ended by force once stdout is written.
 */
export const finish = (code: number, exit: (code: number) => void): void => {
  const stuck = setTimeout(() => process.stdout.write("", () => process.exit(code)), DrainGrace)
  stderr.settled(() => {
    clearTimeout(stuck)
    exit(code)
  })
}

/** A console whose errors are such lines. */
export const console: Console = { ...globalThis.console, error: (...parts) => line(parts.map(String).join(" ")) }
