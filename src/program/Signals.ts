/**
 * Signal handling of a run: a second signal ends it immediately.
 *
 * @module
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { ExitCode } from "./commands/Exec.ts"

/** The first signal ends a run in order. A further signal exits the process immediately. */
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

/** Maximum number of buffered signals. Older ones carry no more information than newer ones. */
const MaxUnread = 16

/** The received signals, within the scope. `Main` still interrupts the program at the first. */
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

/** Sets a failure code for a run that was cut short by a signal, unlike the end of a service. `Main` reads the code. */
export const interruptedEnd = Effect.sync(() => {
  process.exitCode = ExitCode.interrupted
})
