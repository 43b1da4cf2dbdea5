/**
 * What a run does about signals besides ending: who asks twice does not want to wait.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import { ExitCode } from "./Exec.ts"

/** The first signal ends a run in order, which takes a moment; from the second on the process just quits. */
export const secondQuits = Effect.acquireRelease(
  Effect.sync(() => {
    let asked = false
    const onSignal = () => {
      if (asked) process.exit(ExitCode.interrupted)
      asked = true
    }
    process.on("SIGINT", onSignal)
    process.on("SIGTERM", onSignal)
    return onSignal
  }),
  (onSignal) =>
    Effect.sync(() => {
      process.off("SIGINT", onSignal)
      process.off("SIGTERM", onSignal)
    })
)

/** A run that a signal cut short is not a success, as the end of a service would be: `Main` reads the code. */
export const interruptedEnd = Effect.sync(() => {
  process.exitCode = ExitCode.interrupted
})
