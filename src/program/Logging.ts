/**
 * Where the program's own words go: to stderr, always. Plain lines for people, JSON on request.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

/** `LOG_FORMAT=json` gives one JSON object per line. */
export const layer: Layer.Layer<never> = Layer.unwrap(
  Effect.sync(() => {
    const format = process.env["LOG_FORMAT"] === "json" ? Logger.formatJson : Logger.formatLogFmt
    return Logger.layer([Logger.withConsoleError(format)])
  })
)
