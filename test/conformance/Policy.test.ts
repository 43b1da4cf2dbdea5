/**
 * What runs, and what is asked about, kept back or refused: this server held against the released one, case by case.
 *
 * Each case goes to both servers, with the same model behind them. Nothing may run here that the release asks about or
 * refuses, no settings may be in force that it would not have, and no variable may be seen that it keeps back. This server may
 * be stricter in the ways that are reviewed.
 */
import { fileURLToPath } from "node:url"
import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { cases } from "./policy/All.ts"
import { byWorld, type Case } from "./policy/Case.ts"
import { type Compared, compared, fault, looser, stricter } from "./policy/Compare.ts"
import { obstacle } from "./policy/Namespace.ts"
import { kindOf, kinds } from "./policy/Reviewed.ts"
import { run, type Subject } from "./policy/Run.ts"
import { binary } from "./Release.ts"

/** How many servers run at once. */
const servers = 4

const released: Subject = [binary(), "app-server"]

const own: Subject = [process.execPath, fileURLToPath(new URL("../../dist/main.js", import.meta.url)), "app-server"]

/** Both outcomes of every case. */
const compareAll = Effect.fnUntraced(function* (all: ReadonlyArray<Case>) {
  const groups = byWorld(all)
  const runs = groups.flatMap(([world, group]) => [run(released, world, group), run(own, world, group)])
  const outcomes = yield* Effect.all(runs, { concurrency: servers })
  return groups.flatMap(([, group], index) =>
    group.flatMap((one, number): ReadonlyArray<Compared> => {
      const [there, here] = [outcomes[2 * index]?.[number], outcomes[2 * index + 1]?.[number]]
      return there === undefined || here === undefined ? [] : [compared(one, there, here)]
    })
  )
})

/** How often each kind of strictness was met. */
const summary = (results: ReadonlyArray<Compared>): string => {
  const met = results.flatMap((one) => stricter(one).map((what) => kindOf(one, what)?.name ?? "not reviewed"))
  const counts = kinds.map(({ name, reason }) => `  ${met.filter((kind) => kind === name).length} ${name}: ${reason}`)
  return [`${results.length} cases; where this server is stricter than the release:`, ...counts].join("\n")
}

const hindrance = obstacle()

/** Those that this machine can run: files of the system need a view of the file system of one's own. */
const possible = hindrance === undefined ? cases : cases.filter(({ world }) => world.system === undefined)

const missing = cases.length - possible.length

const without = missing === 0 ? "" : ` (NOT compared in ${missing} cases of the system's files: ${hindrance})`

describe("a command, whatever it is and whoever allows it", () => {
  it("has cases enough, each with a name of its own", () => {
    assert.isAtLeast(possible.length, 150)
    assert.lengthOf(new Set(cases.map(({ name }) => name)), cases.length)
  })

  it.live(
    `does not run where the release would not run it${without}`,
    () =>
      Effect.gen(function* () {
        const results = yield* compareAll(possible)
        yield* Console.log(summary(results))
        assert.lengthOf(results, possible.length)
        const said = (say: (one: Compared) => ReadonlyArray<string>) =>
          results.flatMap((one) => (say(one).length === 0 ? [] : [`${one.case.name}: ${say(one).join("; ")}`]))
        assert.deepStrictEqual(said(looser), [])
        assert.deepStrictEqual(
          said((one) => [fault(one) ?? []].flat()),
          []
        )
        assert.deepStrictEqual(
          said((one) => stricter(one).filter((what) => kindOf(one, what) === undefined)),
          []
        )
      }),
    900_000
  )
})
