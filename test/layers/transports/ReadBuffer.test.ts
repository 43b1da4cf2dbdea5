import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ReadBudget } from "../../../src/layers/transports/ReadBudget.ts"
import { ReadBuffer, type ReadLimits } from "../../../src/layers/transports/ReadBuffer.ts"
import type { Incoming } from "../../../src/protocol/jsonrpc/Envelope.ts"
import { TransportClosed } from "../../../src/services/connection/Transport.ts"

const message = (reason: string): Incoming => ({ _tag: "Ignored", reason })

const bufferOf = (limits: Partial<ReadLimits>, budget = new ReadBudget()) =>
  new ReadBuffer(
    { ingressCapacity: 10, ingressBytes: 1000, uninitializedBytes: 10, ...limits },
    budget.open({ isInitialized: false, evict: () => {} })
  )

const namesOf = (messages: ReadonlyArray<Incoming>) =>
  messages.map((incoming) => (incoming._tag === "Ignored" ? incoming.reason : ""))

describe("received messages", () => {
  it.effect("are read in order, also beyond the limit, without room meanwhile [45]", () =>
    Effect.gen(function* () {
      const buffer = bufferOf({ ingressCapacity: 2 })
      for (const name of ["a", "b"]) buffer.push(message(name), 1)
      assert.isTrue(buffer.hasRoom)
      for (const name of ["c", "d", "e"]) buffer.push(message(name), 1)
      assert.isFalse(buffer.hasRoom)
      assert.deepStrictEqual(namesOf(yield* buffer.read), ["a", "b", "c", "d", "e"])
      assert.isTrue(buffer.hasRoom)
      buffer.push(message("f"), 1)
      assert.deepStrictEqual(namesOf(yield* buffer.read), ["f"])
    })
  )

  it.effect("may be a single message of any length, without room until it is read", () =>
    Effect.gen(function* () {
      const buffer = bufferOf({ ingressBytes: 100 })
      buffer.push(message("long"), 5000)
      assert.isFalse(buffer.hasRoom)
      yield* buffer.read
      assert.isTrue(buffer.hasRoom)
    })
  )

  it.effect("cause one callback when there is room", () =>
    Effect.gen(function* () {
      const buffer = bufferOf({ ingressCapacity: 1 })
      const calls: Array<string> = []
      for (const name of ["a", "b", "c"]) buffer.push(message(name), 1)
      buffer.whenRoom(() => calls.push("room"))
      assert.deepStrictEqual(calls, [])
      yield* buffer.read
      buffer.push(message("d"), 1)
      yield* buffer.read
      assert.deepStrictEqual(calls, ["room"])
    })
  )

  it.effect("do not permit a long message before earlier messages are handled", () =>
    Effect.gen(function* () {
      const buffer = bufferOf({})
      buffer.push(message("initialize"), 1)
      yield* buffer.read
      buffer.arriving(11)
      assert.deepStrictEqual([buffer.hasRoom, buffer.refuses()], [false, false])
      const reading = yield* Effect.forkChild(buffer.read, { startImmediately: true })
      assert.deepStrictEqual([buffer.hasRoom, buffer.refuses()], [true, true], "it was no initialize")
      buffer.initialized()
      assert.isFalse(buffer.refuses())
      yield* Fiber.interrupt(reading)
    })
  )

  it.effect("can be read after the socket has closed, followed by the end", () =>
    Effect.gen(function* () {
      const buffer = bufferOf({})
      buffer.push(message("a"), 1)
      buffer.fail(new TransportClosed({}))
      assert.deepStrictEqual(namesOf(yield* buffer.read), ["a"])
      assert.deepStrictEqual(yield* Effect.flip(buffer.read), new TransportClosed({}))
    })
  )

  it.effect("count against the budget of all connections until they are read", () =>
    Effect.gen(function* () {
      const budget = new ReadBudget()
      const buffer = bufferOf({}, budget)
      buffer.arriving(5)
      buffer.push(message("a"), 7)
      assert.strictEqual(budget.held, 7)
      yield* buffer.read
      buffer.arriving(3)
      assert.strictEqual(budget.held, 3)
      buffer.close()
      assert.strictEqual(budget.held, 0)
    })
  )
})
