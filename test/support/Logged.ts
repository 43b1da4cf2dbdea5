/**
 * The log of an effect, as text.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

/** Runs with a logger that keeps every line with its cause. */
export const logged = <A, E, R>(run: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(
      ({ cause, message }) => void lines.push([message, Cause.pretty(cause)].flat().join(" ").trim())
    )
    return Effect.provide(run(lines), Logger.layer([logger]))
  })
