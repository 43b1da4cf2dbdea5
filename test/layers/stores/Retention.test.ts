import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Rollouts from "../../../src/layers/stores/Rollouts.ts"
import * as Retention from "../../../src/layers/stores/rollouts/Retention.ts"
import * as RetentionService from "../../../src/layers/stores/rollouts/RetentionService.ts"
import { DayMillis } from "../../../src/layers/stores/rollouts/RetentionPolicy.ts"
import * as Store from "../../../src/layers/stores/rollouts/Store.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { home } from "./Homes.ts"

const at = 1_700_000_000_000
const now = at + 100 * DayMillis

const idOf = (number: number): string => `0198c0de-${String(number).padStart(4, "0")}-7000-8000-000000000001`

const open = (path: string) =>
  Effect.map(Layer.build(Store.layer({ home: path })), (context) => Context.get(context, ThreadStore))

const events = (number: number, day: number) => [
  created(idOf(number), { createdAt: at / 1000 + number }),
  ...turnEvents(`u${number}`, at + day * DayMillis, "question", "answer")
]

const filesIn = (path: string): ReadonlyArray<string> =>
  Fs.readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((file) => Path.basename(file).startsWith("rollout-"))
    .map((file) => Path.join(path, file))
    .toSorted()

/** A home with threads whose files changed last on these days. */
const homeOf = (...days: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const path = yield* home
    const store = yield* open(path)
    for (const [index, day] of days.entries()) {
      yield* store.append(idOf(index + 1), 0, events(index + 1, day))
      const time = (at + day * DayMillis) / 1000 + 2
      Fs.utimesSync(filesIn(path)[index] ?? "", time, time)
    }
    return path
  })

const left = (path: string) => filesIn(path).map((file) => Number(/0198c0de-(\d+)/.exec(file)?.[1]))

/** Makes the file of a thread refer to the file of another one, as forks of the release do. */
const refer = (file: string, source: string, id: string) => {
  const { atime, mtime } = Fs.statSync(file)
  const [head = "", ...rest] = Fs.readFileSync(file, "utf8").split("\n")
  const meta = JSON.parse(head)
  const end = { end_byte_offset: Fs.statSync(source).size, end_ordinal_exclusive: 100 }
  meta.payload.history_base = { thread_id: id, ...end }
  Fs.writeFileSync(file, [JSON.stringify(meta), ...rest].join("\n"))
  Fs.utimesSync(file, atime, mtime)
}

const none = { days: null, threads: null, bytes: null }

/** The outcome for each thread over a limit. */
const pass = Effect.fnUntraced(function* (path: string, policy: Partial<typeof none | { readonly days: number }>) {
  const retention = yield* Retention.make(path)
  const excess = yield* retention.excess({ ...none, ...policy }, now)
  const outcomes: Array<string> = []
  for (const one of excess) outcomes.push(`${Number(one.thread.id.slice(9, 13))} ${yield* retention.remove(one)}`)
  return outcomes
})

describe("the removal of threads over a limit", () => {
  it.live("removes their files, and keeps what has a lock", () =>
    Effect.gen(function* () {
      const path = yield* homeOf(10, 20, 90)
      const claim = (yield* open(path)).claim ?? (() => Effect.die("no claim"))
      const release = yield* claim(idOf(1), false)
      assert.deepStrictEqual(yield* pass(path, { days: 50 }), ["1 used", "2 removed"])
      yield* release
      assert.deepStrictEqual(yield* pass(path, { days: 50 }), ["1 removed"])
      assert.deepStrictEqual(left(path), [3])
      assert.deepStrictEqual(Fs.readdirSync(Path.join(path, "thread-writer-locks")), [".coordination.lock"])
    })
  )

  it.live(
    "keeps a thread that has changed since it was chosen, and one whose file has an older time than its lines",
    () =>
      Effect.gen(function* () {
        const path = yield* homeOf(10, 20, 95)
        const [, , recent = ""] = filesIn(path)
        Fs.utimesSync(recent, at / 1000, at / 1000)
        const retention = yield* Retention.make(path)
        const excess = yield* retention.excess({ ...none, days: 50 }, now)
        yield* (yield* open(path)).append(idOf(1), events(1, 10).length, turnEvents("v", now, "more", "yes"))
        const outcomes = yield* Effect.forEach(excess, (one) =>
          Effect.map(retention.remove(one), (outcome) => [one.thread.id, outcome])
        )
        assert.deepStrictEqual(outcomes, [
          [idOf(3), "changed"],
          [idOf(1), "changed"],
          [idOf(2), "removed"]
        ])
        assert.deepStrictEqual(left(path), [1, 3])
      })
  )

  it.live("keeps what a fork refers to until the fork goes, also a fork that appears meanwhile", () =>
    Effect.gen(function* () {
      const path = yield* homeOf(10, 90, 15, 91)
      const [first = "", second = "", third = "", fourth = ""] = filesIn(path)
      refer(second, first, idOf(1))
      const retention = yield* Retention.make(path)
      const excess = yield* retention.excess({ ...none, days: 50 }, now)
      assert.deepStrictEqual(
        excess.map(({ thread }) => thread.id),
        [idOf(3)]
      )
      // A fork with a new name, as another program makes it.
      const copy = fourth.replace(idOf(4), idOf(5))
      Fs.copyFileSync(fourth, copy)
      refer(copy, third, idOf(3))
      assert.deepStrictEqual(yield* Effect.forEach(excess, retention.remove), ["referenced"])
      const late = yield* Retention.make(path)
      const all = yield* late.excess({ ...none, days: 5 }, now)
      const supposed = yield* Effect.forEach(all, (one) =>
        Effect.map(late.examine(one), (outcome) => `${one.thread.id.slice(12, 13)} ${outcome}`)
      )
      // The fork goes before its source; the third thread is kept for the new fork.
      assert.deepStrictEqual(supposed, ["2 removed", "1 removed", "4 removed"])
      assert.strictEqual(left(path).length, 5)
    })
  )

  it.live("keeps files that are not understood", () =>
    Effect.gen(function* () {
      const path = yield* homeOf(10, 11, 12, 13)
      const [corrupt = "", empty = "", later = ""] = filesIn(path)
      Fs.writeFileSync(corrupt, "{not json\n")
      Fs.writeFileSync(empty, "")
      const [head = "", ...rest] = Fs.readFileSync(later, "utf8").split("\n")
      Fs.writeFileSync(later, [JSON.stringify({ ...JSON.parse(head), spindle: { v: 99 } }), ...rest].join("\n"))
      for (const file of [corrupt, empty, later]) Fs.utimesSync(file, at / 1000, at / 1000)
      const outcomes = yield* pass(path, { days: 50 })
      assert.deepStrictEqual(outcomes, ["1 unreadable", "2 unreadable", "3 unreadable", "4 removed"])
      assert.deepStrictEqual(left(path), [1, 2, 3])
    })
  )

  it.live("never removes a thread that a server continues at the same time", () =>
    Effect.gen(function* () {
      const days = Array.from({ length: 40 }, () => 10)
      const path = yield* homeOf(...days)
      const server = yield* open(path)
      const retention = yield* Retention.make(path)
      const excess = yield* retention.excess({ ...none, days: 50 }, now)
      const claim = server.claim ?? (() => Effect.die("no claim"))
      /** Continues the thread, if it is still there. */
      const turn = (id: string) =>
        Effect.gen(function* () {
          const release = yield* claim(id, false)
          const { length } = yield* server.read(id, { from: 0, limit: 100 })
          if (length > 0) yield* server.append(id, length, turnEvents("v", now, "more", "yes"))
          yield* release
          return length > 0
        }).pipe(Effect.catch((error) => (error.reason === "locked" ? Effect.succeed(false) : Effect.fail(error))))
      let both = 0
      for (const [index, one] of excess.entries()) {
        const { id } = one.thread
        const removal = Effect.andThen(
          Effect.forEach(Array(index % 5), () => Effect.yieldNow),
          retention.remove(one)
        )
        const [continued, outcome] = yield* Effect.all([turn(id), removal], { concurrency: 2 })
        if (continued) both++
        assert.isFalse(continued && outcome === "removed", id)
        assert.strictEqual((yield* server.read(id, { from: 0, limit: 100 })).length > 0, outcome !== "removed", outcome)
      }
      assert.isAbove(both, 0)
    })
  )

  it.live("does nothing without a home and without a limit", () =>
    Effect.gen(function* () {
      const path = yield* homeOf(1)
      assert.deepStrictEqual(yield* pass(path, {}), [])
      assert.deepStrictEqual(yield* pass(Path.join(path, "nowhere"), { days: 1 }), [])
      assert.isFalse(Fs.existsSync(Path.join(path, "nowhere")))
    })
  )
})

/** Resolves with the next line of the log. */
const logged = Effect.sync(() => {
  const line = Deferred.makeUnsafe<string>()
  const logger = Logger.make(({ message }) => void Deferred.doneUnsafe(line, Effect.succeed(String(message))))
  return { line: Deferred.await(line), layer: Logger.layer([logger]) }
})

describe("the limits while a server runs", () => {
  it.effect("are applied a minute after the store was opened, in the background, and end with the server", () =>
    Effect.gen(function* () {
      const path = yield* homeOf(10, 20, 99)
      const { layer, line } = yield* logged
      yield* TestClock.setTime(now)
      const config = Config.layerTest({ home: path, effective: { settings: { spindle: { retention_days: 50 } } } })
      const scope = yield* Scope.make()
      const store = Context.get(
        yield* Layer.buildWithScope(Layer.provide(Rollouts.layer, [config, layer]), scope),
        ThreadStore
      )
      assert.isNotNull(yield* store.summary(idOf(1)))
      yield* TestClock.adjust(Duration.seconds(59))
      assert.deepStrictEqual(left(path), [1, 2, 3])
      yield* TestClock.adjust(Duration.seconds(1))
      // The pauses between the threads; loading the locks takes time of its own.
      const ticking = yield* Effect.forkScoped(
        Effect.forever(
          Effect.andThen(
            TestClock.adjust(RetentionService.AfterThread),
            Effect.promise(() => new Promise(setImmediate))
          )
        )
      )
      assert.strictEqual(yield* line, "retention: 2 of 2 threads over a limit removed")
      assert.deepStrictEqual(left(path), [3])
      assert.isNull(yield* store.summary(idOf(1)))
      ticking.interruptUnsafe()
      yield* Scope.close(scope, Exit.void)
    })
  )

  it.effect("are not applied without a setting, or with 0", () =>
    Effect.gen(function* () {
      const path = yield* homeOf(10)
      yield* TestClock.setTime(now)
      const settings = { spindle: { retention_days: 0, retention_threads: 0, retention_size_mb: 0 } }
      const config = Config.layerTest({ home: path, effective: { settings } })
      assert.deepStrictEqual(yield* Effect.provide(Rollouts.retention, config), none)
    })
  )
})
