import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import * as Store from "../../../src/layers/stores/rollouts/Store.ts"
import { everyThread, type ThreadPageRequest, ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { agentMessage, created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { home } from "./Homes.ts"

const at = 1_700_000_000_000

const open = (home: string) =>
  Effect.map(Layer.build(Store.layer({ home })), (context) => Context.get(context, ThreadStore))

type Opened = ThreadStore["Service"]

const request: ThreadPageRequest = {
  filter: everyThread,
  cursor: null,
  limit: 1000,
  sortKey: "updated_at",
  sortDirection: "asc"
}

const listed = (store: Opened) =>
  Effect.map(store.list(request), ({ threads }) => threads.map(({ name, origin, turns }) => [origin.id, turns, name]))

const found = (store: Opened, text: string) =>
  Effect.map(store.search({ ...request, text }), ({ matches }) => matches.map(({ thread }) => thread.origin.id))

const put = (store: Opened, id: string, second: number) =>
  store.append(id, 0, [
    created(id, { createdAt: 1_700_000_000 + second }),
    ...turnEvents("u", at + second * 1000, `hello ${id}`, "an answer")
  ])

const database = (path: string): string => Path.join(path, "spindle_1.sqlite")

const all = [
  ["a", 1, null],
  ["b", 1, null]
]

/** Lists, searches and reads a page, with the answers that a home with the threads `a` and `b` has. */
const works = Effect.fnUntraced(function* (store: Opened) {
  assert.deepStrictEqual(yield* listed(store), all)
  assert.deepStrictEqual(yield* found(store, "HELLO B"), ["b"])
  const turns = yield* (
    store.readTurns?.("b", { from: null, direction: "asc", limit: 9 }, "full") ?? Effect.succeed(null)
  )
  assert.deepStrictEqual(
    turns?.map(({ id, items }) => [id, items.length]),
    [["u", 2]]
  )
})

/** A home with two threads and an index. */
const prepared = Effect.gen(function* () {
  const path = yield* home
  yield* Effect.scoped(
    Effect.gen(function* () {
      const store = yield* open(path)
      yield* put(store, "a", 1)
      yield* put(store, "b", 2)
      yield* works(store)
    })
  )
  assert.isTrue(Fs.statSync(database(path)).size > 0)
  return path
})

const damages: ReadonlyMap<string, (path: string) => void> = new Map([
  ["is missing", (path: string) => Fs.rmSync(path)],
  ["is empty", (path: string) => Fs.truncateSync(path)],
  ["is cut short", (path: string) => Fs.truncateSync(path, 5000)],
  [
    "is no database",
    (path: string) => Fs.writeFileSync(path, "no database, but a text that is long enough".repeat(100))
  ],
  [
    "has pages that are not readable",
    (path: string) => {
      const bytes = Fs.readFileSync(path)
      Fs.writeFileSync(path, bytes.fill(0xa5, 4096))
    }
  ],
  [
    "has the tables of a later version",
    (path: string) => {
      const later = new DatabaseSync(path)
      later.exec("PRAGMA user_version = 99; ALTER TABLE threads RENAME TO strands; CREATE TABLE more (x)")
      later.close()
    }
  ],
  [
    "lacks a table",
    (path: string) => {
      const other = new DatabaseSync(path)
      other.exec("DROP TABLE details")
      other.close()
    }
  ],
  [
    "has a row that is not readable",
    (path: string) => {
      const other = new DatabaseSync(path)
      other.exec("UPDATE details SET summary = '{', progress = '['")
      other.close()
    }
  ],
  [
    "is a folder",
    (path: string) => {
      Fs.rmSync(path)
      Fs.mkdirSync(path)
    }
  ],
  [
    "is a link",
    (path: string) => {
      Fs.renameSync(path, `${path}.other`)
      Fs.symlinkSync(`${path}.other`, path)
    }
  ]
])

describe("the database of the index", () => {
  for (const [name, damage] of damages) {
    it.effect(`${name}: lists, searches and pages are right, also in the next process`, () =>
      Effect.gen(function* () {
        const path = yield* prepared
        damage(database(path))
        yield* works(yield* open(path))
        yield* works(yield* open(path))
      }).pipe(Effect.scoped)
    )
  }

  it.effect("is readable by its owner only", () =>
    Effect.gen(function* () {
      const path = yield* prepared
      assert.strictEqual(Fs.statSync(database(path)).mode & 0o777, 0o600)
    }).pipe(Effect.scoped)
  )

  it.effect("is not made with the start, an append, or in a home that does not exist", () =>
    Effect.gen(function* () {
      const path = Path.join(yield* home, "later")
      const store = yield* open(path)
      assert.deepStrictEqual(yield* listed(store), [])
      assert.isFalse(Fs.existsSync(path))
      yield* put(store, "a", 1)
      assert.isFalse(Fs.existsSync(database(path)))
    }).pipe(Effect.scoped)
  )

  it.effect("may be locked by another program: nothing fails or waits for it", () =>
    Effect.gen(function* () {
      const path = yield* prepared
      const other = new DatabaseSync(database(path))
      yield* Effect.addFinalizer(() => Effect.sync(() => other.close()))
      other.exec("BEGIN EXCLUSIVE")
      const store = yield* open(path)
      yield* works(store)
      yield* put(store, "c", 3)
      assert.deepStrictEqual(yield* listed(store), [...all, ["c", 1, null]])
      assert.deepStrictEqual(yield* found(store, "hello c"), ["c"])
      other.exec("ROLLBACK")
      assert.deepStrictEqual(yield* found(store, "hello c"), ["c"])
    }).pipe(Effect.scoped)
  )

  it.effect("may be removed while it is used", () =>
    Effect.gen(function* () {
      const path = yield* prepared
      const store = yield* open(path)
      yield* works(store)
      for (const suffix of ["", "-wal", "-shm"]) Fs.rmSync(database(path) + suffix, { force: true })
      yield* works(store)
      yield* put(store, "c", 3)
      assert.deepStrictEqual(yield* listed(store), [...all, ["c", 1, null]])
    }).pipe(Effect.scoped)
  )
})

describe("two stores on one home", () => {
  it.effect("see what the other one writes, names, archives and deletes", () =>
    Effect.gen(function* () {
      const path = yield* prepared
      const [one, two] = [yield* open(path), yield* open(path)]
      yield* works(one)
      yield* works(two)
      yield* put(one, "c", 3)
      assert.deepStrictEqual(yield* found(two, "hello c"), ["c"])
      yield* two.append("c", 7, turnEvents("v", at + 9000, "more words", "an answer"))
      assert.deepStrictEqual(yield* found(one, "more words"), ["c"])
      yield* one.append("c", 13, [{ _tag: "NameSet", at: at + 10_000, name: "third" }])
      assert.deepStrictEqual(yield* listed(two), [...all, ["c", 2, "third"]])
      yield* two.append("a", 7, [{ _tag: "Archived", at: at + 11_000 }])
      const filter = { ...everyThread, archived: true }
      const archived = yield* one.list({ ...request, filter })
      assert.deepStrictEqual(
        archived.threads.map(({ origin }) => origin.id),
        ["a"]
      )
      yield* one.delete("b")
      assert.deepStrictEqual(yield* found(two, "hello b"), [])
      assert.deepStrictEqual(yield* found(two, "hello"), ["a", "c"])
    }).pipe(Effect.scoped)
  )
})

describe("files that other programs change", () => {
  const fileOf = (path: string, id: string): string => {
    const names = Fs.readdirSync(path, { recursive: true, encoding: "utf8" })
    return Path.join(path, names.find((name) => name.endsWith(`-${id}.jsonl`)) ?? "")
  }

  it.effect("are indexed again: appended, replaced, cut, removed, added", () =>
    Effect.gen(function* () {
      const path = yield* prepared
      const store = yield* open(path)
      yield* works(store)
      const [a, b] = [fileOf(path, "a"), fileOf(path, "b")]
      const [textA, textB] = [Fs.readFileSync(a, "utf8"), Fs.readFileSync(b, "utf8")]
      const more = textA.split("\n").slice(2, 9).join("\n").replaceAll("hello a", "appended").replaceAll('"u"', '"u2"')
      Fs.appendFileSync(a, more)
      assert.deepStrictEqual(yield* found(store, "appended"), ["a"])
      Fs.writeFileSync(a, textA.replaceAll("hello a", "rewritten as a longer text than before"))
      assert.deepStrictEqual(yield* found(store, "rewritten"), ["a"])
      assert.deepStrictEqual(yield* found(store, "appended"), [])
      Fs.truncateSync(a, textA.indexOf("item_completed"))
      assert.deepStrictEqual(yield* found(store, "rewritten"), [])
      Fs.rmSync(b)
      assert.deepStrictEqual(yield* found(store, "hello"), [])
      Fs.writeFileSync(b.replace("-b.jsonl", "-c.jsonl"), textB.replaceAll('"id":"b"', '"id":"c"'))
      assert.deepStrictEqual(yield* found(store, "hello b"), ["c"])
    }).pipe(Effect.scoped)
  )
})

describe("a page of a thread", () => {
  it.effect("is found again when another program has just archived or removed the thread", () =>
    Effect.gen(function* () {
      const path = yield* prepared
      const store = yield* open(path)
      yield* works(store)
      const file = Path.join(
        path,
        Fs.readdirSync(path, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("-b.jsonl")) ?? ""
      )
      const turns = Effect.map(
        store.readTurns?.("b", { from: null, direction: "asc", limit: 9 }, "full") ?? Effect.succeed(null),
        (found) => found?.map(({ id, items }) => [id, items.length])
      )
      assert.deepStrictEqual(yield* turns, [["u", 2]])
      const archived = Path.join(path, "archived_sessions", Path.basename(file))
      Fs.mkdirSync(Path.dirname(archived), { recursive: true })
      Fs.renameSync(file, archived)
      assert.deepStrictEqual(yield* turns, [["u", 2]])
      assert.strictEqual((yield* store.summary("b"))?.archived, true)
      Fs.rmSync(archived)
      assert.strictEqual(yield* store.summary("b"), null)
      assert.strictEqual(yield* turns, undefined)
    }).pipe(Effect.scoped)
  )
})

/** A program that fills the index of a home, and says so when it begins. */
const filler = (home: string): string => `
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Store from ${JSON.stringify(new URL("../../../src/layers/stores/rollouts/Store.ts", import.meta.url).href)}
import { ThreadStore, everyThread } from ${JSON.stringify(new URL("../../../src/services/thread/ThreadStore.ts", import.meta.url).href)}
const request = { filter: everyThread, cursor: null, limit: 1, sortKey: "created_at", sortDirection: "asc" }
await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
  const store = yield* ThreadStore
  process.stdout.write("begun")
  while (true) { yield* store.list(request); yield* Effect.sleep(1) }
}).pipe(Effect.provide(Store.layer({ home: ${JSON.stringify(home)} })))))
`

describe("a fill that is killed", () => {
  it.live(
    "at any moment leaves an index that the next process completes",
    () =>
      Effect.gen(function* () {
        const path = yield* home
        const ids = Array.from({ length: 600 }, (_, index) => `t${String(index).padStart(4, "0")}`)
        const writer = yield* open(path)
        for (const [index, id] of ids.entries()) {
          const answer = agentMessage("x", `answer number ${index} of many`)
          const events = turnEvents("u", at + index * 1000, "hello", `word${index}`)
          yield* writer.append(id, 0, [
            created(id, { createdAt: 1_700_000_000 + index }),
            ...events,
            { _tag: "ItemCompleted", at: at + index * 1000, turnId: "u", item: answer }
          ])
        }
        for (let killed = 0; killed < 4; killed++) {
          yield* Effect.promise(async () => {
            const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", filler(path)], {
              cwd: process.cwd(),
              stdio: ["ignore", "pipe", "ignore"]
            })
            await once(child.stdout, "data")
            const size = () => Fs.statSync(`${database(path)}-wal`, { throwIfNoEntry: false })?.size ?? 0
            const before = size()
            // Killed when the fill has written something new.
            for (let tries = 0; tries < 200 && size() <= before; tries++) {
              await new Promise((resolve) => setImmediate(resolve))
            }
            child.kill("SIGKILL")
            await once(child, "close")
          })
        }
        const store = yield* open(path)
        assert.deepStrictEqual(
          (yield* store.list(request)).threads.map(({ origin }) => origin.id),
          ids
        )
        for (const index of [0, 299, 599]) {
          assert.deepStrictEqual(yield* found(store, `NUMBER ${index} of`), [ids[index]])
        }
      }).pipe(Effect.scoped),
    60_000
  )
})
