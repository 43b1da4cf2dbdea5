import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Connection } from "../../../src/services/connection/Connection.ts"
import { encode } from "../../../src/services/routing/OutboundMessage.ts"
import * as OutboundRouter from "../../../src/services/routing/OutboundRouter.ts"
import { received, receivedMethods, openConnection, type OpenOptions, sessionOf } from "../../support/Connections.ts"
import { takeFrom } from "../../support/Queues.ts"

interface Options extends OpenOptions {
  readonly follows?: boolean
}

/** A router with open connections, some of which are subscribed to thread `t`. */
const setUp = <const Each extends ReadonlyArray<Options>>(...options: Each) =>
  Effect.gen(function* () {
    const router = yield* OutboundRouter.make
    const connections = yield* Effect.forEach(options, (each, id) => openConnection({ id, ...each }))
    for (const [index, connection] of connections.entries()) {
      yield* router.connect(connection)
      if (options[index]?.follows === true) router.subscribe("t", connection)
    }
    // One for each.
    return { router, connections: connections as { readonly [K in keyof Each]: Connection } }
  })

const idle = { threadId: "t", status: { type: "idle" } } as const
const delta = { threadId: "t", turnId: "u", itemId: "i", delta: "x" }
const backlog = { messages: 100, bytes: 1000 }
const changed = { threadId: "t", threadName: "name" }

describe("OutboundRouter", () => {
  it.effect("sends events of a thread to its subscribers only [61]", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({ follows: true }, {}, { follows: true })
      yield* router.notify("item/agentMessage/delta", delta, "t")
      assert.deepStrictEqual(yield* Effect.forEach(connections, receivedMethods), [
        ["item/agentMessage/delta"],
        [],
        ["item/agentMessage/delta"]
      ])
    })
  )

  it.effect("broadcasts the start, status and end of threads [61]", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({ follows: true }, {})
      yield* router.notify("thread/status/changed", idle, "t")
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      for (const connection of connections) {
        assert.deepStrictEqual(yield* receivedMethods(connection), ["thread/status/changed", "thread/closed"])
      }
    })
  )

  it.effect("broadcasts notifications without a thread", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({}, {})
      yield* router.notify("warning", { threadId: null, message: "m" }, null)
      for (const connection of connections) assert.deepStrictEqual(yield* receivedMethods(connection), ["warning"])
    })
  )

  it.effect("sends nothing to an uninitialized connection [6]", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({ session: null, follows: true })
      const [connection] = connections
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      yield* router.notify("item/agentMessage/delta", delta, "t")
      yield* router.notifyConnection(connection, "thread/closed", { threadId: "t" })
      assert.isUndefined(router.message(connection, "thread/closed", { threadId: "t" }, 0))
      assert.deepStrictEqual(yield* received(connection), [])
      connection.initialize(sessionOf())
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* receivedMethods(connection), ["thread/closed"])
    })
  )

  it.effect("omits opted-out notifications by exact name, for that connection only [7]", () =>
    Effect.gen(function* () {
      const optedOut = new Set(["thread/closed", "thread/status", "no/such"])
      const { router, connections } = yield* setUp({ session: { optedOut } }, {})
      yield* router.notify("thread/status/changed", idle, "t")
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* Effect.forEach(connections, receivedMethods), [
        ["thread/status/changed"],
        ["thread/status/changed", "thread/closed"]
      ])
      assert.isUndefined(router.message(connections[0], "thread/closed", { threadId: "t" }, 0))
    })
  )

  it.effect("sends experimental notifications only to clients that opted in", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp(
        { follows: true },
        { follows: true, session: { experimental: true } }
      )
      yield* router.notify("thread/queue/changed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* Effect.forEach(connections, receivedMethods), [[], ["thread/queue/changed"]])
    })
  )

  it.effect("sends to a single connection without a subscription", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({}, {})
      yield* router.notifyConnection(connections[0], "thread/name/updated", changed)
      assert.deepStrictEqual(yield* Effect.forEach(connections, receivedMethods), [["thread/name/updated"], []])
    })
  )

  it.effect("stamps notifications with the time of publication", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({})
      yield* TestClock.setTime(1_700_000_000_123)
      yield* router.notify("thread/name/updated", changed, "t")
      const [message] = yield* received(connections[0])
      assert.deepStrictEqual(JSON.parse(encode(message!)), {
        method: "thread/name/updated",
        params: changed,
        emittedAtMs: 1_700_000_000_123
      })
    })
  )

  it.effect("encodes a notification once for all receivers", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({}, {}, {})
      let encoded = 0
      const params = {
        threadId: "t",
        get threadName() {
          encoded++
          return "name"
        }
      }
      yield* router.notify("thread/name/updated", params, "t")
      const texts = yield* Effect.forEach(connections, (connection) =>
        Effect.map(received(connection), (messages) => messages.map((message) => encode(message)))
      )
      assert.strictEqual(encoded, 1)
      assert.strictEqual(new Set(texts.flat()).size, 1)
    })
  )

  describe("a slow connection", () => {
    it.effect("makes the producer of a lossless notification wait, and delays no other connection [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true, room: 1 }, { follows: true })
        yield* router.notify("item/agentMessage/delta", delta, "t")
        const telling = yield* Effect.forkChild(router.notify("item/agentMessage/delta", delta, "t"), {
          startImmediately: true
        })
        assert.isUndefined(telling.pollUnsafe())
        const [slow, quick] = connections
        assert.strictEqual((yield* received(quick)).length, 2)
        yield* takeFrom(slow.outgoing)
        yield* Fiber.join(telling)
      })
    )

    it.effect("that is evictable delays no producer while another keeps up, and misses nothing [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1, backlog },
          { follows: true, backlog },
          { follows: true }
        )
        const publish = router.notify("item/agentMessage/delta", delta, "t")
        for (let published = 0; published < 5; published++) yield* publish
        router.unsubscribe("t", connections[2])
        for (let published = 0; published < 5; published++) yield* publish
        assert.deepStrictEqual(
          (yield* Effect.forEach(connections, received)).map(({ length }) => length),
          [10, 10, 5]
        )
      })
    )

    it.effect("that is evictable paces the producer when none keeps up: the fastest one counts [46]", () =>
      Effect.gen(function* () {
        const slow = { follows: true, room: 1, backlog }
        const { router, connections } = yield* setUp(slow, slow)
        const publish = router.notify("item/agentMessage/delta", delta, "t")
        yield* publish
        const telling = yield* Effect.forkChild(publish, { startImmediately: true })
        assert.isUndefined(telling.pollUnsafe())
        const [stopped, reading] = connections
        yield* received(reading)
        yield* Fiber.join(telling)
        assert.isFalse(stopped.outgoing.isCutOff)
      })
    )

    it.effect("that is not evictable always paces the producer, and no other connection does [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1 },
          { follows: true, room: 1, backlog },
          { follows: true, backlog }
        )
        const publish = router.notify("item/agentMessage/delta", delta, "t")
        yield* publish
        const telling = yield* Effect.forkChild(publish, { startImmediately: true })
        assert.isUndefined(telling.pollUnsafe())
        yield* takeFrom(connections[0].outgoing)
        yield* Fiber.join(telling)
      })
    )

    it.effect("that is evicted gets nothing more, and its subscription delays no producer [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1, backlog: { messages: 2, bytes: 1000 } },
          { follows: true, backlog }
        )
        const [slow, quick] = connections
        const publish = router.notify("item/agentMessage/delta", delta, "t")
        for (let published = 0; published < 10; published++) yield* publish
        assert.isTrue(slow.outgoing.isCutOff)
        assert.deepStrictEqual([(yield* received(slow)).length, (yield* received(quick)).length], [0, 10])
      })
    )

    it.effect("that was evicted does not count as one that keeps up [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1, backlog: { messages: 1, bytes: 1000 } },
          { follows: true, room: 1, backlog }
        )
        const [gone, slow] = connections
        const publish = router.notify("item/agentMessage/delta", delta, "t")
        yield* gone.outgoing.shutdown
        yield* publish
        const telling = yield* Effect.forkChild(publish, { startImmediately: true })
        assert.isUndefined(telling.pollUnsafe())
        yield* received(slow)
        yield* Fiber.join(telling)
      })
    )

    it.effect("gets only the newest status of each thread", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ room: 1 })
        const [connection] = connections
        const publish = (threadId: string, type: "idle" | "systemError") =>
          router.notify("thread/status/changed", { threadId, status: { type } }, threadId)
        yield* publish("held", "idle")
        yield* publish("t", "idle")
        yield* publish("s", "idle")
        yield* publish("t", "systemError")
        const seen = (yield* received(connection)).map((message) => "params" in message && message.params)
        assert.deepStrictEqual(seen, [
          { threadId: "held", status: { type: "idle" } },
          { threadId: "s", status: { type: "idle" } },
          { threadId: "t", status: { type: "systemError" } }
        ])
      })
    )

    it.effect("loses warnings, and gets their number", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true, room: 1 })
        const [connection] = connections
        yield* router.notify("item/agentMessage/delta", delta, "t")
        yield* router.notify("warning", { threadId: "t", message: "a" }, "t")
        yield* router.notify("warning", { threadId: "t", message: "b" }, "t")
        yield* Effect.forkChild(router.notify("item/agentMessage/delta", delta, "t"), { startImmediately: true })
        assert.deepStrictEqual(
          (yield* received(connection)).map((message) => (message._tag === "Lagged" ? message.skipped : message._tag)),
          ["Notification", 2, "Notification"]
        )
      })
    )
  })

  describe("a subscription", () => {
    it.effect("is added and removed by subscribing and unsubscribing", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({}, {})
        const [a, b] = connections
        assert.isTrue(router.subscribe("t", a))
        assert.isFalse(router.subscribe("t", a))
        assert.isTrue(router.subscribe("t", b))
        assert.deepStrictEqual(router.subscribers("t"), [a, b])
        assert.isTrue(router.unsubscribe("t", a))
        assert.isFalse(router.unsubscribe("t", a))
        assert.isFalse(router.unsubscribe("s", a))
        assert.deepStrictEqual(router.subscribers("t"), [b])
        assert.deepStrictEqual(router.subscribers("s"), [])
      })
    )

    it.effect("takes effect at the next event", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true })
        const [connection] = connections
        yield* router.notify("item/agentMessage/delta", delta, "t")
        router.unsubscribe("t", connection)
        yield* router.notify("item/agentMessage/delta", delta, "t")
        assert.strictEqual((yield* received(connection)).length, 1)
      })
    )

    it.effect("ends for all threads with the connection, which receives nothing more [58]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true }, { follows: true })
        const [gone, other] = connections
        router.subscribe("s", gone)
        yield* router.disconnect(gone)
        assert.deepStrictEqual(router.connections(), [other])
        assert.deepStrictEqual([router.subscribers("t"), router.subscribers("s")], [[other], []])
        yield* router.notify("thread/closed", { threadId: "t" }, "t")
        assert.deepStrictEqual(yield* Effect.forEach(connections, receivedMethods), [[], ["thread/closed"]])
      })
    )

    it.effect("cannot begin on a connection that has closed", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({})
        const [connection] = connections
        connection.close()
        assert.isFalse(router.subscribe("t", connection))
        assert.deepStrictEqual(router.subscribers("t"), [])
      })
    )

    it.effect("is removed with the thread", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true })
        router.forget("t")
        assert.deepStrictEqual(router.subscribers("t"), [])
        assert.isFalse(router.unsubscribe("t", connections[0]))
      })
    )

    it.effect("is reported to listeners, once per change", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({}, {})
        const [a, b] = connections
        const changes: Array<string> = []
        yield* router.onAudienceChange((threadId) => void changes.push(threadId))
        router.subscribe("t", a)
        router.subscribe("t", a)
        router.subscribe("s", b)
        router.unsubscribe("t", b)
        router.unsubscribe("t", a)
        yield* router.disconnect(b)
        assert.deepStrictEqual(changes, ["t", "s", "t", "s"])
      })
    )
  })
})
