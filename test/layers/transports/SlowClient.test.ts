import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type * as ConnectionLimits from "../../../src/layers/transports/ConnectionLimits.ts"
import { listening, startThread, startTurn } from "../../support/Listening.ts"
import { connect, type SocketClient } from "../../support/Sockets.ts"

/** More than both systems buffer for a client that does not read. */
const Deltas = 400
const text = "x".repeat(64 * 1024)
const order = Array.from({ length: Deltas }, (_, index) => index)

/** A client that has started a turn, and the source of its stream. */
const watched = Effect.fnUntraced(function* (limits: Partial<ConnectionLimits.ConnectionLimits>) {
  const { listener, model, port } = yield* listening({ outgoingCapacity: 8, ...limits })
  const reader = yield* connect(port)
  const threadId = yield* startThread(reader)
  yield* startTurn(reader, threadId)
  const call = yield* model.next
  const stream = Effect.gen(function* () {
    yield* call.emit({ _tag: "ItemStarted", itemId: "m", kind: "message" })
    for (const nth of order) yield* call.emit({ _tag: "TextDelta", itemId: "m", delta: `${nth} ${text}` })
    yield* call.finish()
  })
  return { listener, port, reader, threadId, stream }
})

/** A subscriber that stops reading. */
const stop = Effect.fnUntraced(function* (port: number, threadId: string) {
  const client = yield* connect(port)
  assert.isDefined((yield* client.request("thread/resume", { threadId })).result)
  client.ws.pause()
  return client
})

/** The numbers of the deltas that the client receives up to the end of the turn. */
const deltasOf = Effect.fnUntraced(function* (client: SocketClient) {
  const received: Array<number> = []
  yield* client.until(({ method, params }) => {
    if (method === "item/agentMessage/delta") received.push(Number.parseInt(String(params?.["delta"]), 10))
    return method === "turn/completed"
  })
  return received
})

describe("a client on a WebSocket that does not read", () => {
  it.effect("delays no other client of its thread, and is closed after the grace [46]", () =>
    Effect.gen(function* () {
      const { listener, port, reader, stream, threadId } = yield* watched({ stallGrace: "10 seconds" })
      yield* stop(port, threadId)
      const telling = yield* Effect.forkChild(stream)
      // The clock does not advance, so the turn ends before any grace.
      assert.deepStrictEqual(yield* deltasOf(reader), order)
      yield* Fiber.join(telling)
      const stopped = listener.served()[1]?.connection
      assert.isAbove(stopped?.outgoing.stats.size ?? 0, 8)
      assert.strictEqual(listener.served().length, 2)
      // The server may start the timer slightly later, so advance the clock until it fires.
      while (listener.served().length > 1) yield* TestClock.adjust("1 second")
      assert.isBelow(yield* Clock.currentTimeMillis, 20_000)
      assert.isDefined((yield* reader.request("thread/loaded/list")).result)
    })
  )

  it.effect("and resumes reading within the grace misses nothing [46]", () =>
    Effect.gen(function* () {
      const { port, reader, stream, threadId } = yield* watched({ stallGrace: "10 seconds" })
      const stopped = yield* stop(port, threadId)
      const telling = yield* Effect.forkChild(stream)
      yield* deltasOf(reader)
      yield* Fiber.join(telling)
      stopped.ws.resume()
      assert.deepStrictEqual(yield* deltasOf(stopped), order)
    })
  )

  it.effect("and falls too far behind the others is closed at once with the reason [46]", () =>
    Effect.gen(function* () {
      const { listener, port, reader, stream, threadId } = yield* watched({
        backlog: { messages: 20, bytes: 1024 ** 3 }
      })
      const stopped = yield* stop(port, threadId)
      const connection = listener.served()[1]?.connection
      const telling = yield* Effect.forkChild(stream)
      assert.deepStrictEqual(yield* deltasOf(reader), order)
      yield* Fiber.join(telling)
      assert.strictEqual(connection?.outgoing.stats.size, 0, "nothing is held for it")
      stopped.ws.resume()
      assert.deepStrictEqual(yield* stopped.closed, { code: 1008, reason: "the client reads too slowly" })
    })
  )

  it.effect("and is the only subscriber delays its turn, and misses nothing when it reads again [46]", () =>
    Effect.gen(function* () {
      const { listener, reader, stream } = yield* watched({})
      reader.ws.pause()
      const telling = yield* Effect.forkChild(stream)
      const connection = listener.served()[0]?.connection
      while ((connection?.outgoing.stats.waited ?? 0) === 0) yield* Effect.yieldNow
      assert.isBelow(connection?.outgoing.stats.size ?? 0, 10)
      reader.ws.resume()
      assert.deepStrictEqual(yield* deltasOf(reader), order)
      yield* Fiber.join(telling)
    })
  )

  it.effect("and is the only subscriber delays its turn for the grace, and not longer [46]", () =>
    Effect.gen(function* () {
      const { listener, reader, stream } = yield* watched({ stallGrace: "10 seconds" })
      reader.ws.pause()
      const telling = yield* Effect.forkChild(stream)
      while (telling.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      assert.isBelow(yield* Clock.currentTimeMillis, 20_000)
      while (listener.served().length > 0) yield* TestClock.adjust("1 second")
    })
  )
})
