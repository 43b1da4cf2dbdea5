import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { ConnectError } from "../../../src/services/client/MessageChannel.ts"
import * as Reconnect from "../../../src/services/client/Reconnect.ts"
import * as FakeServer from "../../support/FakeServer.ts"
import { policy, connected, comeBack, turnStarted, takeN, back } from "../../support/Reconnecting.ts"
import { failureOf } from "../../support/Failures.ts"

const always = (value: number): Random.Random => ({
  nextIntUnsafe: () => 0,
  nextDoubleUnsafe: () => value
})

describe("a connection that is lost", () => {
  it.effect("fails pending requests, is reopened and reported; no request is sent twice", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      const waiting = yield* Effect.forkChild(failureOf(link.request("turn/start", {})), { startImmediately: true })
      yield* connection.receive
      yield* connection.send(turnStarted("t", "before"))
      const next = yield* comeBack(server, connection)
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error?._tag === "TransportError" ? error.reason._tag : error, "EndOfStream")
      yield* next.send(turnStarted("t", "after"))
      assert.deepStrictEqual(yield* takeN(link, 3), ["before", back, "after"])
      assert.deepStrictEqual(yield* next.unreceived, [])
    }).pipe(Effect.scoped)
  )

  it.effect("is awaited by requests that are made while it is lost", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.lose("EndOfStream", "closed the connection")
      yield* connection.closed
      const asking = yield* Effect.forkChild(link.request("model/list", {}), { startImmediately: true })
      yield* TestClock.adjust(policy.initialDelay)
      const next = yield* server.accept
      yield* FakeServer.welcome(next)
      const { id, method } = yield* next.receive
      assert.strictEqual(method, "model/list")
      yield* next.send({ id, result: "answered" })
      assert.strictEqual(yield* Fiber.join(asking), "answered")
    }).pipe(Effect.scoped)
  )

  it.effect("is retried after pauses that double up to the limit, and start again after a stable connection", () =>
    Effect.gen(function* () {
      const { server, connection } = yield* connected()
      const unreachable = new ConnectError({ reason: { _tag: "Unreachable" }, message: "refused" })
      server.refuse(unreachable, unreachable, unreachable, unreachable)
      yield* connection.lose("EndOfStream", "closed the connection")
      yield* connection.closed
      const attempts: Array<number> = []
      for (const seconds of [1, 2, 4, 8, 8]) {
        // The shortest pause is half of the longest: one millisecond earlier, the attempt has not been made.
        yield* TestClock.adjust(Duration.millis(seconds * 500 - 1))
        attempts.push(server.attempts())
        yield* TestClock.adjust(Duration.millis(seconds * 500 + 1))
        attempts.push(server.attempts())
      }
      assert.deepStrictEqual(attempts, [1, 2, 2, 3, 3, 4, 4, 5, 5, 6])
      const next = yield* server.accept
      yield* FakeServer.welcome(next)
      yield* TestClock.adjust(policy.stableAfter)
      yield* next.lose("EndOfStream", "closed the connection")
      yield* next.closed
      yield* TestClock.adjust(policy.initialDelay)
      yield* server.accept
    }).pipe(Effect.provideService(Random.Random, always(0.999)), Effect.scoped)
  )

  it.effect("counts as a further attempt when it was short", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected({ reconnect: { ...policy, maxAttempts: 2 } })
      const second = yield* comeBack(server, connection)
      yield* second.lose("EndOfStream", "closed the connection")
      yield* second.closed
      yield* TestClock.adjust("2 seconds")
      const third = yield* server.accept
      yield* FakeServer.welcome(third)
      yield* third.lose("PeerClosed", "disconnected: too many")
      assert.deepStrictEqual(yield* takeN(link, 3), [
        back,
        back,
        { _tag: "Disconnected", message: "remote app server at `ws://fake` disconnected: too many" }
      ])
      assert.strictEqual(server.attempts(), 3)
    }).pipe(Effect.scoped)
  )

  for (const kind of ["Unauthorized", "Rejected", "InvalidOptions", "ProtocolViolation"] as const) {
    it.effect(`is given up when the server is back but ${kind}`, () =>
      Effect.gen(function* () {
        const { server, connection, link } = yield* connected()
        server.refuse(new ConnectError({ reason: { _tag: kind }, message: "not like this" }))
        yield* connection.lose("EndOfStream", "closed the connection")
        yield* connection.closed
        const asking = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
        yield* TestClock.adjust(policy.initialDelay)
        assert.deepStrictEqual(yield* takeN(link, 1), [{ _tag: "Disconnected", message: "not like this" }])
        assert.isTrue(Exit.isFailure(yield* Effect.exit(link.ready)))
        assert.strictEqual(
          (yield* Fiber.join(asking))?.message,
          "model/list transport error: remote app-server worker channel is closed"
        )
        assert.strictEqual(server.attempts(), 2)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("is not reopened once the client is closed, and requests that waited for it fail", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.lose("EndOfStream", "closed the connection")
      yield* connection.closed
      const asking = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
      yield* link.close
      assert.strictEqual(
        (yield* Fiber.join(asking))?.message,
        "model/list transport error: remote app-server worker channel is closed"
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.attempts(), 1)
    }).pipe(Effect.scoped)
  )
})

describe("an idle connection", () => {
  const heartbeat = { interval: "30 seconds", deadline: "10 seconds" } as const

  it.effect("is pinged, and continues when there is a response", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected({ heartbeat })
      yield* TestClock.adjust("10 minutes")
      yield* connection.send(turnStarted("t", "still here"))
      assert.deepStrictEqual(yield* takeN(link, 1), ["still here"])
      assert.strictEqual(server.attempts(), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("is lost when there is no response in time", () =>
    Effect.gen(function* () {
      const { connection, link } = yield* connected({ heartbeat, reconnect: false })
      const waiting = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
      yield* connection.fallSilent
      yield* TestClock.adjust("39999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error?._tag === "TransportError" ? error.reason._tag : error, "TimedOut")
      assert.deepStrictEqual(yield* takeN(link, 1), [
        { _tag: "Disconnected", message: "remote app server at `ws://fake` did not respond to a ping" }
      ])
      yield* connection.closed
    }).pipe(Effect.scoped)
  )

  it.effect("is not considered dead while the consumer blocks reading", () =>
    Effect.gen(function* () {
      const { connection, link } = yield* connected({ heartbeat, events: { capacity: 1 } })
      yield* connection.fallSilent
      yield* connection.send(turnStarted("t", "1"), turnStarted("t", "2"), turnStarted("t", "3"))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* takeN(link, 3), ["1", "2", "3"])
    }).pipe(Effect.scoped)
  )
})

describe("the pause before an attempt", () => {
  const chance = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMaximum: true }))

  it.effect.prop(
    "is between half and all of its nominal length, and never above the limit",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })), chance],
    ([attempt, chance]) =>
      Effect.gen(function* () {
        const pause = Duration.toMillis(
          yield* Effect.provideService(Reconnect.pause(Reconnect.defaults, attempt), Random.Random, always(chance))
        )
        const whole = Math.min(250 * 2 ** (attempt - 1), 30_000)
        assert.isAtLeast(pause, whole / 2)
        assert.isAtMost(pause, whole)
      })
  )
})
