import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import { ReadBuffer } from "../../../src/layers/transports/ReadBuffer.ts"
import type { Incoming } from "../../../src/protocol/jsonrpc/Envelope.ts"
import { ReadBudget } from "../../../src/layers/transports/ReadBudget.ts"
import type { Connection } from "../../../src/services/connection/Connection.ts"
import { openConnection } from "../../support/Connections.ts"

const message = (reason: string): Incoming => ({ _tag: "Ignored", reason })

const inletOf = (connection: Connection, ingressBytes: number) =>
  new ReadBuffer(connection, { ingressBytes, uninitializedBytes: 10 }, new ReadBudget().open())

/** What the processor does. */
const takeAll = (connection: Effect.Success<ReturnType<typeof openConnection>>) =>
  Effect.map(Queue.takeAll(connection.ingress), (taken) => {
    connection.onTaken?.()
    return taken.map((incoming) => (incoming._tag === "Ignored" ? incoming.reason : ""))
  })

describe("the way into a connection", () => {
  it.effect("keeps what was read beyond its places, in order, and has no room meanwhile [45]", () =>
    Effect.gen(function* () {
      const connection = yield* openConnection({ capacity: 2 })
      const readBuffer = inletOf(connection, 1000)
      for (const name of ["a", "b"]) readBuffer.push(message(name), 1)
      assert.isTrue(readBuffer.hasRoom)
      for (const name of ["c", "d", "e"]) readBuffer.push(message(name), 1)
      assert.isFalse(readBuffer.hasRoom)
      assert.deepStrictEqual(yield* takeAll(connection), ["a", "b"])
      assert.isFalse(readBuffer.hasRoom)
      assert.deepStrictEqual(yield* takeAll(connection), ["c", "d"])
      assert.isTrue(readBuffer.hasRoom)
      readBuffer.push(message("f"), 1)
      assert.deepStrictEqual(yield* takeAll(connection), ["e", "f"])
    })
  )

  it.effect("takes a single message of any length, and then has no room until it is taken", () =>
    Effect.gen(function* () {
      const connection = yield* openConnection({ capacity: 10 })
      const readBuffer = inletOf(connection, 100)
      readBuffer.push(message("long"), 5000)
      assert.isFalse(readBuffer.hasRoom)
      yield* takeAll(connection)
      assert.isTrue(readBuffer.hasRoom)
    })
  )

  it.effect("wakes who waits for room, once and when there is some", () =>
    Effect.gen(function* () {
      const connection = yield* openConnection({ capacity: 1 })
      const readBuffer = inletOf(connection, 1000)
      const calls: Array<string> = []
      for (const name of ["a", "b", "c"]) readBuffer.push(message(name), 1)
      readBuffer.whenRoom(() => calls.push("room"))
      yield* takeAll(connection)
      assert.deepStrictEqual(calls, [])
      yield* takeAll(connection)
      yield* takeAll(connection)
      assert.deepStrictEqual(calls, ["room"])
    })
  )

  it.effect("lets a reader wait as an effect", () =>
    Effect.gen(function* () {
      const connection = yield* openConnection({ capacity: 1 })
      const readBuffer = inletOf(connection, 1000)
      yield* readBuffer.room
      for (const name of ["a", "b"]) readBuffer.push(message(name), 1)
      const waiting = yield* Effect.forkChild(readBuffer.room, { startImmediately: true })
      assert.isUndefined(waiting.pollUnsafe())
      yield* takeAll(connection)
      yield* Fiber.join(waiting)
    })
  )
})
