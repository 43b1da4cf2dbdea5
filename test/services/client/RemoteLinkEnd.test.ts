import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ConnectionLost } from "../../../src/services/client/MessageChannel.ts"
import type * as FakeServer from "../../support/FakeServer.ts"
import { connected, delta, takeN, takeAll } from "../../support/RemoteLinks.ts"
import { failureOf } from "../../support/Failures.ts"

describe("a lost connection", () => {
  const causes: ReadonlyArray<{
    readonly name: string
    readonly kind: ConnectionLost["kind"]
    readonly message: string
    readonly lose: (connection: FakeServer.FakeConnection) => Effect.Effect<void>
  }> = [
    {
      name: "that the server closed",
      kind: "ConnectionAborted",
      message: "disconnected: restarting",
      lose: (connection) => connection.lose("ConnectionAborted", "disconnected: restarting")
    },
    {
      name: "that just ended",
      kind: "UnexpectedEof",
      message: "closed the connection",
      lose: (connection) => connection.lose("UnexpectedEof", "closed the connection")
    },
    {
      name: "whose transport failed",
      kind: "InvalidData",
      message: "transport failed: reset",
      lose: (connection) => connection.lose("InvalidData", "transport failed: reset")
    },
    {
      name: "on which came what is no JSON",
      kind: "InvalidData",
      message: "sent invalid JSON-RPC: not JSON",
      lose: (connection) => connection.sayText("{")
    },
    {
      name: "on which came what is no message",
      kind: "InvalidData",
      message: "sent invalid JSON-RPC: neither a method nor an id",
      lose: (connection) => connection.sayText("{}")
    }
  ]

  for (const { name, kind, message, lose } of causes) {
    it.effect(`${name} fails every waiter with ${kind}, tells it once and ends the events [40]`, () =>
      Effect.gen(function* () {
        const { link, connection } = yield* connected()
        const waiting = yield* Effect.forkChild(
          Effect.all([failureOf(link.request("model/list", {})), failureOf(link.request("turn/start", {}))], {
            concurrency: "unbounded"
          }),
          { startImmediately: true }
        )
        yield* connection.say(delta(1))
        yield* lose(connection)
        const text = `remote app server at \`ws://fake\` ${message}`
        const errors = yield* Fiber.join(waiting)
        assert.deepStrictEqual(
          errors.map((error) => error?._tag === "TransportError" && [error.method, error.kind, error.detail]),
          [
            ["model/list", kind, text],
            ["turn/start", kind, text]
          ]
        )
        assert.deepStrictEqual(yield* takeAll(link), ["1", { _tag: "Disconnected", message: text }])
        const later = yield* failureOf(link.request("model/list", {}))
        assert.strictEqual(later?.message, "model/list transport error: remote app-server worker channel is closed")
        yield* connection.closed
      }).pipe(Effect.scoped)
    )
  }

  it.effect("on which a request cannot be written is a broken pipe for everybody [40]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const waiting = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
      yield* connection.breakPipe
      const kindOf = (error: { readonly _tag: string } | undefined) =>
        error !== undefined && "kind" in error ? error.kind : error
      assert.strictEqual(kindOf(yield* failureOf(link.request("turn/start", {}))), "BrokenPipe")
      assert.strictEqual(kindOf(yield* Fiber.join(waiting)), "BrokenPipe")
      assert.deepStrictEqual(yield* takeAll(link), [
        { _tag: "Disconnected", message: "remote app server at `ws://fake` write failed: EPIPE" }
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("settles those too whose messages have not got through [40]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.clog
      const waiting = yield* Effect.forkChild(
        Effect.all([failureOf(link.request("model/list", {})), failureOf(link.notify("initialized", undefined))], {
          concurrency: "unbounded"
        }),
        { startImmediately: true }
      )
      yield* connection.lose("UnexpectedEof", "closed the connection")
      const errors = yield* Fiber.join(waiting)
      assert.deepStrictEqual(
        errors.map((error) => error?._tag === "TransportError" && error.kind),
        ["UnexpectedEof", "UnexpectedEof"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is not made of an answer that cannot be written: only its sender is told", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.breakPipe
      const errors = yield* Effect.all([
        failureOf(link.respond(1, {})),
        failureOf(link.reject(1, { code: 1, message: "" })),
        failureOf(link.notify("initialized", undefined))
      ])
      assert.deepStrictEqual(
        errors.map((error) => error?.kind),
        ["BrokenPipe", "BrokenPipe", "BrokenPipe"]
      )
      yield* connection.say(delta(1))
      assert.deepStrictEqual(yield* takeN(link, 1), ["1"])
    }).pipe(Effect.scoped)
  )
})

describe("the end on purpose", () => {
  it.effect("fails who waits, and tells no event; a second one is nothing [43]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const waiting = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
      const taking = yield* Effect.forkChild(takeAll(link), { startImmediately: true })
      yield* link.close
      yield* link.close
      assert.strictEqual(
        (yield* Fiber.join(waiting))?.message,
        "model/list transport error: remote app-server worker channel is closed"
      )
      assert.deepStrictEqual(yield* Fiber.join(taking), [])
      yield* connection.closed
      const later = yield* failureOf(link.request("model/list", {}))
      assert.strictEqual(later?.message, "model/list transport error: remote app-server worker channel is closed")
    }).pipe(Effect.scoped)
  )

  it.effect("succeeds when the server went first [43]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.lose("UnexpectedEof", "closed the connection")
      yield* connection.closed
      yield* link.close
      assert.deepStrictEqual(yield* takeAll(link), [])
    }).pipe(Effect.scoped)
  )

  it.effect("comes with the scope", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* Effect.scoped(connected())
      yield* connection.closed
      assert.deepStrictEqual(yield* takeAll(link), [])
    })
  )
})
