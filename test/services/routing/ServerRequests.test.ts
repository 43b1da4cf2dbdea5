import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { ServerRequestParams } from "../../../src/protocol/Methods.ts"
import type { Connection } from "../../../src/services/connection/Connection.ts"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import * as OutboundRouter from "../../../src/services/routing/OutboundRouter.ts"
import {
  firstIdAt,
  type PendingServerRequest,
  make,
  TurnTransition
} from "../../../src/services/routing/ServerRequests.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { received, receivedMethods, openConnection, type OpenOptions } from "../../support/Connections.ts"

const Approval = "item/commandExecution/requestApproval"

const params: ServerRequestParams<typeof Approval> = {
  kind: "command",
  threadId: "t",
  turnId: "u",
  itemId: "i",
  startedAtMs: 1,
  environmentId: "local",
  command: "ls",
  additionalPermissions: null,
  availableDecisions: ["accept", "cancel"]
}

const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }

/** Connections that are subscribed to thread `t`, and a caller. */
const setUp = <const Each extends ReadonlyArray<OpenOptions>>(...options: Each) =>
  Effect.gen(function* () {
    const router = yield* OutboundRouter.make
    const serverRequests = yield* Effect.provideService(make, OutboundRouter.OutboundRouter, router)
    const connections = yield* Effect.forEach(options, (each, id) => openConnection({ id, ...each }))
    for (const connection of connections) {
      yield* router.connect(connection)
      router.subscribe("t", connection)
    }
    const ask = (threadId = "t") => serverRequests.ask(threadId, "item/tool/call", call)
    // One for each.
    return { router, serverRequests, ask, connections: connections as { readonly [K in keyof Each]: Connection } }
  })

/** The ids of the requests that a connection received. */
const asked = (connection: Connection) =>
  Effect.map(received(connection), (messages) =>
    messages.map((message) => (message._tag === "Request" ? message.id : message._tag))
  )

/** The current outcome of a request. */
const outcome = Effect.fnUntraced(function* (request: PendingServerRequest) {
  const waiting = yield* Effect.forkChild(request.answer, { startImmediately: true })
  yield* Effect.yieldNow
  const exit = waiting.pollUnsafe()
  yield* Fiber.interrupt(waiting)
  return exit === undefined ? "pending" : Exit.isSuccess(exit) ? exit.value : yield* Effect.flip(exit)
})

const transition = new RequestError({
  code: -32603,
  message: "client request resolved because the turn state was changed",
  data: { reason: "turnTransition" }
})

describe("ServerRequests", () => {
  it.effect("sends a request to all subscribers of the thread with one id, and to no other connection", () =>
    Effect.gen(function* () {
      const { router, ask, connections } = yield* setUp({}, {}, {})
      router.unsubscribe("t", connections[2])
      yield* ask()
      yield* ask()
      assert.deepStrictEqual(yield* Effect.forEach(connections, asked), [[0, 1], [0, 1], []])
    })
  )

  it.effect("uses other ids after a restart [71]", () =>
    Effect.gen(function* () {
      const before = yield* setUp()
      const old = yield* Effect.forEach(["t", "s"], before.ask)
      yield* TestClock.adjust("1 second")
      const after = yield* setUp({})
      const next = yield* after.ask()
      assert.isAbove(next.id, Math.max(...old.map(({ id }) => id)))
      for (const { id } of old) yield* after.serverRequests.succeed(id, after.connections[0], "late")
      assert.strictEqual(yield* outcome(next), "pending")
    })
  )

  it.effect.prop(
    "has ids that are safe integers and above those of any earlier server [71]",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7e12 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9e11 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))
    ],
    ([start, life, perMillisecond]) =>
      Effect.sync(() => {
        const last = firstIdAt(start) + life * perMillisecond
        assert.isTrue(Number.isSafeInteger(last))
        assert.isAbove(firstIdAt(start + life), last)
      })
  )

  it.effect("has safe ids for any clock", () =>
    Effect.sync(() => {
      for (const now of [-1, 0, 0.5, 7_999_999_999_999.9, 8e12, Number.MAX_SAFE_INTEGER, 1e300]) {
        const id = firstIdAt(now)
        assert.isTrue(id >= 0 && Number.isSafeInteger(id + 1e15), `${now}`)
      }
    })
  )

  it.effect("numbers requests of all threads in one sequence, from 0", () =>
    Effect.gen(function* () {
      const { ask } = yield* setUp()
      const requests = yield* Effect.forEach(["t", "s", "t"], ask)
      assert.deepStrictEqual(
        requests.map(({ id }) => id),
        [0, 1, 2]
      )
    })
  )

  it.effect("orders a request with the client's other messages [19]", () =>
    Effect.gen(function* () {
      const { router, ask, connections } = yield* setUp({})
      yield* router.notify("thread/name/updated", { threadId: "t", threadName: "a" }, "t")
      yield* ask()
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* receivedMethods(connections[0]), [
        "thread/name/updated",
        "item/tool/call",
        "thread/closed"
      ])
    })
  )

  it.effect("accepts the first answer, and ignores later ones [64]", () =>
    Effect.gen(function* () {
      const { serverRequests, ask, connections } = yield* setUp({}, {})
      const [one, other] = connections
      const request = yield* ask()
      assert.strictEqual(yield* outcome(request), "pending")
      yield* serverRequests.succeed(0, other, { first: true })
      yield* serverRequests.succeed(0, one, { first: false })
      yield* serverRequests.fail(0, other, { code: 1, message: "late" })
      assert.deepStrictEqual(yield* outcome(request), { first: true })
    })
  )

  it.effect("passes an error response to the caller unchanged", () =>
    Effect.gen(function* () {
      const { serverRequests, ask, connections } = yield* setUp({})
      const [plain, detailed] = [yield* ask(), yield* ask()]
      yield* serverRequests.fail(0, connections[0], { code: -1, message: "no" })
      yield* serverRequests.fail(1, connections[0], { code: -2, message: "never", data: { why: "because" } })
      assert.deepStrictEqual(yield* outcome(plain), new RequestError({ code: -1, message: "no" }))
      assert.deepStrictEqual(
        yield* outcome(detailed),
        new RequestError({ code: -2, message: "never", data: { why: "because" } })
      )
    })
  )

  it.effect("ignores answers with any unknown id", () =>
    Effect.gen(function* () {
      const { serverRequests, ask, connections } = yield* setUp({})
      const request = yield* ask()
      for (const id of [1, -1, "0", 0n, 9007199254740993n]) {
        yield* serverRequests.succeed(id, connections[0], {})
        yield* serverRequests.fail(id, connections[0], { code: 1, message: "x" })
      }
      assert.strictEqual(yield* outcome(request), "pending")
    })
  )

  it.effect("keeps a request without subscribers for the next client", () =>
    Effect.gen(function* () {
      const { serverRequests, ask, router } = yield* setUp()
      const request = yield* ask()
      assert.strictEqual(yield* outcome(request), "pending")
      const late = yield* openConnection()
      router.subscribe("t", late)
      assert.deepStrictEqual(
        serverRequests.askAgain("t", late).map(({ id }) => id),
        [0]
      )
      yield* serverRequests.succeed(0, late, "done")
      assert.strictEqual(yield* outcome(request), "done")
    })
  )

  it.effect("repeats the pending requests of a thread with their original ids, ascending [62]", () =>
    Effect.gen(function* () {
      const { serverRequests, ask, connections } = yield* setUp({})
      for (const threadId of ["t", "s", "t", "t"]) yield* ask(threadId)
      const [connection] = connections
      yield* serverRequests.succeed(2, connection, {})
      const [first, , third] = yield* received(connection)
      const pending: ReadonlyArray<OutboundMessage | undefined> = serverRequests.askAgain("t", connection)
      assert.deepStrictEqual(pending, [first, third])
      assert.deepStrictEqual(
        serverRequests.askAgain("s", connection).map(({ id }) => id),
        [1]
      )
    })
  )

  it.effect("repeats nothing to a client that does not support it, and leaves it to another one", () =>
    Effect.gen(function* () {
      const error = { code: -32601, message: "not here" }
      const { serverRequests, ask, router } = yield* setUp()
      const request = yield* ask()
      const unable = yield* openConnection({ unsupported: { "item/tool/call": error } })
      const able = yield* openConnection({ id: 1 })
      for (const connection of [unable, able]) router.subscribe("t", connection)
      const repeated = [unable, able].map((connection) => serverRequests.askAgain("t", connection).map(({ id }) => id))
      assert.deepStrictEqual(repeated, [[], [0]])
      yield* serverRequests.succeed(0, unable, "no")
      yield* serverRequests.succeed(0, able, "done")
      assert.strictEqual(yield* outcome(request), "done")
    })
  )

  it.effect("hides experimental members only from clients that did not opt in [9]", () =>
    Effect.gen(function* () {
      const { serverRequests, connections } = yield* setUp({}, { session: { experimental: true } })
      yield* serverRequests.ask("t", Approval, params)
      const { additionalPermissions: _, availableDecisions: __, ...stable } = params
      const expected = [stable, params]
      for (const [index, connection] of connections.entries()) {
        const [message] = yield* received(connection)
        const [replayed] = serverRequests.askAgain("t", connection)
        assert.deepStrictEqual(message, {
          _tag: "Request",
          tier: "failBack",
          id: 0,
          method: Approval,
          params: expected[index]
        })
        assert.deepStrictEqual(replayed, message)
      }
    })
  )

  describe("when the turn changes", () => {
    it.effect("cancels the thread's requests with a reason other than denial, and returns their ids [65]", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({})
        const requests = yield* Effect.forEach(["t", "s", "t"], ask)
        assert.deepStrictEqual(serverRequests.cancelThread("t", TurnTransition), [0, 2])
        assert.deepStrictEqual(yield* Effect.forEach(requests, outcome), [transition, "pending", transition])
        assert.deepStrictEqual(serverRequests.askAgain("t", connections[0]), [])
        assert.deepStrictEqual(serverRequests.cancelThread("t", TurnTransition), [])
      })
    )

    it.effect("ignores later answers", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({})
        const request = yield* ask()
        serverRequests.cancelThread("t", TurnTransition)
        yield* serverRequests.succeed(0, connections[0], {})
        assert.deepStrictEqual(yield* outcome(request), transition)
      })
    )
  })

  it.effect("ends the requests of all threads when the server stops [22]", () =>
    Effect.gen(function* () {
      const { serverRequests, ask } = yield* setUp({})
      const requests = yield* Effect.forEach(["t", "s"], ask)
      yield* serverRequests.cancelAll({ code: -32603, message: "stopping" })
      const stopping = new RequestError({ code: -32603, message: "stopping" })
      assert.deepStrictEqual(yield* Effect.forEach(requests, outcome), [stopping, stopping])
    })
  )

  describe("a client that cannot take a request", () => {
    const full = new RequestError({ code: -32001, message: "no room" })
    const gone = new RequestError({ code: -32603, message: "no reader" })

    it.effect("fails the request once: with -32001 when it has no room, with -32603 when it is gone [17] [30]", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({ room: 1 })
        const [connection] = connections
        const requests = [yield* ask(), yield* ask()]
        yield* connection.outgoing.shutdown
        requests.push(yield* ask())
        assert.deepStrictEqual(yield* Effect.forEach(requests, outcome), ["pending", full, gone])
        assert.deepStrictEqual(
          serverRequests.askAgain("t", connection).map(({ id }) => id),
          [0]
        )
      })
    )

    it.effect("leaves the request to the others", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({ room: 1 }, {})
        yield* ask()
        const request = yield* ask()
        assert.strictEqual(yield* outcome(request), "pending")
        assert.deepStrictEqual(yield* asked(connections[1]), [0, 1])
        yield* serverRequests.succeed(1, connections[1], "done")
        assert.strictEqual(yield* outcome(request), "done")
      })
    )

    it.effect("delays no other client: another answer counts at once [46]", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({ room: 1, requestGrace: "5 seconds" }, {})
        yield* ask()
        const asking = yield* Effect.forkChild(
          Effect.flatMap(ask(), (request) => request.answer),
          { startImmediately: true }
        )
        assert.deepStrictEqual(yield* asked(connections[1]), [0, 1])
        yield* serverRequests.succeed(1, connections[1], "done")
        assert.strictEqual(yield* Fiber.join(asking), "done")
      })
    )

    it.effect("fails its unanswered requests, unless others may still answer [17]", () =>
      Effect.gen(function* () {
        const { router, serverRequests, ask, connections } = yield* setUp({}, {})
        const [one, other] = connections
        const refusal = { code: -32603, message: "no reader" }
        const request = yield* ask()
        yield* serverRequests.abandon(request.id, one, refusal)
        assert.strictEqual(yield* outcome(request), "pending")
        router.unsubscribe("t", other)
        yield* serverRequests.abandon(99, one, refusal)
        yield* serverRequests.abandon(request.id, other, refusal)
        assert.deepStrictEqual(yield* outcome(request), gone)
      })
    )

    const unsupported = { "item/tool/call": { code: -32000, message: "not here" } }

    it.effect("because it never answers such requests does not get them [32]", () =>
      Effect.gen(function* () {
        const { ask, connections } = yield* setUp({ unsupported })
        const request = yield* ask()
        assert.deepStrictEqual(yield* outcome(request), new RequestError({ code: -32000, message: "not here" }))
        assert.deepStrictEqual(yield* asked(connections[0]), [])
      })
    )

    it.effect("because it never answers such requests does not fail them for others [32]", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({ unsupported }, {})
        const request = yield* ask()
        assert.deepStrictEqual(yield* Effect.forEach(connections, asked), [[], [0]])
        yield* serverRequests.succeed(0, connections[1], "done")
        assert.strictEqual(yield* outcome(request), "done")
      })
    )
  })

  describe("an answer", () => {
    /** A request that was sent to one of two connections. */
    const setUpStranger = Effect.gen(function* () {
      const { router, serverRequests, ask, connections } = yield* setUp({})
      const request = yield* ask()
      const stranger = yield* openConnection({ id: 7 })
      yield* router.connect(stranger)
      return { router, serverRequests, ask, asked: connections[0], request, stranger }
    })

    /** Tries every kind of answer. */
    const attempt = Effect.fnUntraced(function* (
      { serverRequests, request }: Effect.Success<typeof setUpStranger>,
      connection: Connection
    ) {
      yield* serverRequests.succeed(request.id, connection, "forged")
      yield* serverRequests.fail(request.id, connection, { code: 1, message: "forged" })
      yield* serverRequests.abandon(request.id, connection, { code: 1, message: "forged" })
      return yield* outcome(request)
    })

    it.effect("of an unsubscribed connection is ignored, and a valid one still counts", () =>
      Effect.gen(function* () {
        const setting = yield* setUpStranger
        assert.strictEqual(yield* attempt(setting, setting.stranger), "pending")
        yield* setting.serverRequests.succeed(setting.request.id, setting.asked, "right")
        assert.strictEqual(yield* outcome(setting.request), "right")
      })
    )

    it.effect("of a subscriber of another thread is ignored", () =>
      Effect.gen(function* () {
        const setting = yield* setUpStranger
        setting.router.subscribe("s", setting.stranger)
        yield* setting.ask("s")
        assert.strictEqual(yield* attempt(setting, setting.stranger), "pending")
      })
    )

    it.effect("of a subscriber that did not get the request is ignored until it gets it", () =>
      Effect.gen(function* () {
        const setting = yield* setUpStranger
        setting.router.subscribe("t", setting.stranger)
        assert.strictEqual(yield* attempt(setting, setting.stranger), "pending")
        assert.strictEqual(setting.serverRequests.askAgain("t", setting.stranger).length, 1)
        yield* setting.serverRequests.succeed(setting.request.id, setting.stranger, "right")
        assert.strictEqual(yield* outcome(setting.request), "right")
      })
    )

    it.effect("to a later request, by a guessed id, is ignored", () =>
      Effect.gen(function* () {
        const setting = yield* setUpStranger
        yield* setting.serverRequests.succeed(1, setting.asked, "early")
        const later = yield* setting.ask()
        assert.strictEqual(yield* outcome(later), "pending")
      })
    )

    it.effect("of an unsubscribed connection is ignored; it counts after it subscribes again", () =>
      Effect.gen(function* () {
        const { asked: connection, serverRequests, request, router } = yield* setUpStranger
        router.unsubscribe("t", connection)
        yield* serverRequests.succeed(request.id, connection, "after leaving")
        assert.strictEqual(yield* outcome(request), "pending")
        router.subscribe("t", connection)
        serverRequests.askAgain("t", connection)
        yield* serverRequests.succeed(request.id, connection, "right")
        assert.strictEqual(yield* outcome(request), "right")
      })
    )

    it.effect("is awaited when all subscribers have left, until the next one subscribes", () =>
      Effect.gen(function* () {
        const { asked: connection, serverRequests, request, router, stranger } = yield* setUpStranger
        yield* router.disconnect(connection)
        yield* serverRequests.succeed(request.id, connection, "gone")
        assert.strictEqual(yield* outcome(request), "pending")
        router.subscribe("t", stranger)
        assert.deepStrictEqual(
          serverRequests.askAgain("t", stranger).map(({ id }) => id),
          [request.id]
        )
        yield* serverRequests.succeed(request.id, stranger, "next")
        assert.strictEqual(yield* outcome(request), "next")
      })
    )

    it.effect("of a connection that had no room for the request is ignored", () =>
      Effect.gen(function* () {
        const { serverRequests, ask, connections } = yield* setUp({ room: 1 }, {})
        yield* ask()
        const request = yield* ask()
        yield* serverRequests.succeed(request.id, connections[0], "unasked")
        assert.strictEqual(yield* outcome(request), "pending")
        yield* serverRequests.succeed(request.id, connections[1], "asked")
        assert.strictEqual(yield* outcome(request), "asked")
      })
    )
  })
})
