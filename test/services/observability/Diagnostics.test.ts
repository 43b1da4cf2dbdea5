import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as AppServer from "../../../src/layers/AppServer.ts"
import { AppServerClient } from "../../../src/services/client/AppServerClient.ts"
import { Diagnostics } from "../../../src/services/observability/Diagnostics.ts"
import { MaxEntries, Traffic } from "../../../src/services/observability/Traffic.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { makeServer, optionsOf, userInput, type ServerOptions } from "../../support/Server.ts"
import { makeThread } from "../../support/Threads.ts"

const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }

const empty = { size: 0, capacity: 128, dropped: 0, waited: 0 }

const queues = { ingress: empty, scheduled: empty, outgoing: empty }

const open = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const server = yield* makeThread(options)
  const { snapshot } = Context.get(server.services, Diagnostics)
  return { ...server, snapshot }
})

describe("Diagnostics", () => {
  it.effect("shows connections, threads and pending server requests", () =>
    Effect.gen(function* () {
      const { connect, serverRequests, snapshot, threadId } = yield* open()
      yield* connect({ name: "watcher", channelCapacity: 2 })
      yield* serverRequests.ask(threadId, "item/tool/call", { ...call, threadId })
      const two = { ...empty, capacity: 2 }
      assert.deepStrictEqual(yield* snapshot, {
        at: 0,
        connections: [
          {
            id: 0,
            origin: "inProcess",
            client: { name: "test", version: "1" },
            running: 0,
            overloads: 0,
            queues: { ...queues, outgoing: { ...empty, size: 1 } }
          },
          {
            id: 1,
            origin: "inProcess",
            client: { name: "watcher", version: "1" },
            running: 0,
            overloads: 0,
            queues: { ingress: two, scheduled: two, outgoing: two }
          }
        ],
        scheduler: [],
        serverRequests: [{ id: 0, method: "item/tool/call", threadId, openedAt: 0, asked: [0] }],
        threads: [{ id: threadId, status: "idle", running: false, subscribers: [0], published: 1 }],
        traffic: null
      })
    })
  )

  it.effect("shows a running turn", () =>
    Effect.gen(function* () {
      const { client, snapshot, start, threadId, model } = yield* open()
      yield* start("hello")
      yield* client.notified("turn/started")
      const [{ published, ...thread } = assert.fail("no thread")] = (yield* snapshot).threads
      assert.deepStrictEqual(thread, { id: threadId, status: "active", running: true, subscribers: [0] })
      assert.isAbove(published, 1)
      yield* model.reply("done")
    })
  )

  it.effect("omits a client that has left", () =>
    Effect.gen(function* () {
      const { connect, snapshot } = yield* open()
      const client = yield* connect({ name: "guest", ownsServer: false })
      assert.strictEqual((yield* snapshot).connections.length, 2)
      yield* client.handle.shutdown
      assert.deepStrictEqual(
        (yield* snapshot).connections.map(({ client }) => client?.name),
        ["test"]
      )
    })
  )

  it.effect("shows nothing of another server", () =>
    Effect.gen(function* () {
      yield* open()
      const { services } = yield* makeServer()
      const { connections, threads } = yield* Context.get(services, Diagnostics).snapshot
      assert.deepStrictEqual({ connections, threads }, { connections: [], threads: [] })
    })
  )

  it.effect("is plain data that shares nothing with the server", () =>
    Effect.gen(function* () {
      const { serverRequests, snapshot, threadId } = yield* open({ diagnostics: { traffic: 10 } })
      yield* serverRequests.ask(threadId, "item/tool/call", { ...call, threadId })
      const first = yield* snapshot
      const text = JSON.stringify(first)
      assert.deepStrictEqual(JSON.parse(text), first)
      const wipe = (value: unknown): void => {
        if (typeof value !== "object" || value === null) return
        for (const member of Object.values(value)) wipe(member)
        for (const key of Object.keys(value)) delete (value as Record<string, unknown>)[key]
      }
      wipe(first)
      assert.strictEqual(JSON.stringify(yield* snapshot), text)
    })
  )

  it.effect("comes with the client of an embedded server", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const layer = AppServer.client({ ...optionsOf({}), clientName: "me", clientVersion: "1" }).pipe(
        Layer.provide(MemoryFiles.make().layer)
      )
      const services = yield* Layer.buildWithScope(layer, scope)
      yield* Context.get(services, AppServerClient).request("thread/start", {})
      const { connections, threads } = yield* Context.get(services, Diagnostics).snapshot
      assert.deepStrictEqual(
        connections.map(({ client }) => client),
        [{ name: "me", version: "1" }]
      )
      assert.deepStrictEqual(
        threads.map(({ subscribers }) => subscribers),
        [[0]]
      )
      yield* Scope.close(scope, Exit.void)
    })
  )

  describe("of recorded messages", () => {
    it.effect("shows requests and responses by name and size, without payloads", () =>
      Effect.gen(function* () {
        const { client, model, snapshot, start, threadId } = yield* open({ diagnostics: { traffic: 1000 } })
        const before = (yield* snapshot).traffic?.length ?? 0
        yield* start("open sesame")
        yield* model.reply("a secret answer")
        yield* client.notified("turn/completed")
        const { traffic } = yield* snapshot
        const seen = (traffic ?? []).slice(before)
        const size = JSON.stringify({ threadId, input: userInput("open sesame") }).length
        assert.deepStrictEqual(seen[0], {
          at: 0,
          connection: 0,
          direction: "in",
          kind: "request",
          method: "turn/start",
          id: 2,
          size
        })
        assert.deepInclude(seen[1], { direction: "out", kind: "result", method: null, id: 2 })
        assert.deepInclude(seen.at(-1), { direction: "out", kind: "notification", method: "turn/completed", id: null })
        for (const word of ["sesame", "secret"]) assert.notInclude(JSON.stringify(traffic), word)
      })
    )

    it.effect("includes server requests, their answers, and errors", () =>
      Effect.gen(function* () {
        const { client, serverRequests, snapshot, threadId } = yield* open({ diagnostics: { traffic: 3 } })
        yield* serverRequests.ask(threadId, "item/tool/call", { ...call, threadId })
        const { id } = yield* client.asked
        yield* client.handle.respondToServerRequest(id, { success: true, contentItems: [] })
        yield* Effect.exit(client.request("thread/read", { threadId: "none" }))
        const { traffic } = yield* snapshot
        assert.deepStrictEqual(
          traffic?.map(({ direction, kind, method }) => ({ direction, kind, method })),
          [
            { direction: "in", kind: "result", method: null },
            { direction: "in", kind: "request", method: "thread/read" },
            { direction: "out", kind: "error", method: null }
          ]
        )
      })
    )

    it.effect.prop(
      "keeps the last ones in order, up to its capacity",
      [Schema.Array(Schema.String), Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 20 }))],
      ([methods, capacity]) =>
        Effect.sync(() => {
          const traffic = new Traffic(capacity, () => 5)
          for (const method of methods) {
            traffic.record({ connection: 1, direction: "in", kind: "notification", method, payload: undefined })
          }
          assert.deepStrictEqual(
            traffic.entries.map(({ method }) => method),
            methods.slice(-Math.max(1, capacity)).map((method) => method.slice(0, 128))
          )
        })
    )

    it.effect("bounds the texts of clients", () =>
      Effect.sync(() => {
        const traffic = new Traffic(Infinity, () => 0)
        const long = "x".repeat(1000)
        const circle: Record<string, unknown> = {}
        circle["circle"] = circle
        const seen = { connection: 1, direction: "in", kind: "request", method: long } as const
        traffic.record({ ...seen, id: long, payload: circle })
        traffic.record({ ...seen, id: 2n ** 70n, payload: () => 1 })
        assert.deepStrictEqual(
          traffic.entries.map(({ id, method, size }) => ({ id, length: method?.length, size })),
          [
            { id: `${long.slice(0, 127)}…`, length: 128, size: null },
            { id: `${2n ** 70n}`, length: 128, size: null }
          ]
        )
        for (let more = 0; more < MaxEntries + 5; more++) traffic.record({ ...seen, id: more, payload: undefined })
        assert.strictEqual(traffic.entries.length, MaxEntries)
        assert.deepInclude(traffic.entries[0], { id: 5, size: 0 })
      })
    )
  })
})
