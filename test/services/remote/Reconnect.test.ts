import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { ConnectError } from "../../../src/services/remote/Duplex.ts"
import * as Reconnect from "../../../src/services/remote/Reconnect.ts"
import * as RemoteLink from "../../../src/services/RemoteLink.ts"
import { Extension } from "../../../src/services/Replay.ts"
import * as FakeServer from "../../support/FakeServer.ts"

const policy = { initialDelay: "1 second", maxDelay: "8 seconds", stableAfter: "1 minute" } as const

const numbered = { extensions: { [Extension]: {} } }

/** A link that comes back, and the server's end of its first connection. */
const connected = Effect.fnUntraced(function* (more: Partial<RemoteLink.RemoteOptions> = {}) {
  const server = yield* FakeServer.make
  const options = { clientName: "test", clientVersion: "1", reconnect: policy, heartbeat: false, ...more } as const
  const connecting = yield* Effect.forkChild(RemoteLink.make(server.endpoint, options))
  const connection = yield* server.accept
  const initialize = yield* FakeServer.welcome(connection, numbered)
  const { link } = yield* Fiber.join(connecting)
  return { server, connection, link, initialize }
})

/** Loses the connection, waits for the longest pause, and takes the next one. */
const comeBack = Effect.fnUntraced(function* (
  server: FakeServer.FakeServer,
  connection: FakeServer.FakeConnection,
  besides: FakeServer.Said = numbered
) {
  yield* connection.lose("UnexpectedEof", "closed the connection")
  yield* connection.closed
  yield* TestClock.adjust(policy.maxDelay)
  const next = yield* server.accept
  yield* FakeServer.welcome(next, besides)
  return next
})

const turnStarted = (threadId: string, turnId: string, seq?: number) => ({
  method: "turn/started",
  params: { threadId, turn: { id: turnId } },
  emittedAtMs: 0,
  ...(seq === undefined ? {} : { seq })
})

const started = (id: unknown, threadId: string, position?: object) => ({
  id,
  result: { thread: { id: threadId } },
  ...(position === undefined ? {} : { extensions: { [Extension]: position } })
})

const approval = (id: number, command: string) => ({
  id,
  method: "item/commandExecution/requestApproval",
  params: { threadId: "t", command }
})

const brief = (event: RemoteLinkEvent): unknown => {
  switch (event._tag) {
    case "ServerNotification": {
      const { notification } = event
      if (notification.method === "turn/started") return notification.params.turn.id
      if (notification.method === "serverRequest/resolved") return { resolved: notification.params.requestId }
      return notification.method
    }
    case "ServerRequest":
      return { asked: event.request.id }
    default:
      return event
  }
}
type RemoteLinkEvent = Effect.Success<RemoteLink.RemoteLink["take"]>

const takeN = (link: RemoteLink.RemoteLink, count: number) =>
  Effect.map(Effect.all(Array.from({ length: count }, () => link.take)), (events) => events.map(brief))

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure : undefined))

const back = { _tag: "Reconnected", thread: null }
const goesOn = (id: string, continuity: string) => ({ _tag: "Reconnected", thread: { id, continuity } })

/** Starts a thread through the link. */
const startThread = Effect.fnUntraced(function* (
  link: RemoteLink.RemoteLink,
  connection: FakeServer.FakeConnection,
  threadId: string,
  position?: object
) {
  const starting = yield* Effect.forkChild(link.request("thread/start", {}), { startImmediately: true })
  const { id } = yield* connection.hear
  yield* connection.say(started(id, threadId, position))
  yield* Fiber.join(starting)
})

describe("a connection that is lost", () => {
  it.effect("settles who waits, comes back by itself and says so; nothing is asked twice", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      const waiting = yield* Effect.forkChild(failureOf(link.request("turn/start", {})), { startImmediately: true })
      yield* connection.hear
      yield* connection.say(turnStarted("t", "before"))
      const next = yield* comeBack(server, connection)
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error?._tag === "TransportError" ? error.kind : error, "UnexpectedEof")
      yield* next.say(turnStarted("t", "after"))
      assert.deepStrictEqual(yield* takeN(link, 3), ["before", back, "after"])
      assert.deepStrictEqual(yield* next.unheard, [])
    }).pipe(Effect.scoped)
  )

  it.effect("is waited for by requests that are made meanwhile", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.lose("UnexpectedEof", "closed the connection")
      yield* connection.closed
      const asking = yield* Effect.forkChild(link.request("model/list", {}), { startImmediately: true })
      yield* TestClock.adjust(policy.initialDelay)
      const next = yield* server.accept
      yield* FakeServer.welcome(next)
      const { id, method } = yield* next.hear
      assert.strictEqual(method, "model/list")
      yield* next.say({ id, result: "answered" })
      assert.strictEqual(yield* Fiber.join(asking), "answered")
    }).pipe(Effect.scoped)
  )

  it.effect(
    "is tried again after pauses that double up to the longest, and start anew after a lasting connection",
    () =>
      Effect.gen(function* () {
        const { server, connection } = yield* connected()
        const unreachable = new ConnectError({ kind: "Unreachable", message: "refused" })
        server.refuse(unreachable, unreachable, unreachable, unreachable)
        yield* connection.lose("UnexpectedEof", "closed the connection")
        yield* connection.closed
        const attempts: Array<number> = []
        for (const seconds of [1, 2, 4, 8, 8]) {
          // The shortest pause is half of the longest: at one, the attempt has not been made.
          yield* TestClock.adjust(Duration.millis(seconds * 500 - 1))
          attempts.push(server.attempts())
          yield* TestClock.adjust(Duration.millis(seconds * 500 + 1))
          attempts.push(server.attempts())
        }
        assert.deepStrictEqual(attempts, [1, 2, 2, 3, 3, 4, 4, 5, 5, 6])
        const next = yield* server.accept
        yield* FakeServer.welcome(next)
        yield* TestClock.adjust(policy.stableAfter)
        yield* next.lose("UnexpectedEof", "closed the connection")
        yield* next.closed
        yield* TestClock.adjust(policy.initialDelay)
        yield* server.accept
      }).pipe(Effect.provideService(Random.Random, always(0.999)), Effect.scoped)
  )

  it.effect("counts as a further attempt when it did not last", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected({ reconnect: { ...policy, maxAttempts: 2 } })
      const second = yield* comeBack(server, connection)
      yield* second.lose("UnexpectedEof", "closed the connection")
      yield* second.closed
      yield* TestClock.adjust("2 seconds")
      const third = yield* server.accept
      yield* FakeServer.welcome(third)
      yield* third.lose("ConnectionAborted", "disconnected: too many")
      assert.deepStrictEqual(yield* takeN(link, 3), [
        back,
        back,
        { _tag: "Disconnected", message: "remote app server at `ws://fake` disconnected: too many" }
      ])
      assert.strictEqual(server.attempts(), 3)
    }).pipe(Effect.scoped)
  )

  for (const kind of ["Unauthorized", "Rejected", "InvalidInput", "InvalidData"] as const) {
    it.effect(`is given up when the server is back but ${kind}`, () =>
      Effect.gen(function* () {
        const { server, connection, link } = yield* connected()
        server.refuse(new ConnectError({ kind, message: "not like this" }))
        yield* connection.lose("UnexpectedEof", "closed the connection")
        yield* connection.closed
        const asking = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
        yield* TestClock.adjust(policy.initialDelay)
        assert.deepStrictEqual(yield* takeN(link, 1), [{ _tag: "Disconnected", message: "not like this" }])
        assert.isTrue(Exit.isFailure(yield* Effect.exit(link.take)))
        assert.strictEqual(
          (yield* Fiber.join(asking))?.message,
          "model/list transport error: remote app-server worker channel is closed"
        )
        assert.strictEqual(server.attempts(), 2)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("does not come back once the client is closed, and lets those go who waited for it", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.lose("UnexpectedEof", "closed the connection")
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

describe("the threads of a client that comes back", () => {
  it.effect("go on after the last number heard, and nothing is told twice", () =>
    Effect.gen(function* () {
      const { server, connection, link, initialize } = yield* connected()
      assert.deepStrictEqual((initialize["params"] as { readonly capabilities: object }).capabilities, {
        experimentalApi: false,
        extensions: { [Extension]: {} }
      })
      yield* startThread(link, connection, "t", { epoch: "e", seq: 0 })
      yield* connection.say(turnStarted("t", "one", 1), turnStarted("t", "four", 4))
      assert.deepStrictEqual(yield* takeN(link, 2), ["one", "four"])
      const next = yield* comeBack(server, connection)
      const resume = yield* next.hear
      assert.deepStrictEqual(resume, {
        id: 2,
        method: "thread/resume",
        params: { threadId: "t", excludeTurns: true },
        extensions: { [Extension]: { after: { epoch: "e", seq: 4 } } }
      })
      yield* next.say(
        started(2, "t", { epoch: "e", seq: 6, resync: false }),
        turnStarted("t", "four again", 4),
        turnStarted("t", "five", 5),
        turnStarted("t", "six", 6),
        turnStarted("t", "seven", 7)
      )
      assert.deepStrictEqual(yield* takeN(link, 5), [back, goesOn("t", "complete"), "five", "six", "seven"])
      // And the next time from there.
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual((yield* third.hear)["extensions"], { [Extension]: { after: { epoch: "e", seq: 7 } } })
    }).pipe(Effect.scoped)
  )

  it.effect("are not taken for heard by what everybody is told of them before they are resumed", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t", { epoch: "e", seq: 0 })
      yield* connection.say(turnStarted("t", "one", 1))
      const next = yield* comeBack(server, connection)
      yield* next.say(turnStarted("t", "five", 5))
      yield* next.say(
        started((yield* next.hear)["id"], "t", { epoch: "e", seq: 5, resync: false }),
        turnStarted("t", "two", 2),
        turnStarted("t", "five", 5)
      )
      assert.deepStrictEqual(yield* takeN(link, 5), ["one", back, goesOn("t", "complete"), "two", "five"])
    }).pipe(Effect.scoped)
  )

  it.effect("are said to be out of step where the server does not know any more, and counted from its word on", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t", { epoch: "e", seq: 3 })
      const next = yield* comeBack(server, connection)
      const { id } = yield* next.hear
      yield* next.say(started(id, "t", { epoch: "f", seq: 1, resync: true }), turnStarted("t", "new", 2))
      assert.deepStrictEqual(yield* takeN(link, 3), [back, goesOn("t", "resync"), "new"])
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual((yield* third.hear)["extensions"], { [Extension]: { after: { epoch: "f", seq: 2 } } })
    }).pipe(Effect.scoped)
  )

  it.effect("are followed again without numbers where the server has none", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t")
      const next = yield* comeBack(server, connection, {})
      const resume = yield* next.hear
      assert.deepStrictEqual(resume, {
        id: 2,
        method: "thread/resume",
        params: { threadId: "t", excludeTurns: true }
      })
      yield* next.say(started(2, "t"), turnStarted("t", "new"))
      assert.deepStrictEqual(yield* takeN(link, 3), [back, goesOn("t", "resync"), "new"])
    }).pipe(Effect.scoped)
  )

  it.effect("are said to be lost where the server cannot resume them, and not asked for again", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t")
      const next = yield* comeBack(server, connection)
      yield* next.say({ error: { code: -32600, message: "thread not found: t" }, id: (yield* next.hear)["id"] })
      assert.deepStrictEqual(yield* takeN(link, 2), [back, goesOn("t", "lost")])
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual(yield* third.unheard, [])
    }).pipe(Effect.scoped)
  )

  it.effect("are asked for again later when the server has no room", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t")
      const next = yield* comeBack(server, connection)
      yield* next.say({
        error: { code: -32001, message: "Server overloaded; retry later." },
        id: (yield* next.hear)["id"]
      })
      yield* TestClock.adjust("1 second")
      yield* next.say(started((yield* next.hear)["id"], "t"))
      assert.deepStrictEqual(yield* takeN(link, 2), [back, goesOn("t", "resync")])
    }).pipe(Effect.scoped)
  )

  it.effect("are not those it has left, nor those that are gone", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      for (const threadId of ["left", "closed", "kept"]) yield* startThread(link, connection, threadId)
      const leaving = yield* Effect.forkChild(link.request("thread/unsubscribe", { threadId: "left" }), {
        startImmediately: true
      })
      yield* connection.say({ id: (yield* connection.hear)["id"], result: { status: "unsubscribed" } })
      yield* Fiber.join(leaving)
      yield* connection.say({ method: "thread/closed", params: { threadId: "closed" } })
      const next = yield* comeBack(server, connection)
      assert.deepStrictEqual((yield* next.hear)["params"], { threadId: "kept", excludeTurns: true })
      assert.deepStrictEqual(yield* next.unheard, [])
    }).pipe(Effect.scoped)
  )
})

describe("what the server has asked", () => {
  it.effect("comes again with its id, and is answered once", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.say(approval(0, "ls"))
      assert.deepStrictEqual(yield* takeN(link, 1), [{ asked: 0 }])
      const next = yield* comeBack(server, connection)
      yield* next.say(approval(0, "ls"))
      assert.deepStrictEqual(yield* takeN(link, 2), [back, { asked: 0 }])
      yield* link.respond(0, { decision: "accept" })
      assert.deepStrictEqual(yield* next.hear, { id: 0, result: { decision: "accept" } })
    }).pipe(Effect.scoped)
  )

  it.effect("is never answered with what was meant for another question of the same number", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.say(approval(0, "ls"))
      // The server is another one now, and counts from the beginning.
      const next = yield* comeBack(server, connection)
      yield* next.say(approval(0, "rm -rf /"))
      assert.deepStrictEqual(yield* takeN(link, 3), [{ asked: 0 }, back, { asked: "0#1" }])
      const error = yield* failureOf(link.respond(0, { decision: "accept" }))
      assert.strictEqual(error?.message, "resolve transport error: the connection it was asked through is gone")
      assert.deepStrictEqual(yield* next.unheard, [])
      yield* next.say({ method: "serverRequest/resolved", params: { threadId: "t", requestId: 0 } })
      assert.deepStrictEqual(yield* takeN(link, 1), [{ resolved: "0#1" }])
      yield* next.say(approval(0, "rm -rf /"))
      assert.deepStrictEqual(yield* takeN(link, 1), [{ asked: "0#2" }])
      yield* link.reject("0#2", { code: -32000, message: "no" })
      assert.deepStrictEqual(yield* next.hear, { error: { code: -32000, message: "no" }, id: 0 })
    }).pipe(Effect.scoped)
  )
})

describe("a quiet connection", () => {
  const heartbeat = { interval: "30 seconds", deadline: "10 seconds" } as const

  it.effect("is asked for a sign of life, and lives on when there is one", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected({ heartbeat })
      yield* TestClock.adjust("10 minutes")
      yield* connection.say(turnStarted("t", "still here"))
      assert.deepStrictEqual(yield* takeN(link, 1), ["still here"])
      assert.strictEqual(server.attempts(), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("is lost when there is none in time", () =>
    Effect.gen(function* () {
      const { connection, link } = yield* connected({ heartbeat, reconnect: false })
      const waiting = yield* Effect.forkChild(failureOf(link.request("model/list", {})), { startImmediately: true })
      yield* connection.fallSilent
      yield* TestClock.adjust("39999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error?._tag === "TransportError" ? error.kind : error, "TimedOut")
      assert.deepStrictEqual(yield* takeN(link, 1), [
        { _tag: "Disconnected", message: "remote app server at `ws://fake` gave no sign of life" }
      ])
      yield* connection.closed
    }).pipe(Effect.scoped)
  )

  it.effect("is no dead one while the consumer holds up the reading", () =>
    Effect.gen(function* () {
      const { connection, link } = yield* connected({ heartbeat, events: { capacity: 1 } })
      yield* connection.fallSilent
      yield* connection.say(turnStarted("t", "1"), turnStarted("t", "2"), turnStarted("t", "3"))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* takeN(link, 3), ["1", "2", "3"])
    }).pipe(Effect.scoped)
  )
})

const always = (value: number): Random.Random => ({
  nextIntUnsafe: () => 0,
  nextDoubleUnsafe: () => value
})

describe("the pause before an attempt", () => {
  const chance = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMaximum: true }))

  it.effect.prop(
    "is between half of it and all of it, and never longer than the longest",
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
