import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Connection } from "../../../src/services/connection/Connection.ts"
import { encode } from "../../../src/services/routing/OutboundMessage.ts"
import * as OutboundRouter from "../../../src/services/routing/OutboundRouter.ts"
import { heard, heardMethods, openConnection, type OpenOptions, sessionOf } from "../../support/Connections.ts"

interface Options extends OpenOptions {
  readonly follows?: boolean
}

/** A router with connections that are open and follow thread `t` where they should. */
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
  it.effect("tells only those who follow the thread what happens in it [61]", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({ follows: true }, {}, { follows: true })
      yield* router.notify("item/agentMessage/delta", delta, "t")
      assert.deepStrictEqual(yield* Effect.forEach(connections, heardMethods), [
        ["item/agentMessage/delta"],
        [],
        ["item/agentMessage/delta"]
      ])
    })
  )

  it.effect("tells everyone how threads come, are and go, whoever follows them [61]", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({ follows: true }, {})
      yield* router.notify("thread/status/changed", idle, "t")
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      for (const connection of connections) {
        assert.deepStrictEqual(yield* heardMethods(connection), ["thread/status/changed", "thread/closed"])
      }
    })
  )

  it.effect("tells everyone what belongs to no thread", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({}, {})
      yield* router.notify("warning", { threadId: null, message: "m" }, null)
      for (const connection of connections) assert.deepStrictEqual(yield* heardMethods(connection), ["warning"])
    })
  )

  it.effect("tells a connection nothing before it has initialised [6]", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({ session: null, follows: true })
      const [connection] = connections
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      yield* router.notify("item/agentMessage/delta", delta, "t")
      yield* router.notifyConnection(connection, "thread/closed", { threadId: "t" })
      assert.isUndefined(router.message(connection, "thread/closed", { threadId: "t" }, 0))
      assert.deepStrictEqual(yield* heard(connection), [])
      connection.initialize(sessionOf())
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* heardMethods(connection), ["thread/closed"])
    })
  )

  it.effect("leaves out what a connection opted out of, by the exact name and for it alone [7]", () =>
    Effect.gen(function* () {
      const optedOut = new Set(["thread/closed", "thread/status", "no/such"])
      const { router, connections } = yield* setUp({ session: { optedOut } }, {})
      yield* router.notify("thread/status/changed", idle, "t")
      yield* router.notify("thread/closed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* Effect.forEach(connections, heardMethods), [
        ["thread/status/changed"],
        ["thread/status/changed", "thread/closed"]
      ])
      assert.isUndefined(router.message(connections[0], "thread/closed", { threadId: "t" }, 0))
    })
  )

  it.effect("keeps experimental notifications from clients that did not ask for them", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp(
        { follows: true },
        { follows: true, session: { experimental: true } }
      )
      yield* router.notify("thread/queue/changed", { threadId: "t" }, "t")
      assert.deepStrictEqual(yield* Effect.forEach(connections, heardMethods), [[], ["thread/queue/changed"]])
    })
  )

  it.effect("tells one connection what is for it alone, though it follows nothing", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({}, {})
      yield* router.notifyConnection(connections[0], "thread/name/updated", changed)
      assert.deepStrictEqual(yield* Effect.forEach(connections, heardMethods), [["thread/name/updated"], []])
    })
  )

  it.effect("stamps what it tells with the time at which it was told", () =>
    Effect.gen(function* () {
      const { router, connections } = yield* setUp({})
      yield* TestClock.setTime(1_700_000_000_123)
      yield* router.notify("thread/name/updated", changed, "t")
      const [message] = yield* heard(connections[0])
      assert.deepStrictEqual(JSON.parse(encode(message!)), {
        method: "thread/name/updated",
        params: changed,
        emittedAtMs: 1_700_000_000_123
      })
    })
  )

  it.effect("makes the text of a notification once, however many hear it", () =>
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
        Effect.map(heard(connection), (messages) => messages.map((message) => encode(message)))
      )
      assert.strictEqual(encoded, 1)
      assert.strictEqual(new Set(texts.flat()).size, 1)
    })
  )

  describe("a slow connection", () => {
    it.effect("makes the teller of something lossless wait, and delays no other connection [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true, room: 1 }, { follows: true })
        yield* router.notify("item/agentMessage/delta", delta, "t")
        const telling = yield* Effect.forkChild(router.notify("item/agentMessage/delta", delta, "t"), {
          startImmediately: true
        })
        assert.isUndefined(telling.pollUnsafe())
        const [slow, quick] = connections
        assert.strictEqual((yield* heard(quick)).length, 2)
        yield* slow.outgoing.take
        yield* Fiber.join(telling)
      })
    )

    it.effect("that can be cut off delays nobody while another keeps up, and misses nothing [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1, backlog },
          { follows: true, backlog },
          { follows: true }
        )
        const tell = router.notify("item/agentMessage/delta", delta, "t")
        for (let told = 0; told < 5; told++) yield* tell
        router.unsubscribe("t", connections[2])
        for (let told = 0; told < 5; told++) yield* tell
        assert.deepStrictEqual(
          (yield* Effect.forEach(connections, heard)).map(({ length }) => length),
          [10, 10, 5]
        )
      })
    )

    it.effect("that can be cut off sets the pace when nobody keeps up, the quickest of them [46]", () =>
      Effect.gen(function* () {
        const slow = { follows: true, room: 1, backlog }
        const { router, connections } = yield* setUp(slow, slow)
        const tell = router.notify("item/agentMessage/delta", delta, "t")
        yield* tell
        const telling = yield* Effect.forkChild(tell, { startImmediately: true })
        assert.isUndefined(telling.pollUnsafe())
        const [stopped, reading] = connections
        yield* heard(reading)
        yield* Fiber.join(telling)
        assert.isFalse(stopped.outgoing.isCutOff)
      })
    )

    it.effect("that cannot be cut off is waited for, whoever keeps up, and nobody else is [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1 },
          { follows: true, room: 1, backlog },
          { follows: true, backlog }
        )
        const tell = router.notify("item/agentMessage/delta", delta, "t")
        yield* tell
        const telling = yield* Effect.forkChild(tell, { startImmediately: true })
        assert.isUndefined(telling.pollUnsafe())
        yield* connections[0].outgoing.take
        yield* Fiber.join(telling)
      })
    )

    it.effect("that is cut off gets nothing more, and its place in the audience delays nobody [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1, backlog: { messages: 2, bytes: 1000 } },
          { follows: true, backlog }
        )
        const [slow, quick] = connections
        const tell = router.notify("item/agentMessage/delta", delta, "t")
        for (let told = 0; told < 10; told++) yield* tell
        assert.isTrue(slow.outgoing.isCutOff)
        assert.deepStrictEqual([(yield* heard(slow)).length, (yield* heard(quick)).length], [0, 10])
      })
    )

    it.effect("that has been cut off does not count as one that keeps up [46]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp(
          { follows: true, room: 1, backlog: { messages: 1, bytes: 1000 } },
          { follows: true, room: 1, backlog }
        )
        const [gone, slow] = connections
        const tell = router.notify("item/agentMessage/delta", delta, "t")
        yield* gone.outgoing.shutdown
        yield* tell
        const telling = yield* Effect.forkChild(tell, { startImmediately: true })
        assert.isUndefined(telling.pollUnsafe())
        yield* heard(slow)
        yield* Fiber.join(telling)
      })
    )

    it.effect("gets the newest status of each thread only", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ room: 1 })
        const [connection] = connections
        const tell = (threadId: string, type: "idle" | "systemError") =>
          router.notify("thread/status/changed", { threadId, status: { type } }, threadId)
        yield* tell("held", "idle")
        yield* tell("t", "idle")
        yield* tell("s", "idle")
        yield* tell("t", "systemError")
        const seen = (yield* heard(connection)).map((message) => "params" in message && message.params)
        assert.deepStrictEqual(seen, [
          { threadId: "held", status: { type: "idle" } },
          { threadId: "s", status: { type: "idle" } },
          { threadId: "t", status: { type: "systemError" } }
        ])
      })
    )

    it.effect("loses warnings, and is told how many", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true, room: 1 })
        const [connection] = connections
        yield* router.notify("item/agentMessage/delta", delta, "t")
        yield* router.notify("warning", { threadId: "t", message: "a" }, "t")
        yield* router.notify("warning", { threadId: "t", message: "b" }, "t")
        yield* Effect.forkChild(router.notify("item/agentMessage/delta", delta, "t"), { startImmediately: true })
        assert.deepStrictEqual(
          (yield* heard(connection)).map((message) => (message._tag === "Lagged" ? message.skipped : message._tag)),
          ["Notification", 2, "Notification"]
        )
      })
    )
  })

  describe("who follows what", () => {
    it.effect("is known, and changes by subscribing and unsubscribing", () =>
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
        assert.strictEqual((yield* heard(connection)).length, 1)
      })
    )

    it.effect("ends for all threads with the connection, which hears nothing more [58]", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true }, { follows: true })
        const [gone, other] = connections
        router.subscribe("s", gone)
        yield* router.disconnect(gone)
        assert.deepStrictEqual(router.connections(), [other])
        assert.deepStrictEqual([router.subscribers("t"), router.subscribers("s")], [[other], []])
        yield* router.notify("thread/closed", { threadId: "t" }, "t")
        assert.deepStrictEqual(yield* Effect.forEach(connections, heardMethods), [[], ["thread/closed"]])
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

    it.effect("is forgotten with the thread", () =>
      Effect.gen(function* () {
        const { router, connections } = yield* setUp({ follows: true })
        router.forget("t")
        assert.deepStrictEqual(router.subscribers("t"), [])
        assert.isFalse(router.unsubscribe("t", connections[0]))
      })
    )

    it.effect("is told to those who watch it, once for each change", () =>
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
