/**
 * The program's logs, always on stderr: logfmt lines for a service, plain lines for a run.
 *
 * Best effort: lines are lost when stderr fails or is not read, without any other effect (Stderr).
 *
 * Owns `LOG_FORMAT` and `SPINDLE_LOG`. Lines are annotated with their connection, thread and turn where these are known. The
 * content of threads is never logged.
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

/** The cause as text; errors without a message for users are shortened to their first line. */
const causeOf = (cause: Cause.Cause<unknown>): string => {
  const [first = ""] = cause.reasons.length === 0 ? [] : Cause.pretty(cause).split("\n", 1)
  return first === "" ? "" : ` (${first})`
}

/** `warning: what happened (why)`. */
export const plain = Logger.make<unknown, string>(({ cause, logLevel, message }) => {
  const text = Array.isArray(message) ? message.join(" ") : String(message)
  return `${logLevel === "Warn" ? "warning" : logLevel.toLowerCase()}: ${text}${causeOf(cause)}`
})

/** The values of `SPINDLE_LOG`; each level includes the ones after it. */
const levels: ReadonlyMap<string, LogLevel> = new Map([
  ["debug", "Debug"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["error", "Error"]
])

/** Environment variables of a process. */
type Environment = Readonly<Record<string, string | undefined>>

const levelOf = (environment: Environment): Layer.Layer<never> => {
  const word = environment["SPINDLE_LOG"] ?? ""
  const known = levels.get(word.toLowerCase())
  if (known !== undefined) return Layer.succeed(References.MinimumLogLevel, known)
  if (word === "") return Layer.empty
  return Layer.effectDiscard(
    Effect.logWarning(`SPINDLE_LOG must be one of ${Array.from(levels.keys()).join(", ")}; using info`)
  )
}

/** `LOG_FORMAT=json` selects one JSON object per line instead of the default format. */
export const make = (environment: Environment, usual: Logger.Logger<unknown, string>): Layer.Layer<never> =>
  Layer.suspend(() => {
    const format = environment["LOG_FORMAT"] === "json" ? Logger.formatJson : usual
    return Layer.provideMerge(levelOf(environment), Logger.layer([Logger.withConsoleError(format)]))
  })

/** Logging must neither block nor end the program: lines that stderr does not accept are dropped. */
const bestEffort = Layer.succeed(Console, Stderr.console)

/** For a service. */
export const layer: Layer.Layer<never> = Layer.provideMerge(make(process.env, Logger.formatLogFmt), bestEffort)

/** For a run on a terminal. */
export const layerPlain: Layer.Layer<never> = Layer.provideMerge(make(process.env, plain), bestEffort)
