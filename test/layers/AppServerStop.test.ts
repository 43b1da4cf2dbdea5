import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as AppServer from "../../src/layers/AppServer.ts"
import * as MemoryStore from "../../src/layers/stores/Memory.ts"
import { AppServerClient } from "../../src/services/client/AppServerClient.ts"
import { shutdownComplete } from "../../src/services/client/LegacyEvents.ts"
import { ModelProvider } from "../../src/services/model/ModelProvider.ts"
import { InterruptGrace } from "../../src/services/thread/turn/Supervised.ts"
import { ThreadStore } from "../../src/services/thread/ThreadStore.ts"
import type { Tool } from "../../src/services/tool/Tool.ts"
import { Toolset } from "../../src/services/tool/Toolset.ts"
import * as MemoryFiles from "../support/MemoryFiles.ts"
import { makeModel } from "../support/ScriptedModel.ts"
import { clientOf, cwd, makeServer, nameOf, optionsOf, userInput, type ServerOptions } from "../support/Server.ts"
import { make as makeSlowStore } from "../support/SlowStore.ts"
import { gated } from "../support/Tools.ts"

const who = { clientInfo: { name: "test", version: "1" }, capabilities: { experimentalApi: true } }

/** The low-level runtime of a new server with a scripted model. */
const starting = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const model = yield* makeModel
  const start = AppServer.start({
    ...optionsOf({ model: model.layer, ...options }),
    initialize: who,
    legacyEvents: true
  }).pipe(Effect.provide(MemoryFiles.make().layer), Effect.map(clientOf))
  return { model, start }
})

/** The facade of a new server. */
const facade = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const model = yield* makeModel
  const layer = AppServer.client({
    ...optionsOf({ model: model.layer, ...options }),
    clientName: "test",
    clientVersion: "1"
  })
  const services = yield* Layer.build(Layer.provide(layer, MemoryFiles.make().layer))
  return { model, client: Context.get(services, AppServerClient) }
})

/** A runtime whose turn has called the tool. */
const working = Effect.fnUntraced(function* (tool: Tool, options: ServerOptions = {}) {
  const { model, start } = yield* starting({ toolbox: [tool], ...options })
  const client = yield* start
  const { thread } = yield* client.request("thread/start", { cwd })
  yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
  const call = yield* model.call([tool.spec.name, "c1"])
  return { client, call, model, threadId: thread.id }
})

/** A tool that cannot be interrupted before the gate opens. */
const makeStubborn = Effect.gen(function* () {
  const entered = yield* Deferred.make<void>()
  const gate = yield* Deferred.make<void>()
  const wait = Effect.uninterruptible(Effect.andThen(Deferred.succeed(entered, undefined), Deferred.await(gate)))
  return {
    tool: gated("stubborn", wait),
    wait,
    entered: Deferred.await(entered),
    open: Deferred.succeed(gate, undefined)
  }
})

/** The remaining events by name, up to the end. */
const rest = Effect.fnUntraced(function* (client: ReturnType<typeof clientOf>) {
  const names: Array<string> = []
  for (;;) {
    const event = yield* client.handle.nextEvent
    if (Option.isNone(event)) return names
    const { value } = event
    const isEnd = value._tag === "ServerNotification" && value.notification.method === "turn/completed"
    names.push(isEnd ? `turn/completed ${value.notification.params.turn.status}` : nameOf(value))
  }
})

/** Log lines of level warning or above. */
const logging = () => {
  const logged: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel === "Warn" || logLevel === "Error") logged.push(String(message))
  })
  return { logged, layer: Logger.layer([logger]) }
}

const broken = Effect.gen(function* () {
  const stubborn = yield* makeStubborn
  const memory = Context.get(yield* Layer.build(MemoryStore.layer), ThreadStore)
  const appended: Array<string> = []
  const store = Layer.succeed(ThreadStore, {
    ...memory,
    append: (threadId, seq, events) =>
      Effect.andThen(
        memory.append(threadId, seq, events),
        Effect.sync(() => void appended.push(...events.map(({ _tag }) => _tag)))
      )
  })
  return { stubborn, store, appended }
})

const streaming = (stream: Stream.Stream<never>) => Layer.succeed(ModelProvider, { stream: () => stream })

type Stubborn = Effect.Success<typeof makeStubborn>

const cases: ReadonlyArray<readonly [string, (stubborn: Stubborn) => ServerOptions]> = [
  ["a model stream", ({ wait }) => ({ model: streaming(Stream.fromEffect(Effect.andThen(wait, Effect.never))) })],
  [
    "a finalizer of a model",
    ({ wait }) => ({
      model: streaming(
        Stream.unwrap(
          Effect.as(
            Effect.addFinalizer(() => wait),
            Stream.never
          )
        )
      )
    })
  ]
]

describe("the runtime of a server, when it stops", () => {
  it.effect("leaves published events readable: the end of the turn, the last legacy event, the end [24]", () =>
    Effect.gen(function* () {
      const { call, client } = yield* working(gated("slow", Effect.never))
      yield* client.notified("turn/started")
      yield* call.closed
      yield* client.handle.shutdown
      const names = yield* rest(client)
      assert.deepStrictEqual(
        names.filter((name) => name.startsWith("turn/")),
        ["turn/completed interrupted"]
      )
      assert.strictEqual(names.at(-1), nameOf({ _tag: "LegacyNotification", notification: shutdownComplete }))
    })
  )

  it.effect("leaves them readable from the facade, too [24]", () =>
    Effect.gen(function* () {
      const { client, model } = yield* facade()
      const { thread } = yield* client.request("thread/start", { cwd })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
      yield* model.next
      yield* client.shutdown
      const events = yield* Stream.runCollect(client.events)
      assert.strictEqual(events.map(nameOf).filter((name) => name === "turn/completed").length, 1)
    })
  )

  it.effect("stops once for all callers, which wait for the same end [24]", () =>
    Effect.gen(function* () {
      const stubborn = yield* makeStubborn
      const { connect, model } = yield* makeServer({ toolbox: [stubborn.tool] })
      const client = yield* connect()
      const { thread } = yield* client.request("thread/start", { cwd })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
      yield* model.call(["stubborn", "c1"])
      yield* stubborn.entered
      const first = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
      const second = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([first.pollUnsafe(), second.pollUnsafe()], [undefined, undefined])
      yield* stubborn.open
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.strictEqual(yield* Clock.currentTimeMillis, 1000)
    })
  )

  it.effect("completes its stop when a caller is interrupted [24]", () =>
    Effect.gen(function* () {
      const stubborn = yield* makeStubborn
      const { client } = yield* working(stubborn.tool)
      yield* stubborn.entered
      const first = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(second.pollUnsafe())
      yield* stubborn.open
      yield* Fiber.join(second)
      assert.include(yield* rest(client), "turn/completed interrupted")
    })
  )

  it.effect("stops on request of a tool, and ends the tool", () =>
    Effect.gen(function* () {
      const handle = yield* Deferred.make<Effect.Effect<void>>()
      const { client } = yield* working(gated("end", Effect.flatten(Deferred.await(handle))))
      yield* Deferred.succeed(handle, client.handle.shutdown)
      const names = yield* rest(client)
      assert.include(names, "turn/completed interrupted")
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    })
  )

  it.effect("has closed the tools of its threads and all other resources", () =>
    Effect.gen(function* () {
      const closed: Array<string> = []
      const note = (name: string) => Effect.addFinalizer(() => Effect.sync(() => void closed.push(name)))
      const memory = Context.get(yield* Layer.build(MemoryStore.layer), ThreadStore)
      const { client } = yield* facade({
        tools: Layer.succeed(Toolset, { open: () => note("tools") }),
        store: Layer.effect(ThreadStore, Effect.as(note("store"), memory))
      })
      yield* client.request("thread/start", { cwd })
      yield* client.shutdown
      assert.deepStrictEqual(closed, ["tools", "store"])
    })
  )

  it.effect("ends a thread that is opened while it stops, and leaves nothing of it behind", () => {
    const { layer, logged } = logging()
    return Effect.gen(function* () {
      const stubborn = yield* makeStubborn
      const slow = yield* makeSlowStore
      const { client } = yield* working(stubborn.tool, { store: slow.layer })
      yield* stubborn.entered
      const halted = slow.haltAt(({ _tag }) => _tag === "Created")
      const starting = yield* Effect.forkChild(client.request("thread/start", { cwd }), { startImmediately: true })
      yield* halted.reached
      const stopping = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
      yield* Effect.yieldNow
      yield* halted.goOn
      yield* Fiber.await(starting)
      yield* stubborn.open
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(logged, [])
    }).pipe(Effect.provide(layer))
  })

  describe("before its deadline, with", () => {
    for (const how of ["shutdown", "the end of the scope"]) {
      it.effect(`a tool that cannot be interrupted: ${how} ends, names it, and it does nothing more [23]`, () => {
        const { layer, logged } = logging()
        return Effect.gen(function* () {
          const { appended, store, stubborn } = yield* broken
          const scope = yield* Scope.make()
          const { client } = yield* Scope.provide(working(stubborn.tool, { store }), scope)
          yield* stubborn.entered
          const end = how === "shutdown" ? client.handle.shutdown : Scope.close(scope, Exit.void)
          const stopping = yield* Effect.forkChild(end, { startImmediately: true })
          // The turn abandons the tool well before the deadline of the stop.
          yield* TestClock.adjust("1999 millis")
          assert.isUndefined(stopping.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(stopping)
          assert.include(logged.join("\n"), "tool stubborn did not stop within 2s and was abandoned")
          const names = yield* rest(client)
          assert.deepStrictEqual(
            names.filter((name) => name.startsWith("turn/completed")),
            ["turn/completed interrupted"]
          )
          const before = [...appended]
          yield* stubborn.open
          for (let tick = 0; tick < 20; tick++) yield* Effect.yieldNow
          assert.deepStrictEqual(appended, before)
          yield* Scope.close(scope, Exit.void)
        }).pipe(Effect.provide(layer))
      })
    }

    it.effect.each(cases)("%s that cannot be interrupted: it ends, and logs the stream [23]", ([, optionsFor]) => {
      const { layer, logged } = logging()
      return Effect.gen(function* () {
        const { stubborn, store } = yield* broken
        const { start } = yield* starting({ store, ...optionsFor(stubborn) })
        const client = yield* start
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        yield* client.notified("turn/started")
        for (let tick = 0; tick < 20; tick++) yield* Effect.yieldNow
        const stopping = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(stopping)
        assert.include(logged.join("\n"), "the model's stream did not stop within 2s and was abandoned")
        yield* stubborn.open
      }).pipe(Effect.provide(layer))
    })
  })

  describe("under its deadline, with", () => {
    /** Turns wait longer for interrupted code than the server does. */
    const patiently = Effect.provideService(InterruptGrace, Duration.hours(1))

    for (const how of ["shutdown", "the end of the scope"]) {
      it.effect(`a tool that cannot be interrupted: ${how} ends, names it, and it does nothing more [23]`, () => {
        const { layer, logged } = logging()
        return Effect.gen(function* () {
          const { appended, store, stubborn } = yield* broken
          const scope = yield* Scope.make()
          const { client, threadId } = yield* Scope.provide(working(stubborn.tool, { store }), scope)
          yield* stubborn.entered
          const end = how === "shutdown" ? client.handle.shutdown : Scope.close(scope, Exit.void)
          const stopping = yield* Effect.forkChild(end, { startImmediately: true })
          yield* TestClock.adjust("4999 millis")
          assert.isUndefined(stopping.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(stopping)
          assert.include(logged.join("\n"), `still running: the turn that runs in thread ${threadId}`)
          const names = yield* rest(client)
          assert.notInclude(names.join(), "turn/completed")
          const before = [...appended]
          yield* stubborn.open
          for (let tick = 0; tick < 20; tick++) yield* Effect.yieldNow
          assert.deepStrictEqual(appended, before)
          yield* Scope.close(scope, Exit.void)
        }).pipe(Effect.provide(layer), patiently)
      })
    }

    it.effect.each(cases)("%s that cannot be interrupted: it ends, and logs the turn [23]", ([, optionsFor]) => {
      const { layer, logged } = logging()
      return Effect.gen(function* () {
        const { stubborn, store } = yield* broken
        const { start } = yield* starting({ store, ...optionsFor(stubborn) })
        const client = yield* start
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        yield* client.notified("turn/started")
        for (let tick = 0; tick < 20; tick++) yield* Effect.yieldNow
        const stopping = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(stopping)
        assert.include(logged.join("\n"), `still running: the turn that runs in thread ${thread.id}`)
        yield* stubborn.open
      }).pipe(Effect.provide(layer), patiently)
    })

    it.effect("an append that cannot be interrupted: it ends, logs the turn, and stores nothing more [23]", () => {
      const { layer, logged } = logging()
      return Effect.gen(function* () {
        const { stubborn, store, appended } = yield* broken
        const context = yield* Layer.build(store)
        const inner = Context.get(context, ThreadStore)
        let isStuck = false
        const stuck = Layer.succeed(ThreadStore, {
          ...inner,
          append: (threadId, seq, events) =>
            Effect.suspend(() =>
              isStuck ? Effect.uninterruptible(stubborn.wait) : inner.append(threadId, seq, events)
            )
        })
        const { call, client, threadId } = yield* working(gated("slow", Effect.never), { store: stuck })
        yield* call.closed
        isStuck = true
        const stopping = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(stopping)
        assert.include(logged.join("\n"), `still running: the turn that runs in thread ${threadId}`)
        const before = [...appended]
        isStuck = false
        yield* stubborn.open
        for (let tick = 0; tick < 20; tick++) yield* Effect.yieldNow
        assert.deepStrictEqual(appended, before)
      }).pipe(Effect.provide(layer))
    })

    it.effect("a resource in the server's scope that does not close: it ends with a warning [23]", () => {
      const { layer, logged } = logging()
      return Effect.gen(function* () {
        const stubborn = yield* makeStubborn
        const memory = Context.get(yield* Layer.build(MemoryStore.layer), ThreadStore)
        const { start } = yield* starting({
          store: Layer.effect(
            ThreadStore,
            Effect.as(
              Effect.addFinalizer(() => stubborn.wait),
              memory
            )
          )
        })
        const client = yield* start
        const stopping = yield* Effect.forkChild(client.handle.shutdown, { startImmediately: true })
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(stopping)
        assert.include(logged.join("\n"), "some resources were not released in time")
        yield* stubborn.open
      }).pipe(Effect.provide(layer))
    })
  })
})
