/**
 * Runs the command of a hook: JSON on its input, a time limit, and the end of all its processes.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { userShell } from "../shell/UserShell.ts"
import { type Process, spawn } from "../shell/Process.ts"
import type { Read } from "../shell/Streams.ts"
import type { Marked } from "../shell/Watchdog.ts"
import type { Ended } from "./Output.ts"

/** Limit on the bytes that are kept of each output; the rest is read and dropped. */
const MaxOutput = 1024 * 1024

/** A command to run. */
export interface HookCommand {
  readonly command: string
  readonly input: unknown
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutSec: number
  readonly marked: Marked
}

/** Reads an output to its end. */
const all = Effect.fnUntraced(function* (read: Read) {
  const decoder = new TextDecoder()
  let [kept, bytes] = ["", 0]
  for (;;) {
    const chunk = yield* read
    if (chunk === undefined) return kept + decoder.decode()
    const room = chunk.subarray(0, MaxOutput - bytes)
    bytes += room.length
    if (room.length > 0) kept += decoder.decode(room, { stream: true })
  }
})

/** A hook need not read its input. */
const feed = (process: Process, input: unknown): Effect.Effect<void> =>
  process.input.write(new TextEncoder().encode(JSON.stringify(input))).pipe(
    Effect.andThen(process.input.end),
    Effect.catch(() => Effect.void)
  )

const exited = Effect.fnUntraced(function* (process: Process, input: unknown) {
  const ended = Effect.all([all(process.read), all(process.readErrors), process.exit], { concurrency: "unbounded" })
  const [[stdout, stderr, code]] = yield* Effect.all([ended, feed(process, input)], { concurrency: "unbounded" })
  return { _tag: "Exited" as const, code, stdout, stderr }
})

/** Runs it through the user's shell. Its processes have ended when this returns. */
export const runHook = (hook: HookCommand): Effect.Effect<Ended> => {
  const command = { executable: userShell(), args: ["-c", hook.command], cwd: hook.cwd, env: hook.environment }
  return Effect.scoped(
    Effect.flatMap(spawn(command, hook.marked, { type: "separate", input: true }), (process) =>
      Effect.timeoutOrElse(
        Effect.map(exited(process, hook.input), (ended): Ended => ended),
        {
          duration: hook.timeoutSec * 1000,
          orElse: (): Effect.Effect<Ended> =>
            Effect.succeed({ _tag: "Failed", reason: `hook timed out after ${hook.timeoutSec}s` })
        }
      )
    )
  ).pipe(Effect.catch((error): Effect.Effect<Ended> => Effect.succeed({ _tag: "Failed", reason: error.message })))
}
