import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/testing/TestClock"
import * as BoundedStore from "../../../src/services/thread/BoundedStore.ts"
import { readState } from "../../../src/services/thread/StoredThread.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { everyThread, ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import * as FaultyStore from "../../support/FaultyStore.ts"
import { logged } from "../../support/Logged.ts"
import { cwd, makeServer, userInput } from "../../support/Server.ts"
import { asking } from "../../support/Tools.ts"

type Message = Record<string, unknown>

const stranger = "0198c0de-0000-7000-8000-000000000000"
const at = 1_700_000_000_000

/** Advances the clock so that each hanging operation exceeds its limit of ten seconds. */
const expire = (faulty: FaultyStore.FaultyStore) =>
  Effect.forever(
    Queue.take(faulty.silent).pipe(
      // The limit is set in the steps after the operation's start.
      Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 8 })),
      Effect.andThen(TestClock.adjust("10 seconds"))
    )
  )

/** A server over a faulty store, with a wire client that counts the responses. */
const setUp = Effect.gen(function* () {
  const faulty = yield* FaultyStore.make
  yield* Effect.forkScoped(expire(faulty))
  const server = yield* makeServer({ store: faulty.layer, toolbox: [asking] })
  const wire = yield* server.wire({ room: 1024 })
  yield* wire.initialize({ experimentalApi: true })
  const received: Array<Message> = []
  /** Reads until such a message. */
  const until = Effect.fnUntraced(function* (found: (message: Message) => boolean) {
    while (true) {
      const message = yield* wire.next
      received.push(message)
      if (found(message)) return message
    }
  })
  let requests = 0
  const request = Effect.fnUntraced(function* (method: string, params: object) {
    const id = ++requests
    yield* wire.send(id, method, params)
    return yield* until((message) => message["id"] === id && !("method" in message))
  })
  /** Each request has exactly one response. */
  const answeredOnce = Effect.gen(function* () {
    while (wire.outgoing.stats.size > 0) received.push(yield* wire.next)
    const ids = received.filter((message) => "id" in message && !("method" in message)).map(({ id }) => id)
    assert.deepStrictEqual(
      ids,
      Array.from({ length: requests }, (_, index) => index + 1)
    )
  })
  const startThread = Effect.map(request("thread/start", { cwd }), ({ result }) => {
    return (result as { readonly thread: { readonly id: string } }).thread.id
  })
  const notified = (method: string) => received.filter((message) => message["method"] === method)
  const turnEnd = until(({ method }) => method === "turn/completed")
  return { ...server, faulty, request, answeredOnce, startThread, notified, turnEnd }
})

/** Warnings about the store. */
const storeWarnings = (warnings: ReadonlyArray<Message>) =>
  warnings.filter(({ params }) => (params as { readonly message: string }).message.startsWith("thread store"))

const filter = { ...everyThread, archived: false }

const everything = { filter, cursor: null, limit: 9, sortKey: "created_at", sortDirection: "asc" } as const

const storeError = (operation: string) => ({ code: -32603, message: `thread store failed to ${operation}` })

describe("a store that", () => {
  describe.each(FaultyStore.allFaults)("%s", (fault) => {
    describe("is used by a request: there is one response, which names the operation, as does the log [75]", () => {
      const requests: ReadonlyArray<
        readonly [method: string, broken: FaultyStore.StoreMethod, params: (threadId: string) => object]
      > = [
        ["thread/start", "append", () => ({ cwd })],
        ["thread/resume", "read", (threadId) => ({ threadId })],
        ["thread/read", "read", (threadId) => ({ threadId, includeTurns: true })],
        ["thread/read", "summary", (threadId) => ({ threadId })],
        ["thread/list", "list", () => ({})]
      ]
      it.effect.each(requests)("%s, when %s is faulty", ([method, broken, params]) =>
        logged((lines) =>
          Effect.gen(function* () {
            const { answeredOnce, faulty, request, threads } = yield* setUp
            yield* faulty.memory.append(stranger, 0, [created(stranger), ...turnEvents("u1", at, "hello", "hi")])
            faulty.break(broken, fault)
            const operation = FaultyStore.operationOf(broken)
            const { error } = yield* request(method, params(stranger))
            assert.deepStrictEqual<unknown>(error, storeError(operation))
            assert.isTrue(lines.some((line) => line.includes(`thread store failed to ${operation}`)))
            assert.deepStrictEqual(threads.loaded(), [])
            faulty.repair()
            assert.property(yield* request(method, params(stranger)), "result")
            yield* answeredOnce
          })
        )
      )
    })

    describe("is used by the engine: the operation fails without side effects", () => {
      const anew = { overrides: {}, ephemeral: false, originator: "engine", threadSource: null }
      it.effect.each(["read", "fork"] as const)("a fork, when %s is faulty", (broken) =>
        Effect.gen(function* () {
          const { faulty, threads } = yield* setUp
          yield* faulty.memory.append(stranger, 0, [created(stranger), ...turnEvents("u1", at, "hello", "hi")])
          faulty.break(broken, fault)
          const forking = yield* Effect.forkChild(
            Effect.flip(threads.fork({ ...anew, threadId: stranger, point: null })),
            { startImmediately: true }
          )
          assert.strictEqual((yield* Fiber.join(forking)).message, `thread store failed to ${broken}`)
          assert.deepStrictEqual(threads.loaded(), [])
          const listed = yield* faulty.memory.list(everything)
          assert.deepStrictEqual(
            listed.threads.map(({ origin }) => origin.id),
            [stranger]
          )
        })
      )

      it.effect(
        "a resume that must end an open turn: the thread is loaded, and accepts no turn until that is stored",
        () =>
          Effect.gen(function* () {
            const { faulty, notified, request } = yield* setUp
            yield* faulty.memory.append(stranger, 0, [
              created(stranger),
              { _tag: "TurnStarted", at, turnId: "u1", rootTurnId: "u1" }
            ])
            faulty.break("append", fault)
            assert.property(yield* request("thread/resume", { threadId: stranger }), "result")
            const start = { threadId: stranger, input: userInput("more") }
            assert.deepStrictEqual<unknown>((yield* request("turn/start", start))["error"], storeError("append"))
            assert.deepStrictEqual(notified("turn/started"), [])
            faulty.repair()
            assert.property(yield* request("turn/start", start), "result")
            const state = yield* readState(faulty.memory, stranger)
            assert.deepStrictEqual(
              state?.turns.map(({ status }) => status),
              ["interrupted", "inProgress"]
            )
          })
      )
    })

    describe("is written by a turn: the turn has one terminal state, and none of its events is lost [75]", () => {
      const stages: ReadonlyArray<
        readonly [stage: string, from: (event: ThreadEvent) => boolean, status: "completed" | "failed"]
      > = [
        ["its start", (event) => event._tag === "TurnStarted", "failed"],
        [
          "the user's message",
          (event) => event._tag === "ItemCompleted" && event.item.type === "userMessage",
          "failed"
        ],
        ["what the model gets of it", (event) => event._tag === "ConversationEntry", "failed"],
        [
          "the model's message",
          (event) => event._tag === "ItemCompleted" && event.item.type === "agentMessage",
          "failed"
        ],
        ["the tokens", (event) => event._tag === "TokensCounted", "failed"],
        ["its end", (event) => event._tag === "TurnEnded", "completed"]
      ]
      it.effect.each(stages)("from %s on", ([, from, status]) =>
        logged((lines) =>
          Effect.gen(function* () {
            const { answeredOnce, faulty, model, notified, request, startThread, threads, turnEnd } = yield* setUp
            const threadId = yield* startThread
            yield* Effect.forkChild(model.reply("hi"))
            faulty.breakFrom(from, fault)
            const start = { threadId, input: userInput("hello") }
            assert.property(yield* request("turn/start", start), "result")
            yield* turnEnd
            while (threads.running() > 0) yield* Effect.yieldNow
            const refused = yield* request("turn/start", start)
            assert.deepStrictEqual<unknown>(refused["error"], storeError("append"))
            const ends = notified("turn/completed").map(
              ({ params }) => (params as { readonly turn: { readonly status: string } }).turn.status
            )
            assert.deepStrictEqual(ends, [status])
            assert.strictEqual(notified("turn/started").length, 1)
            assert.strictEqual(storeWarnings(notified("warning")).length, 1)
            assert.isTrue(lines.some((line) => line.includes("thread store failed to append")))
            faulty.repair()
            yield* Effect.forkChild(model.reply("again"))
            assert.property(yield* request("turn/start", start), "result")
            yield* turnEnd
            while (threads.running() > 0) yield* Effect.yieldNow
            yield* answeredOnce
            const state = threads.find(threadId)?.state
            assert.deepStrictEqual(
              state?.turns.map((turn) => turn.status),
              [status, "completed"]
            )
            assert.deepStrictEqual(yield* readState(faulty.memory, threadId), state)
          })
        )
      )

      it.effect("while it is interrupted: each request is answered once, and the turn ends once", () =>
        Effect.gen(function* () {
          const { answeredOnce, faulty, model, notified, request, startThread, threads, turnEnd } = yield* setUp
          const threadId = yield* startThread
          assert.property(yield* request("turn/start", { threadId, input: userInput("hello") }), "result")
          yield* model.next
          faulty.break("append", fault)
          assert.deepStrictEqual((yield* request("turn/interrupt", { threadId, turnId: "" }))["result"], {})
          yield* turnEnd
          while (threads.running() > 0) yield* Effect.yieldNow
          yield* answeredOnce
          assert.strictEqual(notified("turn/completed").length, 1)
        })
      )
    })

    it.effect("is there when the server stops: a client's shutdown ends within its deadline", () =>
      logged((lines) =>
        Effect.gen(function* () {
          const faulty = yield* FaultyStore.make
          const stopped = yield* Deferred.make<void>()
          // The server's scope, which ends after the client, waits for the rest of the limit.
          yield* Effect.forkScoped(Effect.andThen(Deferred.await(stopped), expire(faulty)))
          yield* Effect.gen(function* () {
            const { connect, model } = yield* makeServer({ store: faulty.layer })
            const client = yield* connect({ shutdownDeadline: "5 seconds" })
            const { thread } = yield* client.request("thread/start", { cwd })
            yield* client.request("turn/start", { threadId: thread.id, input: userInput("hello") })
            yield* model.next
            faulty.break("append", fault)
            const stopping = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
            yield* TestClock.adjust("5 seconds")
            yield* Fiber.join(stopping)
            yield* Deferred.succeed(stopped, undefined)
          }).pipe(Effect.scoped)
          assert.isTrue(lines.some((line) => /thread store failed to append|the turn that runs in thread/.test(line)))
        })
      )
    )
  })

  it.effect("fails when a thread is unloaded: unstored events are tried once more", () =>
    Effect.gen(function* () {
      const { faulty, request, startThread, threads, turnEnd } = yield* setUp
      const threadId = yield* startThread
      faulty.break("append", "fails")
      yield* request("turn/start", { threadId, input: userInput("hello") })
      yield* turnEnd
      const { state } = threads.find(threadId)!
      faulty.repair()
      yield* request("thread/unsubscribe", { threadId })
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(threads.loaded(), [])
      assert.deepStrictEqual(yield* readState(faulty.memory, threadId), state)
    })
  )
})

describe("BoundedStore", () => {
  const calls = {
    append: (store) => store.append(stranger, 0, [created(stranger)]),
    read: (store) => store.read(stranger, { from: 0, limit: 1 }),
    summary: (store) => store.summary(stranger),
    list: (store) => store.list(everything),
    search: (store) => store.search({ ...everything, text: "x" }),
    readTurns: (store) =>
      store.readTurns?.(stranger, { from: null, direction: "asc", limit: 1 }, "full") ?? Effect.void,
    readItems: (store) => store.readItems?.(stranger, { from: null, direction: "asc", limit: 1 }, null) ?? Effect.void,
    claim: (store) => store.claim?.(stranger, false) ?? Effect.void,
    fork: (store) => store.fork(stranger, 1, created("0198c0de-0000-7000-8000-000000000001")),
    delete: (store) => store.delete(stranger)
  } satisfies Record<
    FaultyStore.StoreMethod,
    (store: ThreadStore["Service"]) => Effect.Effect<unknown, { readonly message: string }>
  >

  for (const fault of FaultyStore.allFaults) {
    it.effect.each(Object.keys(calls) as ReadonlyArray<FaultyStore.StoreMethod>)(
      `answers within its limit when %s ${fault}`,
      (method) =>
        logged((lines) =>
          Effect.gen(function* () {
            const faulty = yield* FaultyStore.make
            yield* faulty.memory.append(stranger, 0, [created(stranger)])
            faulty.break(method, fault)
            const store = yield* BoundedStore.make.pipe(
              Effect.provideService(ThreadStore, faulty.store),
              Effect.provideService(BoundedStore.StoreTimeout, Duration.seconds(1))
            )
            const running = yield* Effect.forkChild(Effect.flip(calls[method](store)), { startImmediately: true })
            yield* TestClock.adjust("1 second")
            const message = `thread store failed to ${FaultyStore.operationOf(method)}`
            assert.strictEqual((yield* Fiber.join(running)).message, message)
            assert.strictEqual(lines.filter((line) => line.includes(message)).length, 1)
          }).pipe(Effect.scoped)
        )
    )
  }

  it.effect("logs unfinished operations when its scope ends", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const faulty = yield* FaultyStore.make
        faulty.break("list", "cannot be interrupted")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* Effect.provideService(BoundedStore.make, ThreadStore, faulty.store)
            const running = yield* Effect.forkChild(Effect.exit(calls.list(store)), { startImmediately: true })
            yield* TestClock.adjust("10 seconds")
            yield* Fiber.join(running)
          })
        )
        assert.include(lines, "thread store: operations without an answer: list")
      })
    )
  )
})
