import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Gc from "../../../src/program/commands/threads/Gc.ts"
import * as Home from "../../../src/program/commands/threads/Home.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { open } from "../../layers/stores/Homes.ts"
import { at, filesIn, homeOf, idOf, type Place, test, threads } from "./ThreadCommands.ts"

const thread = (number: number, text = `message ${number}`) => [
  created(idOf(number), { createdAt: at / 1000 + number }),
  ...turnEvents(`u${number}`, at + number * 1000, text, "answer")
]

const gc = (home: string, dryRun: boolean, config: string, place: Place = {}) =>
  threads(home, (options) => Home.run(options, Gc.run(dryRun)), { ...place, config: `[spindle]\n${config}\n` })

/** Sets the times of the files to those of their threads. */
const aged = (home: string) => {
  for (const [index, file] of filesIn(home).entries()) Fs.utimesSync(file, at / 1000 + index, at / 1000 + index)
}

const line = (home: string, verb: string, limit: string, number: number, title: string) => {
  const file = filesIn(home)[number - 1] ?? ""
  const { mtimeMs, size } = Fs.statSync(file)
  return `${verb}\t${idOf(number)}\t${limit}\t${new Date(mtimeMs).toISOString()}\t${size}\t${title}\n`
}

describe("spindle threads gc", () => {
  test(
    "prints what the limits would remove, then removes it",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1, "one\u001b[31m"), thread(2), thread(3)])
      aged(home)
      const days = "retention_days = 30"
      const excess = ["one", "message 2", "message 3"].map((title, index) =>
        line(home, "excess", "age", index + 1, title)
      )
      const dry = yield* gc(home, true, days)
      assert.deepStrictEqual([dry.code, dry.out], [0, excess.join("")])
      assert.match(dry.err, /^3 threads would be removed, \d\.\d KiB\n$/)
      assert.strictEqual(filesIn(home).length, 3)
      const first = line(home, "removed", "count", 1, "one")
      const one = yield* gc(home, false, "retention_threads = 2")
      assert.deepStrictEqual([one.code, one.out], [0, first])
      assert.match(one.err, /^1 thread removed, \d\.\d KiB\n$/)
      assert.strictEqual(filesIn(home).length, 2)
      const nothing = yield* gc(home, false, "retention_size_mb = 1")
      assert.deepStrictEqual(nothing, { code: 0, out: "", err: "0 threads removed, 0 B\n" })
    })
  )

  test(
    "keeps a thread that is in use, and says so",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1), thread(2)])
      aged(home)
      const claim = (yield* open(home)).claim ?? (() => Effect.die("no claim"))
      yield* claim(idOf(1), false)
      aged(home)
      const second = line(home, "removed", "age", 2, "message 2")
      const shown = yield* gc(home, false, "retention_days = 1")
      assert.deepStrictEqual([shown.code, shown.out], [0, second])
      assert.match(
        shown.err,
        new RegExp(`^kept ${idOf(1)}: another program has it open\\n1 thread removed, \\d\\.\\d KiB\\n$`)
      )
    })
  )

  test(
    "refuses to work without a limit, and with a configuration that cannot be read",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1)])
      aged(home)
      const unset = yield* gc(home, false, "retention_days = 0")
      assert.deepStrictEqual(unset, {
        code: 2,
        out: "",
        err:
          "error: No limit is set. Set retention_days, retention_threads or retention_size_mb in the table [spindle] of\n" +
          "config.toml, or pass one: -c spindle.retention_days=90\n"
      })
      for (const wrong of [
        "retention_days = -1",
        'retention_days = "1"',
        "retention_days = 0.5",
        "retention_days = ["
      ]) {
        const { code, err, out } = yield* gc(home, false, wrong)
        assert.deepStrictEqual([code, out], [1, ""], wrong)
        assert.isTrue(err.startsWith("error: "), err)
      }
      assert.strictEqual(filesIn(home).length, 1)
    })
  )

  test(
    "prints a table on a terminal",
    Effect.gen(function* () {
      const home = yield* homeOf([thread(1, `${"long ".repeat(20)}\u0007`)])
      aged(home)
      const { out } = yield* gc(home, true, "retention_days = 1", { isTerminal: true })
      assert.match(out, /^excess {2}0198c0de-0001 {2}\d{4}-\d\d-\d\d \d\d:\d\d +\d\.\d KiB {2}age {4}long [long ]+…\n$/)
      assert.isAtMost(out.length, 81)
    })
  )
})
