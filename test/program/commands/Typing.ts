/**
 * A user at the terminal of a command, and what a command leaves behind.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Terminal from "effect/Terminal"

/** The result of a command: its exit code and its output. */
export interface Shown {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A terminal on which a user types these lines and then ends the input. */
export const typing = (lines: ReadonlyArray<string>) => {
  const left = [...lines]
  return Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("not expected"),
      readInput: Effect.die("not expected"),
      readLine: Effect.suspend(() => {
        const line = left.shift()
        return line === undefined ? Effect.fail(new Terminal.QuitError({})) : Effect.succeed(line)
      }),
      display: () => Effect.void
    })
  )
}
