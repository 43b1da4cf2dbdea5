/**
 * Compares which commands run, ask for approval, are confined or are refused with the released server, case by case.
 *
 * Each case runs on both servers with the same model. This server must not run what the release asks about or refuses, must
 * not apply settings that the release would not, and must not expose a variable that the release withholds. It may be
 * stricter in the reviewed ways.
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

/** The number of servers that run concurrently. */
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

/** The number of cases per kind of strictness. */
const summary = (results: ReadonlyArray<Compared>): string => {
  const met = results.flatMap((one) => stricter(one).map((what) => kindOf(one, what)?.name ?? "not reviewed"))
  const counts = kinds.map(({ name, reason }) => `  ${met.filter((kind) => kind === name).length} ${name}: ${reason}`)
  return [`${results.length} cases; where this server is stricter than the release:`, ...counts].join("\n")
}

const hindrance = obstacle()

/** The cases that this machine can run: system files need a private view of the file system. */
const possible = hindrance === undefined ? cases : cases.filter(({ world }) => world.system === undefined)

const missing = cases.length - possible.length

const without = missing === 0 ? "" : ` (NOT compared in ${missing} cases of the system's files: ${hindrance})`

describe("a command in any form, allowed in any way", () => {
  it("has enough cases, with unique names", () => {
    assert.isAtLeast(possible.length, 150)
    assert.lengthOf(new Set(cases.map(({ name }) => name)), cases.length)
  })

  it.live(
    `does not run when the release would not run it${without}`,
    () =>
      Effect.gen(function* () {
        const results = yield* compareAll(possible)
        yield* Console.log(summary(results))
        assert.lengthOf(results, possible.length)
        const listed = (differences: (one: Compared) => ReadonlyArray<string>) =>
          results.flatMap((one) =>
            differences(one).length === 0 ? [] : [`${one.case.name}: ${differences(one).join("; ")}`]
          )
        assert.deepStrictEqual(listed(looser), [])
        assert.deepStrictEqual(
          listed((one) => [fault(one) ?? []].flat()),
          []
        )
        assert.deepStrictEqual(
          listed((one) => stricter(one).filter((what) => kindOf(one, what) === undefined)),
          []
        )
      }),
    2_400_000
  )
})
