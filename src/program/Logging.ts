/**
 * Where the program's own words go: to stderr, always. Lines to search through for a service, plain ones beside a run.
 *
 * Best effort: a stderr that fails or is not read loses lines, and nothing else happens (Stderr).
 *
 * Owns `LOG_FORMAT` and `SPINDLE_LOG`. What a line is about (connection, thread, turn) is annotated where it is known; what
 * was said in a thread is never logged.
 *
 * @module
 */
import process from "node:process"
import * as Cause from "effect/Cause"
import { Console } from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import * as Stderr from "./console/Stderr.ts"

/** Errors that are not for the reader's eyes are shortened to their first line. */
const causeOf = (cause: Cause.Cause<unknown>): string => {
  const [first = ""] = cause.reasons.length === 0 ? [] : Cause.pretty(cause).split("\n", 1)
  return first === "" ? "" : ` (${first})`
}

/** `warning: what happened (why)`. */
export const plain = Logger.make<unknown, string>(({ cause, logLevel, message }) => {
  const text = Array.isArray(message) ? message.join(" ") : String(message)
  return `${logLevel === "Warn" ? "warning" : logLevel.toLowerCase()}: ${text}${causeOf(cause)}`
})

/** The words of `SPINDLE_LOG`; each level has those after it too. */
const levels: ReadonlyMap<string, LogLevel> = new Map([
  ["debug", "Debug"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["error", "Error"]
])

/** Variables of a process. */
type Environment = Readonly<Record<string, string | undefined>>

const levelOf = (environment: Environment): Layer.Layer<never> => {
  const word = environment["SPINDLE_LOG"] ?? ""
  const known = levels.get(word.toLowerCase())
  if (known !== undefined) return Layer.succeed(References.MinimumLogLevel, known)
  if (word === "") return Layer.empty
  return Layer.effectDiscard(
    Effect.logWarning(`SPINDLE_LOG is none of ${Array.from(levels.keys()).join(", ")}; info is used`)
  )
}

/** `LOG_FORMAT=json` gives one JSON object per line, whatever is usual. */
export const make = (environment: Environment, usual: Logger.Logger<unknown, string>): Layer.Layer<never> =>
  Layer.suspend(() => {
    const format = environment["LOG_FORMAT"] === "json" ? Logger.formatJson : usual
    return Layer.provideMerge(levelOf(environment), Logger.layer([Logger.withConsoleError(format)]))
  })

/** Logging must neither stop nor end the program: lines that stderr does not take are dropped. */
const bestEffort = Layer.succeed(Console, Stderr.console)

/** For a service. */
export const layer: Layer.Layer<never> = Layer.provideMerge(make(process.env, Logger.formatLogFmt), bestEffort)

/** For a run that a person watches. */
export const layerPlain: Layer.Layer<never> = Layer.provideMerge(make(process.env, plain), bestEffort)
