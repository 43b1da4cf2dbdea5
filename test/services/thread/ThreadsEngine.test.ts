import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import { foldAll, type ThreadState } from "../../../src/services/thread/ThreadState.ts"
import { isOnRecord, readEvents, readState } from "../../../src/services/thread/StoredThread.ts"
import type { Thread } from "../../../src/services/thread/Thread.ts"
import {
  TurnInProgress,
  TurnNotFound,
  ThreadArchived,
  ThreadNotFound
} from "../../../src/services/thread/ThreadError.ts"
import type { ForkThread, StartThread } from "../../../src/services/thread/Threads.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { created, turnEvents, userMessage } from "../../../src/testing/ThreadEvents.ts"
import { cwd, makeServer, userInput, type ServerOptions } from "../../support/Server.ts"

const stranger = "0198c0de-0000-7000-8000-000000000000"

const anew: StartThread = { overrides: { cwd }, ephemeral: false, originator: "engine", threadSource: null }

const turnRequest = (text: string) => ({
  message: { input: userInput(text).map((part) => ({ ...part, text_elements: [] })), clientId: null },
  options: { outputSchema: null, metadata: {} },
  rootTurnId: null,
  caller: { originator: "engine", userAgent: "engine/1" },
  settings: null
})

/** An engine without connections, over a store that the test also reads. */
const makeEngine = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const store = Context.get(yield* Layer.build(Memory.layer), ThreadStore)
  const server = yield* makeServer({ store: Layer.succeed(ThreadStore, store), ...options })
  const begin = Effect.fnUntraced(function* (thread: Thread, text: string) {
    const accepted = yield* thread.accept(turnRequest(text))
    yield* thread.begin(accepted)
    return accepted.turn.id
  })
  /** Runs a turn to its end and returns its id. */
  const turn = Effect.fnUntraced(function* (thread: Thread, text: string, answer: string) {
    const turnId = yield* begin(thread, text)
    const call = yield* server.model.reply(answer)
    while (thread.isRunning) yield* Effect.yieldNow
    return { turnId, request: call.request }
  })
  const fork = (threadId: string, request: Partial<ForkThread> = {}) =>
    server.threads.fork({ ...anew, threadId, overrides: {}, point: null, ...request })
  return { ...server, store, begin, turn, fork }
})

const turnsOf = (state: ThreadState | null) =>
  state?.turns.map(({ id, items, status }) => [id, status, items.length] as const)

const resuming = (threadId: string, overrides = {}) => ({ threadId, overrides, returning: false })

describe("the engine's threads, without connections", () => {
  it.effect("begin nothing when they are gone, whatever they have accepted before", () =>
    Effect.gen(function* () {
      const { threads } = yield* makeEngine()
      const { thread } = yield* threads.start(anew)
      const accepted = yield* thread.accept(turnRequest("hello"))
      const command = yield* thread.acceptCommand({ command: "ls", timeoutMs: 1000 })
      yield* threads.stop
      yield* thread.begin(accepted)
      yield* thread.beginCommand(command)
      yield* threads.drain
      assert.deepStrictEqual([threads.running(), thread.isRunning, thread.state.turns], [0, false, []])
    })
  )

  it.effect("are started, and run turns that are stored", () =>
    Effect.gen(function* () {
      const { store, threads, turn } = yield* makeEngine()
      const { thread, warnings } = yield* threads.start(anew)
      const { turnId } = yield* turn(thread, "hello", "hi")
      assert.deepStrictEqual(warnings, [])
      assert.deepStrictEqual(threads.loaded(), [thread.id])
      assert.deepStrictEqual(yield* readState(store, thread.id), thread.state)
      assert.deepStrictEqual(turnsOf(thread.state), [[turnId, "completed", 2]])
      assert.strictEqual(thread.state.origin.originator, "engine")
    })
  )

  it.effect("run the turn that begins first, when several callers accept turns concurrently", () =>
    Effect.gen(function* () {
      const { model, threads } = yield* makeEngine()
      const { thread } = yield* threads.start(anew)
      const accepted = [yield* thread.accept(turnRequest("one")), yield* thread.accept(turnRequest("two"))]
      const begun = yield* Effect.forEach(accepted, (each) =>
        Effect.forkChild(thread.begin(each), { startImmediately: true })
      )
      yield* model.reply("first")
      yield* model.reply("second")
      yield* Effect.forEach(begun, Fiber.join)
      while (thread.isRunning) yield* Effect.yieldNow
      assert.deepStrictEqual(
        turnsOf(thread.state),
        accepted.map(({ turn: { id } }) => [id, "completed", 2])
      )
    })
  )

  it.effect("do not change by an accepted turn that never begins", () =>
    Effect.gen(function* () {
      const { threads, turn } = yield* makeEngine()
      const { thread } = yield* threads.start(anew)
      yield* thread.accept(turnRequest("lost"))
      const { turnId } = yield* turn(thread, "hello", "hi")
      assert.deepStrictEqual(turnsOf(thread.state), [[turnId, "completed", 2]])
    })
  )

  it.effect("are interrupted, and have stopped when the interrupt returns", () =>
    Effect.gen(function* () {
      const { begin, model, threads } = yield* makeEngine()
      const { thread } = yield* threads.start(anew)
      const turnId = yield* begin(thread, "hello")
      yield* model.next
      yield* thread.interrupt(turnId)
      while (thread.isRunning) yield* Effect.yieldNow
      assert.deepStrictEqual(turnsOf(thread.state), [[turnId, "interrupted", 1]])
    })
  )

  describe("resumed from the store", () => {
    const at = 1_700_000_000_000
    /** A thread whose server died in its second turn, while a tool ran. */
    const cut = [
      created(stranger),
      ...turnEvents("u1", at, "hello", "hi"),
      { _tag: "TurnStarted", at: at + 5000, turnId: "u2", rootTurnId: "u2" },
      { _tag: "ItemCompleted", at: at + 5000, turnId: "u2", item: userMessage("i", "more") },
      {
        _tag: "ConversationEntry",
        at: at + 5000,
        item: { type: "function_call", call_id: "c", name: "shell", arguments: "{}" }
      }
    ] as const

    it.effect("have unfinished turns ended and overrides recorded by events", () =>
      Effect.gen(function* () {
        const { store, threads } = yield* makeEngine()
        yield* store.append(stranger, 0, cut)
        yield* TestClock.setTime(at + 10_000)
        const { thread } = yield* threads.resume(resuming(stranger, { model: "other" }))
        const events = yield* readEvents(store, stranger)
        assert.deepStrictEqual(events.slice(cut.length), [
          {
            _tag: "ConversationEntry",
            at: at + 10_000,
            item: { type: "function_call_output", call_id: "c", output: "aborted" }
          },
          { _tag: "TurnEnded", at: at + 10_000, turnId: "u2", status: "interrupted", error: null },
          { _tag: "SettingsChanged", at: at + 10_000, settings: thread.settings }
        ])
        assert.strictEqual(thread.settings.model, "other")
        assert.deepStrictEqual(foldAll(events), thread.state)
      })
    )

    it.effect("are loaded once for concurrent callers", () =>
      Effect.gen(function* () {
        const { store, threads } = yield* makeEngine()
        yield* store.append(stranger, 0, cut)
        const loaded = yield* Effect.forEach([1, 2, 3], () => threads.resume(resuming(stranger)), {
          concurrency: "unbounded"
        })
        const [first] = loaded
        assert.isTrue(loaded.every(({ thread }) => thread === first?.thread))
        assert.deepStrictEqual(yield* readState(store, stranger), first?.thread.state)
      })
    )

    it.effect("fail for an unknown thread", () =>
      Effect.gen(function* () {
        const { threads } = yield* makeEngine()
        assert.deepStrictEqual(
          yield* Effect.flip(threads.resume(resuming(stranger))),
          new ThreadNotFound({ threadId: stranger, sought: "record" })
        )
      })
    )
  })

  describe("forked", () => {
    const makeSource = Effect.gen(function* () {
      const engine = yield* makeEngine()
      const { thread } = yield* engine.threads.start(anew)
      const first = yield* engine.turn(thread, "one", "first")
      const second = yield* engine.turn(thread, "two", "second")
      return { ...engine, source: thread, first: first.turnId, second: second.turnId }
    })

    it.effect("have the source's turns and conversation, and then diverge", () =>
      Effect.gen(function* () {
        const { fork, source, store, turn } = yield* makeSource
        const before = source.state
        const { thread } = yield* fork(source.id)
        assert.deepStrictEqual(thread.state, {
          ...before,
          origin: { ...before.origin, id: thread.id, sessionId: thread.id, forkedFromId: source.id },
          readState: null,
          nextSeq: before.nextSeq + 1
        })
        assert.isTrue(isOnRecord(thread.state))
        const { request } = yield* turn(thread, "three", "third")
        assert.include(JSON.stringify(request.input), "second")
        assert.strictEqual(thread.state.turns.length, 3)
        assert.strictEqual(source.state, before)
        assert.deepStrictEqual(yield* readState(store, thread.id), thread.state)
        assert.deepStrictEqual(yield* readState(store, source.id), before)
      })
    )

    it.effect("end at the requested point", () =>
      Effect.gen(function* () {
        const { first, fork, second, source } = yield* makeSource
        const turnsAt = (point: ForkThread["point"]) =>
          Effect.map(fork(source.id, { point }), ({ thread }) => thread.state.turns.map(({ id }) => id))
        assert.deepStrictEqual(yield* turnsAt({ through: first }), [first])
        assert.deepStrictEqual(yield* turnsAt({ through: second }), [first, second])
        assert.deepStrictEqual(yield* turnsAt({ before: second }), [first])
        assert.deepStrictEqual(yield* turnsAt({ before: first }), [])
        for (const point of [{ through: "nope" }, { before: "nope" }]) {
          assert.deepStrictEqual(yield* Effect.flip(fork(source.id, { point })), new TurnNotFound({ turnId: "nope" }))
        }
      })
    )

    it.effect("from a running thread: the turn is interrupted in the fork and continues in the source", () =>
      Effect.gen(function* () {
        const { begin, fork, model, source } = yield* makeSource
        const running = yield* begin(source, "three")
        const call = yield* model.next
        const { thread } = yield* fork(source.id)
        assert.deepStrictEqual(turnsOf(thread.state)?.at(-1), [running, "interrupted", 1])
        assert.deepStrictEqual(
          yield* Effect.flip(fork(source.id, { point: { through: running } })),
          new TurnInProgress({ turnId: running })
        )
        yield* call.finish("third")
        while (source.isRunning) yield* Effect.yieldNow
        assert.deepStrictEqual(turnsOf(source.state)?.at(-1), [running, "completed", 2])
      })
    )

    it.effect("from an unloaded thread, and into one that is not stored", () =>
      Effect.gen(function* () {
        const { fork, store } = yield* makeEngine()
        yield* store.append(stranger, 0, [created(stranger), ...turnEvents("u1", 1_700_000_000_000, "hello", "hi")])
        yield* store.append(stranger, (yield* readEvents(store, stranger)).length, [
          { _tag: "NameSet", at: 1_700_000_001_000, name: "named" },
          { _tag: "Archived", at: 1_700_000_001_000 }
        ])
        assert.deepStrictEqual(yield* Effect.flip(fork(stranger)), new ThreadArchived({ threadId: stranger }))
        yield* store.append(stranger, (yield* readEvents(store, stranger)).length, [
          { _tag: "Unarchived", at: 1_700_000_001_000 }
        ])
        const { thread } = yield* fork(stranger, { ephemeral: true, point: { through: "u1" } })
        assert.deepStrictEqual(turnsOf(thread.state), [["u1", "completed", 2]])
        assert.deepStrictEqual([thread.state.name, thread.state.archived], ["named", false])
        assert.deepStrictEqual(yield* readEvents(store, thread.id), [])
        const whole = yield* fork(stranger)
        assert.deepStrictEqual([whole.thread.state.name, whole.thread.state.archived], ["named", false])
      })
    )

    it.effect("only from stored threads", () =>
      Effect.gen(function* () {
        const { fork, threads, turn } = yield* makeEngine()
        const { thread: fresh } = yield* threads.start(anew)
        const { thread: ephemeral } = yield* threads.start({ ...anew, ephemeral: true })
        yield* turn(ephemeral, "x", "y")
        for (const threadId of [fresh.id, ephemeral.id, stranger]) {
          assert.deepStrictEqual(yield* Effect.flip(fork(threadId)), new ThreadNotFound({ threadId, sought: "record" }))
        }
      })
    )
  })
})
