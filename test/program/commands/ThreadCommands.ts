/**
 * Runs of `spindle threads` in this process, on a home of its own that a test fills.
 *
 * @module
 */
import { it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import type { Program } from "../../../src/program/commands/ThreadsCommand.ts"
import * as Screen from "../../../src/program/console/Console.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { home as emptyHome, open } from "../../layers/stores/Homes.ts"
import { type Shown, typing } from "./Typing.ts"

export const at = 1_700_000_000_000

export const idOf = (number: number): string => `0198c0de-${String(number).padStart(4, "0")}-7000-8000-000000000001`

/** A home with these threads. */
export const homeOf = (threads: ReadonlyArray<ReadonlyArray<ThreadEvent>>) =>
  Effect.gen(function* () {
    const path = yield* emptyHome
    const store = yield* open(path)
    for (const events of threads) {
      const [first] = events
      if (first?._tag === "Created") yield* store.append(first.origin.id, 0, events)
    }
    return Fs.realpathSync(path)
  })

export const filesIn = (home: string): ReadonlyArray<string> =>
  Fs.readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((path) => Path.basename(path).startsWith("rollout-"))
    .map((path) => Path.join(home, path))
    .toSorted()

export interface Place {
  /** Whether the output is a terminal. */
  readonly isTerminal?: boolean
  /** The lines that the user types; without them there is no user to ask. */
  readonly typed?: ReadonlyArray<string>
  /** Lines of config.toml. */
  readonly config?: string
}

/** Runs a command like the command line does. */
export const threads = (home: string, program: Program, place: Place = {}): Effect.Effect<Shown> => {
  const written: Array<Screen.Written> = []
  const nowhere = Path.join(home, "nowhere")
  if (place.config !== undefined) Fs.writeFileSync(Path.join(home, "config.toml"), place.config)
  const text = (stream: "err" | "out") =>
    written.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join("")
  return program({
    home,
    loader: { systemConfigFile: nowhere, managedConfigFile: nowhere, requirementsFile: nowhere }
  }).pipe(
    Effect.provide(
      Screen.layerTest({
        written,
        terminals: place.isTerminal === true ? ["out", "err"] : [],
        canAsk: place.typed !== undefined
      })
    ),
    Effect.provide(typing(place.typed ?? [])),
    Effect.provide([NodeSmallFiles.layer, NodeServices.layer]),
    Effect.map((code) => ({ code, out: text("out"), err: text("err") }))
  )
}

export const test = (name: string, run: Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(run), 60_000)
