import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import FsModule from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import * as Path from "node:path"
import * as Zlib from "node:zlib"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { everyThread, type ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { agentMessage, created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { logged } from "../../support/Logged.ts"
import { home, open } from "./Homes.ts"

const id = "0198c0de-0000-7000-8000-000000000001"
const other = "0198c0de-0000-7000-8000-000000000002"
const at = 1_700_000_000_000

type Opened = ThreadStore["Service"]

const events = (store: Opened, threadId = id) =>
  Effect.map(store.read(threadId, { from: 0, limit: 1000 }), (all) => all.map(({ event }) => event))

const listed = (store: Opened) =>
  Effect.map(
    store.list({ filter: everyThread, cursor: null, limit: 100, sortKey: "created_at", sortDirection: "asc" }),
    ({ threads }) => threads.map(({ origin }) => origin.id)
  )

const filesIn = (home: string): ReadonlyArray<string> =>
  Fs.readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((path) => Path.basename(path).startsWith("rollout-"))
    .map((path) => Path.join(home, path))
    .toSorted()

/** A home with one thread, and its file. */
const one = (all: ReadonlyArray<ThreadEvent>) =>
  Effect.gen(function* () {
    const path = yield* home
    yield* (yield* open(path)).append(id, 0, all)
    return { path, file: filesIn(path)[0] ?? "" }
  })

/** The paths that are opened from now on, until the scope ends. */
const openedFiles = Effect.acquireRelease(
  Effect.sync(() => {
    const { openSync } = FsModule
    const paths: Array<string> = []
    FsModule.openSync = (path, ...more) => {
      paths.push(String(path))
      return openSync(path, ...more)
    }
    syncBuiltinESMExports()
    return { openSync, paths }
  }),
  ({ openSync }) =>
    Effect.sync(() => {
      FsModule.openSync = openSync
      syncBuiltinESMExports()
    })
).pipe(Effect.map(({ paths }) => paths))

const short: ReadonlyArray<ThreadEvent> = [
  created(id),
  { _tag: "TurnStarted", at, turnId: "u", rootTurnId: "u" },
  { _tag: "ItemCompleted", at, turnId: "u", item: agentMessage("a", "é") },
  { _tag: "TurnEnded", at, turnId: "u", status: "completed", error: null }
]

const within: ReadonlyArray<ThreadEvent> = [
  { _tag: "ItemCompleted", at, turnId: "u", item: agentMessage("b", "within") }
]

const more: ReadonlyArray<ThreadEvent> = [{ _tag: "TurnStarted", at, turnId: "v", rootTurnId: "v" }]

describe("a rollout file", () => {
  it.effect(
    "that ends at any byte has the events of its whole lines, and is continued behind them",
    () =>
      Effect.gen(function* () {
        const { file, path } = yield* one(short)
        const bytes = Fs.readFileSync(file)
        for (let size = 0; size <= bytes.length; size++) {
          Fs.writeFileSync(file, bytes.subarray(0, size))
          const store = yield* open(path)
          const left = yield* events(store)
          assert.deepStrictEqual(left, short.slice(0, left.length))
          const lines = bytes.subarray(0, size).toString("latin1").split("\n").length - 1
          // The second line is for the release only. A last line may be whole without its line feed.
          assert.include([Math.max(0, lines - (lines > 1 ? 1 : 0)), lines, lines + 1], left.length)
          // An append takes longer than a read.
          if (left.length === 0 || size % 5 !== 0) continue
          yield* store.append(id, left.length, more)
          assert.deepStrictEqual(yield* events(yield* open(path)), [...left, ...more])
        }
      }).pipe(Effect.scoped),
    60_000
  )

  it.effect("with a corrupt line has its other events, and a warning has the place", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const { file, path } = yield* one(short)
        const texts = Fs.readFileSync(file, "utf8").split("\n")
        texts[3] = "\u0000\u0000{"
        Fs.writeFileSync(file, texts.join("\n"))
        assert.deepStrictEqual(yield* events(yield* open(path)), [...short.slice(0, 2), ...short.slice(3)])
        assert.strictEqual(lines.filter((line) => line.includes(`${file}: the line at byte`)).length, 1)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("with a line beyond the limit has its other events", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one(short)
      Fs.appendFileSync(file, `{"timestamp":"","type":"x","payload":"${"x".repeat(66 * 1024 * 1024)}"}\n`)
      const store = yield* open(path)
      // Without the events in a failure: the line is long.
      assert.strictEqual((yield* events(store)).length, short.length)
      yield* store.append(id, short.length, more)
      assert.strictEqual((yield* events(yield* open(path))).length, short.length + more.length)
    }).pipe(Effect.scoped)
  )

  it.effect.each(["replaced", "truncated", "deleted", "appended to"])(
    "that is %s behind its writer is not written",
    (how) =>
      Effect.gen(function* () {
        const { file, path } = yield* one(short)
        const store = yield* open(path)
        const release = yield* store.claim?.(id, false) ?? Effect.die("no claim")
        const bytes = Fs.readFileSync(file)
        if (how === "replaced") {
          Fs.writeFileSync(`${file}.new`, bytes)
          Fs.renameSync(`${file}.new`, file)
        } else if (how === "truncated") Fs.truncateSync(file, 100)
        else if (how === "deleted") Fs.rmSync(file)
        else Fs.appendFileSync(file, '{"timestamp":"","type":"x","payload":{}}\n')
        const size = Fs.statSync(file, { throwIfNoEntry: false })?.size
        for (const events of [within, more]) {
          assert.strictEqual((yield* Effect.flip(store.append(id, short.length, events))).reason, "conflict")
        }
        assert.strictEqual(Fs.statSync(file, { throwIfNoEntry: false })?.size, size)
        yield* release
      }).pipe(Effect.scoped)
  )

  it.effect("that is moved behind its writer gets the events of the turn under way, and no other turn", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one(short)
      const store = yield* open(path)
      const release = yield* store.claim?.(id, false) ?? Effect.die("no claim")
      const moved = `${file}.moved`
      Fs.renameSync(file, moved)
      Fs.copyFileSync(moved, file)
      yield* store.append(id, short.length, within)
      assert.include(Fs.readFileSync(moved, "utf8"), "within")
      assert.strictEqual((yield* Effect.flip(store.append(id, short.length + 1, more))).reason, "conflict")
      yield* release
    }).pipe(Effect.scoped)
  )

  it.effect("is 0600 in folders of 0700, and comes with the first turn", () =>
    Effect.gen(function* () {
      const path = Path.join(yield* home, "new", "home")
      const store = yield* open(path)
      yield* store.append(id, 0, short.slice(0, 1))
      assert.deepStrictEqual(yield* listed(store), [])
      assert.isFalse(Fs.existsSync(path))
      yield* store.append(id, 1, short.slice(1))
      const [file = ""] = filesIn(path)
      assert.strictEqual(Fs.statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(Fs.statSync(Path.dirname(file)).mode & 0o777, 0o700)
    }).pipe(Effect.scoped)
  )

  it.effect("that is compressed is read, and becomes plain when it is continued", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one(short)
      Fs.writeFileSync(`${file}.zst`, Zlib.zstdCompressSync(Fs.readFileSync(file)))
      Fs.rmSync(file)
      const store = yield* open(path)
      assert.deepStrictEqual(yield* listed(store), [id])
      assert.deepStrictEqual(yield* events(store), short)
      yield* store.append(id, short.length, more)
      assert.deepStrictEqual(filesIn(path), [file])
      assert.deepStrictEqual(yield* events(store), [...short, ...more])
    }).pipe(Effect.scoped)
  )

  it.effect("of another program that was renamed and archived has these facts as its last events", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one(short)
      const archived = Path.join(path, "archived_sessions", Path.basename(file))
      Fs.mkdirSync(Path.dirname(archived))
      Fs.renameSync(file, archived)
      const line = { id, thread_name: "Theirs", updated_at: new Date(at + 5000).toISOString() }
      Fs.writeFileSync(Path.join(path, "session_index.jsonl"), `${JSON.stringify(line)}\n`)
      const facts: ReadonlyArray<ThreadEvent> = [
        { _tag: "NameSet", at: at + 5000, name: "Theirs" },
        { _tag: "Archived", at }
      ]
      const store = yield* open(path)
      assert.deepStrictEqual(yield* events(store), [...short, ...facts])
      const { archived: isArchived, name } = (yield* store.summary(id)) ?? {}
      assert.deepStrictEqual([isArchived, name], [true, "Theirs"])
      yield* store.append(id, short.length + 2, [{ _tag: "Unarchived", at }])
      assert.deepStrictEqual(filesIn(path), [file])
      assert.deepStrictEqual(yield* events(yield* open(path)), [...short, ...facts, { _tag: "Unarchived", at }])
    }).pipe(Effect.scoped)
  )
})

describe("a home with rollouts", () => {
  it.effect("passes over what is no regular file, or is a link", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one([created(id), ...turnEvents("u", at, "hello", "hi")])
      const named = (number: number) => Path.join(Path.dirname(file), `rollout-2023-11-14T22-13-20-${number}.jsonl`)
      execFileSync("mkfifo", [named(1)])
      Fs.symlinkSync(file, named(2))
      Fs.symlinkSync("/dev/zero", named(3))
      Fs.mkdirSync(named(4))
      Fs.symlinkSync(yield* home, Path.join(path, "sessions", "2024"))
      Fs.writeFileSync(named(5), "")
      Fs.writeFileSync(named(6), "no JSON\n")
      const store = yield* open(path)
      assert.deepStrictEqual(yield* listed(store), [id])
      for (const number of [1, 2, 3, 4, 5, 6]) assert.deepStrictEqual(yield* events(store, String(number)), [])
      const request = {
        filter: everyThread,
        cursor: null,
        limit: 9,
        sortKey: "updated_at",
        sortDirection: "desc"
      } as const
      assert.strictEqual((yield* store.search({ ...request, text: "HELLO" })).matches.length, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("lists its other threads when a file has a line without an end, and reports that file once", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const { file, path } = yield* one([created(id), ...turnEvents("u", at, "hello", "hi")])
        Fs.copyFileSync(file, file.replace(id, other))
        Fs.truncateSync(file.replace(id, other), 2 ** 31)
        const store = yield* open(path)
        assert.deepStrictEqual(yield* listed(store), [id])
        assert.deepStrictEqual(yield* listed(store), [id])
        assert.strictEqual((yield* Effect.flip(store.read(other, { from: 0, limit: 1000 }))).reason, "unavailable")
        assert.strictEqual(lines.filter((line) => line.includes("is longer than")).length, 1)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("keeps a thread to which the history of another one refers", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one([created(id), ...turnEvents("u", at, "hello", "hi")])
      const size = Fs.statSync(file).size
      const base = { thread_id: id, end_ordinal_exclusive: 8, end_byte_offset: size }
      const payload = {
        id: other,
        timestamp: "2023-11-14T22:13:20.000Z",
        cwd: "/w",
        history_mode: "paginated",
        history_base: base
      }
      const line = { timestamp: "2023-11-14T22:13:20.000Z", ordinal: 8, type: "session_meta", payload }
      Fs.writeFileSync(file.replace(id, other), `${JSON.stringify(line)}\n`)
      const store = yield* open(path)
      assert.strictEqual((yield* store.summary(other))?.preview, "hello")
      const error = yield* Effect.flip(store.delete(id))
      assert.strictEqual(error.message, `cannot delete thread ${id}: forked history still references it`)
      yield* store.delete(other)
      yield* store.delete(id)
      assert.deepStrictEqual(filesIn(path), [])
    }).pipe(Effect.scoped)
  )

  it.effect("keeps a thread to which a file refers that cannot be read further", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one([created(id), ...turnEvents("u", at, "hello", "hi")])
      const base = { thread_id: id, end_ordinal_exclusive: 8, end_byte_offset: 7 }
      const payload = { id: other, timestamp: "2023-11-14T22:13:20.000Z", cwd: "/w", history_base: base }
      const line = { timestamp: "2023-11-14T22:13:20.000Z", ordinal: 8, type: "session_meta", payload }
      Fs.writeFileSync(file.replace(id, other), `${JSON.stringify(line)}\n`)
      const store = yield* open(path)
      assert.strictEqual((yield* Effect.flip(store.delete(id))).reason, "referenced")
    }).pipe(Effect.scoped)
  )

  it.effect("deletes a thread without opening the files of the others", () =>
    Effect.gen(function* () {
      const { file, path } = yield* one([created(id), ...turnEvents("u", at, "hello", "hi")])
      const ids = Array.from({ length: 20 }, (_, index) => `0198c0de-0000-7000-8000-0000000001${10 + index}`)
      for (const copy of ids) {
        Fs.writeFileSync(file.replace(id, copy), Fs.readFileSync(file, "utf8").replaceAll(id, copy))
      }
      const store = yield* open(path)
      assert.strictEqual((yield* listed(store)).length, 21)
      const opened = yield* openedFiles
      yield* store.delete(id)
      assert.deepStrictEqual(
        opened.filter((one) => ids.some((copy) => one.includes(copy))),
        []
      )
      assert.deepStrictEqual(yield* listed(store), ids)
    }).pipe(Effect.scoped)
  )

  it.effect("does not write through a folder that is a link", () =>
    Effect.gen(function* () {
      const [path, elsewhere] = [yield* home, yield* home]
      Fs.symlinkSync(elsewhere, Path.join(path, "sessions"))
      const store = yield* open(path)
      assert.strictEqual((yield* Effect.flip(store.append(id, 0, short))).reason, "unavailable")
      assert.deepStrictEqual(Fs.readdirSync(elsewhere), [])
    }).pipe(Effect.scoped)
  )

  it.effect.each(["", ".", "..", "../../x", "/etc/passwd", "a/b", "a\u0000b", "a_b", "x".repeat(65), `{${id}}`, "é"])(
    "has no thread %j, and makes none",
    (threadId) =>
      Effect.gen(function* () {
        const path = yield* home
        const store = yield* open(path)
        assert.deepStrictEqual(yield* events(store, threadId), [])
        assert.isNull(yield* store.summary(threadId))
        const append = store.append(threadId, 0, [created(threadId), ...turnEvents("u", at, "hello", "hi")])
        assert.strictEqual((yield* Effect.flip(append)).reason, "unavailable")
        yield* store.delete(threadId)
        assert.deepStrictEqual(filesIn(path), [])
      }).pipe(Effect.scoped)
  )

  it.effect("is not usable when it is a file, and every operation fails with that reason", () =>
    Effect.gen(function* () {
      const path = Path.join(yield* home, "file")
      Fs.writeFileSync(path, "")
      const store = yield* open(path)
      assert.deepStrictEqual(yield* listed(store), [])
      assert.strictEqual((yield* Effect.flip(store.append(id, 0, short))).reason, "unavailable")
    }).pipe(Effect.scoped)
  )

  it.effect("shares its threads between stores: each reads what the other appended", () =>
    Effect.gen(function* () {
      const path = yield* home
      const [first, second] = [yield* open(path), yield* open(path)]
      const all: Array<ThreadEvent> = [created(id)]
      yield* first.append(id, 0, [...all, ...turnEvents("u0", at, "a", "b")])
      all.push(...turnEvents("u0", at, "a", "b"))
      for (let index = 1; index < 20; index++) {
        const store = index % 2 === 0 ? first : second
        const turn = turnEvents(`u${index}`, at - index * 1000, "a", "b")
        assert.deepStrictEqual(yield* events(store), all)
        yield* store.append(id, all.length, turn)
        all.push(...turn)
      }
      assert.strictEqual((yield* Effect.flip(first.append(id, all.length - 1, more))).reason, "conflict")
      yield* second.append(other, 0, [created(other), ...turnEvents("u", at, "c", "d")])
      assert.deepStrictEqual(yield* listed(first), [id, other])
    }).pipe(Effect.scoped)
  )
})
