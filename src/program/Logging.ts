/**
 * Where the program's own words go: to stderr, always. Lines to search through for a service, plain ones beside a run.
 *
 * @module
 */
import process from "node:process"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

/** Errors that are not for the reader's eyes are shortened to their first line. */
const causeOf = (cause: Cause.Cause<unknown>): string => {
  const [first = ""] = cause.reasons.length === 0 ? [] : Cause.pretty(cause).split("\n", 1)
  return first === "" ? "" : ` (${first})`
}

const plain = Logger.make<unknown, string>(({ cause, logLevel, message }) => {
  const text = Array.isArray(message) ? message.join(" ") : String(message)
  return `${logLevel === "Warn" ? "warning" : logLevel.toLowerCase()}: ${text}${causeOf(cause)}`
})

/** `LOG_FORMAT=json` gives one JSON object per line. */
const make = (usual: Logger.Logger<unknown, string>): Layer.Layer<never> =>
  Layer.unwrap(
    Effect.sync(() => {
      const format = process.env["LOG_FORMAT"] === "json" ? Logger.formatJson : usual
      return Logger.layer([Logger.withConsoleError(format)])
    })
  )

/** For a service. */
export const layer: Layer.Layer<never> = make(Logger.formatLogFmt)

/** For a run that a person watches. */
export const layerPlain: Layer.Layer<never> = make(plain)
