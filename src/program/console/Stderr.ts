/**
 * The process's standard error for what nobody has to read: logs and announcements.
 *
 * Owns that such lines never hold up nor end the program: a stream that fails (a full disk, a reader that has gone) is
 * written to in vain, and lines are dropped, and counted, while a reader is too far behind. Does not own what a run shows to
 * the person in front of it (Screen).
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

/** Bytes that wait for a reader who is behind, beside what the system keeps in a pipe (64 KiB on Linux). */
export const MaxBacklog = 256 * 1024

export interface BestEffort {
  /** Writes a line, or drops it. Never throws, never waits. */
  readonly line: (text: string) => void
  /** Calls `done` when everything is written or lost, at once where nothing waits. */
  readonly settled: (done: () => void) => void
}

const nothing = () => undefined

/** Lines to a stream that is asked for with the first of them: a quiet program does not open it. */
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

/** How long the end of the program waits for a reader of what was logged, in milliseconds. */
const LastWords = 500

/**
 * The end of the program: gives a reader of stderr a moment. `exit` gets the code as ever; where the reader is stuck, what
 * is left to write would keep the process, which then ends by force once stdout is written.
 */
export const finish = (code: number, exit: (code: number) => void): void => {
  const stuck = setTimeout(() => process.stdout.write("", () => process.exit(code)), LastWords)
  stderr.settled(() => {
    clearTimeout(stuck)
    exit(code)
  })
}

/** A console whose errors are such lines. */
export const console: Console = { ...globalThis.console, error: (...words) => line(words.map(String).join(" ")) }
