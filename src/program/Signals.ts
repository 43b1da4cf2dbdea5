/**
 * What a run does about signals besides ending: who asks twice does not want to wait.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { ExitCode } from "./commands/Exec.ts"

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

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP"

/** As many as a person sends who has lost patience; older ones say nothing that the newer ones do not. */
const MaxUnread = 16

/** Signals as they come, while the scope lasts. `Main` interrupts the program by the first all the same. */
export const received = Effect.gen(function* () {
  const signals = yield* Queue.sliding<Signal>(MaxUnread)
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const onSignal = () => void Queue.offerUnsafe(signals, signal)
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on(signal, onSignal)),
      () => Effect.sync(() => process.off(signal, onSignal))
    )
  }
  return Queue.asDequeue(signals)
})

/** A run that a signal cut short is not a success, as the end of a service would be: `Main` reads the code. */
export const interruptedEnd = Effect.sync(() => {
  process.exitCode = ExitCode.interrupted
})
