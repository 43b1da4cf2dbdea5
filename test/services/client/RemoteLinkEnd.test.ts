import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { TransportError } from "../../../src/services/client/ClientError.ts"
import type { ConnectionLost } from "../../../src/services/client/MessageChannel.ts"
import type * as FakeServer from "../../support/FakeServer.ts"
import { connected, delta, takeN, takeAll } from "../../support/RemoteLinks.ts"
import { failureOf } from "../../support/Failures.ts"

describe("a lost connection", () => {
  const causes: ReadonlyArray<{
    readonly name: string
    readonly kind: ConnectionLost["reason"]["_tag"]
    readonly message: string
    readonly lose: (connection: FakeServer.FakeConnection) => Effect.Effect<void>
  }> = [
    {
      name: "that the server closed",
      kind: "PeerClosed",
      message: "disconnected: restarting",
      lose: (connection) => connection.lose("PeerClosed", "disconnected: restarting")
    },
    {
      name: "that ended without a close",
      kind: "EndOfStream",
      message: "closed the connection",
      lose: (connection) => connection.lose("EndOfStream", "closed the connection")
    },
    {
      name: "whose transport failed",
      kind: "ProtocolViolation",
      message: "transport failed: reset",
      lose: (connection) => connection.lose("ProtocolViolation", "transport failed: reset")
    },
    {
      name: "that received text that is not JSON",
      kind: "ProtocolViolation",
      message: "sent invalid JSON-RPC: not JSON",
      lose: (connection) => connection.sayText("{")
    },
    {
      name: "that received JSON that is not a message",
      kind: "ProtocolViolation",
      message: "sent invalid JSON-RPC: neither a method nor an id",
      lose: (connection) => connection.sayText("{}")
    }
  ]

  for (const { name, kind, message, lose } of causes) {
    it.effect(`${name} fails every pending request with ${kind}, is reported once and ends the events [40]`, () =>
      Effect.gen(function* () {
        const { link, connection } = yield* connected()
        const waiting = yield* Effect.forkChild(
          Effect.all([failureOf(link.request("model/list", {})), failureOf(link.request("turn/start", {}))], {
            concurrency: "unbounded"
          }),
          { startImmediately: true }
        )
        yield* connection.send(delta(1))
        yield* lose(connection)
        const text = `remote app server at \`ws://fake\` ${message}`
        const errors = yield* Fiber.join(waiting)
        assert.deepStrictEqual(
          errors.map((error) => error?._tag === "TransportError" && [error.method, error.reason._tag, error.detail]),
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

  it.effect("on which a request cannot be written fails every pending request with WriteFailed [40]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      const waiting = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
      yield* connection.breakPipe
      const kindOf = (error: { readonly _tag: string } | undefined) =>
        error !== undefined && "reason" in error ? (error as TransportError).reason._tag : error
      assert.strictEqual(kindOf(yield* failureOf(link.request("turn/start", {}))), "WriteFailed")
      assert.strictEqual(kindOf(yield* Fiber.join(waiting)), "WriteFailed")
      assert.deepStrictEqual(yield* takeAll(link), [
        { _tag: "Disconnected", message: "remote app server at `ws://fake` write failed: EPIPE" }
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("also fails requests that were not delivered [40]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.clog
      const waiting = yield* Effect.forkChild(
        Effect.all([failureOf(link.request("model/list", {})), failureOf(link.notify("initialized", undefined))], {
          concurrency: "unbounded"
        }),
        { startImmediately: true }
      )
      yield* connection.lose("EndOfStream", "closed the connection")
      const errors = yield* Fiber.join(waiting)
      assert.deepStrictEqual(
        errors.map((error) => error?._tag === "TransportError" && error.reason._tag),
        ["EndOfStream", "EndOfStream"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is not caused by a response that cannot be written: only its sender gets the error", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.breakPipe
      const errors = yield* Effect.all([
        failureOf(link.respond(1, {})),
        failureOf(link.reject(1, { code: 1, message: "" })),
        failureOf(link.notify("initialized", undefined))
      ])
      assert.deepStrictEqual(
        errors.map((error) => error?.reason._tag),
        ["WriteFailed", "WriteFailed", "WriteFailed"]
      )
      yield* connection.send(delta(1))
      assert.deepStrictEqual(yield* takeN(link, 1), ["1"])
    }).pipe(Effect.scoped)
  )
})

describe("an intentional close", () => {
  it.effect("fails pending requests without an event; a second close does nothing [43]", () =>
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

  it.effect("succeeds when the server closed first [43]", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* connected()
      yield* connection.lose("EndOfStream", "closed the connection")
      yield* connection.closed
      yield* link.close
      assert.deepStrictEqual(yield* takeAll(link), [])
    }).pipe(Effect.scoped)
  )

  it.effect("happens with the scope", () =>
    Effect.gen(function* () {
      const { link, connection } = yield* Effect.scoped(connected())
      yield* connection.closed
      assert.deepStrictEqual(yield* takeAll(link), [])
    })
  )
})
