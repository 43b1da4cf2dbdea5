import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Store from "../../../src/layers/stores/rollouts/Store.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import * as FailingWrites from "../../support/FailingWrites.ts"
import { home } from "./Homes.ts"

const id = "0198c0de-0000-7000-8000-000000000001"
const other = "0198c0de-0000-7000-8000-000000000002"
const at = 1_700_000_000_000

const first: ReadonlyArray<ThreadEvent> = [created(id), ...turnEvents("u", at, "hello", "hi")]
const more: ReadonlyArray<ThreadEvent> = turnEvents("v", at, "more", "yes")
const named: ThreadEvent = { _tag: "NameSet", at, name: "A name" }

type Opened = ThreadStore["Service"]

const events = (store: Opened, threadId = id) =>
  Effect.map(store.read(threadId, { from: 0, limit: 1000 }), (all) => all.map(({ event }) => event))

const open = (home: string, fsync: Store.FsyncPolicy = "never") =>
  Effect.map(Layer.build(Store.layer({ home, fsync })), (context) => Context.get(context, ThreadStore))

/** Lines that are not JSON, of all rollout files and of the index of names. */
const brokenLines = (home: string): ReadonlyArray<string> =>
  Fs.readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".jsonl"))
    .flatMap((path) => Fs.readFileSync(Path.join(home, path), "utf8").split("\n"))
    .filter((line) => line !== "" && !line.startsWith("{") && !line.endsWith("}"))

const sizes = (home: string): ReadonlyArray<number> =>
  Fs.readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".jsonl"))
    .map((path) => Fs.statSync(Path.join(home, path)).size)

/** A thread with a writer, as in a server. */
const written = Effect.fnUntraced(function* (fsync: Store.FsyncPolicy = "never") {
  const path = yield* home
  const failing = yield* FailingWrites.make
  const store = yield* open(path, fsync)
  yield* store.append(id, 0, first)
  yield* store.claim?.(id, false) ?? Effect.void
  return { path, failing, store }
})

const refused = (append: Effect.Effect<void, { readonly reason: string }>) =>
  Effect.map(Effect.flip(append), ({ reason }) => reason)

describe("a full disk", () => {
  it.effect("leaves no part of an append, wherever it becomes full, and the append succeeds when there is room", () =>
    Effect.gen(function* () {
      const { failing, path, store } = yield* written()
      let length = first.length
      const before = sizes(path)
      yield* store.append(id, length, more)
      const size = (sizes(path)[0] ?? 0) - (before[0] ?? 0)
      length += more.length
      for (let room = 0; room < size; room += 13) {
        const kept = sizes(path)
        failing.room = room
        assert.strictEqual(yield* refused(store.append(id, length, more)), "unavailable")
        assert.deepStrictEqual(sizes(path), kept)
        failing.room = Number.POSITIVE_INFINITY
        yield* store.append(id, length, more)
        length += more.length
      }
      assert.strictEqual((yield* events(yield* open(path))).length, length)
      assert.deepStrictEqual(brokenLines(path), [])
    }).pipe(Effect.scoped)
  )

  it.effect("leaves no file of a new thread, and the thread can be stored later", () =>
    Effect.gen(function* () {
      const { failing, path, store } = yield* written()
      const all = [created(other), ...turnEvents("w", at, "a", "b")]
      const kept = sizes(path)
      failing.room = 100
      assert.strictEqual(yield* refused(store.append(other, 0, all)), "unavailable")
      assert.deepStrictEqual(sizes(path), kept)
      failing.room = Number.POSITIVE_INFINITY
      yield* store.append(other, 0, all)
      assert.deepStrictEqual(yield* events(yield* open(path), other), all)
    }).pipe(Effect.scoped)
  )

  it.effect("may hold the line of a name and not its entry in the index of names: both are written later", () =>
    Effect.gen(function* () {
      const { failing, path, store } = yield* written()
      const before = sizes(path)
      yield* store.append(id, first.length, [named])
      const line = (sizes(path).find((size) => size > (before[0] ?? 0)) ?? 0) - (before[0] ?? 0)
      const length = first.length + 1
      failing.room = line + 10
      assert.strictEqual(yield* refused(store.append(id, length, [{ ...named, name: "B name" }])), "unavailable")
      failing.room = Number.POSITIVE_INFINITY
      const again: ThreadEvent = { ...named, name: "B name" }
      yield* store.append(id, length, [again, ...more])
      const found = yield* open(path)
      assert.deepStrictEqual(yield* events(found), [...first, named, again, ...more])
      assert.strictEqual((yield* found.summary(id))?.name, "B name")
    }).pipe(Effect.scoped)
  )

  it.effect(
    "that cannot undo half a line refuses the thread until it is opened again, which passes over the line",
    () =>
      Effect.gen(function* () {
        const { failing, path, store } = yield* written()
        Object.assign(failing, { room: 20, truncate: true })
        assert.strictEqual(yield* refused(store.append(id, first.length, more)), "unavailable")
        Object.assign(failing, { room: Number.POSITIVE_INFINITY, truncate: false })
        assert.strictEqual(yield* refused(store.append(id, first.length, more)), "conflict")
        const found = yield* open(path)
        assert.deepStrictEqual(yield* events(found), first)
      }).pipe(Effect.scoped)
  )
})

describe("a disk that cannot flush", () => {
  it.effect.each(["turn", "always"] as const)(
    "refuses the append under the policy %s, and accepts it later, once",
    (fsync) =>
      Effect.gen(function* () {
        const { failing, path, store } = yield* written(fsync)
        failing.flush = true
        assert.strictEqual(yield* refused(store.append(id, first.length, more)), "unavailable")
        failing.flush = false
        yield* store.append(id, first.length, more)
        yield* store.append(id, first.length + more.length, [named])
        assert.deepStrictEqual(yield* events(yield* open(path)), [...first, ...more, named])
      }).pipe(Effect.scoped)
  )

  it.effect("refuses the append to a thread without a writer", () =>
    Effect.gen(function* () {
      const path = yield* home
      const failing = yield* FailingWrites.make
      const store = yield* open(path, "always")
      yield* store.append(id, 0, first)
      failing.flush = true
      assert.strictEqual(yield* refused(store.append(id, first.length, [named])), "unavailable")
      failing.flush = false
      yield* store.append(id, first.length, [named])
      assert.deepStrictEqual(yield* events(yield* open(path)), [...first, named])
    }).pipe(Effect.scoped)
  )
})
