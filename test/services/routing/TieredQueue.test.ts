import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../../support/Messages.ts"
import { fill, continues, offerAll, open, takeHeld, takeFrom } from "../../support/Queues.ts"

describe("TieredQueue", () => {
  for (const capacity of [1, 3]) {
    describe(`of capacity ${capacity}`, () => {
      it.effect("delivers messages in the order of their offers [19]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          for (const message of [lossless("a"), latest("k", "b"), answer("c"), lossless("d")])
            continues(outgoing, message)
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a", "b", "c", "d"])
        })
      )

      it.effect("makes the producer of a lossless event wait until there is room [18]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
          yield* Effect.yieldNow
          assert.isUndefined(producer.pollUnsafe())
          yield* takeFrom(outgoing)
          yield* Fiber.join(producer)
        })
      )

      it.effect("resumes one producer per free place, in order", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          const waits = ["a", "b", "c"].map((name) => outgoing.offerUnsafe(lossless(name))!)
          const released = () => waits.map(Deferred.isDoneUnsafe)
          assert.deepStrictEqual(released(), [false, false, false])
          yield* takeFrom(outgoing)
          assert.deepStrictEqual(released(), [true, false, false])
          yield* takeFrom(outgoing)
          assert.deepStrictEqual(released(), [true, true, false])
        })
      )

      it.effect("never drops a response, and makes its producer wait", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          assert.isFalse(continues(outgoing, answer("a")))
          assert.isFalse(continues(outgoing, answer("b")))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a", "b"])
        })
      )

      it.effect("keeps every snapshot as long as there is room", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const names = Array.from({ length: capacity }, (_, index) => `${index}`)
          for (const name of names) continues(outgoing, latest("k", name))
          assert.deepStrictEqual(yield* takeHeld(outgoing), names)
        })
      )

      it.effect("keeps the newest snapshot of each key while it is full, without a wait", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          for (const message of [latest("k", "k1"), latest("l", "l1"), latest("k", "k2"), latest("k", "k3")]) {
            assert.isTrue(outgoing.offerUnsafe(message) === undefined)
          }
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "l1", "k3"])
        })
      )

      it.effect("lets no message overtake a waiting snapshot [19]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          continues(outgoing, latest("k", "snapshot"))
          continues(outgoing, lossless("a"))
          assert.strictEqual(nameOf(yield* takeFrom(outgoing)), held[0])
          continues(outgoing, lossless("b"))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held.slice(1), "snapshot", "a", "b"])
        })
      )

      it.effect("reports the number of dropped best-effort events once, right before the next kept message [28]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          for (const name of ["x", "y", "z"]) assert.isTrue(continues(outgoing, bestEffort(name)))
          continues(outgoing, lossless("a"))
          continues(outgoing, lossless("b"))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "Lagged 3", "a", "b"])
          assert.strictEqual(outgoing.stats.dropped, 3)
        })
      )

      it.effect("reports no loss without one [29]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          for (const round of ["a", "b", "c"]) {
            continues(outgoing, bestEffort(round))
            assert.deepStrictEqual(yield* takeHeld(outgoing), [round])
          }
          assert.strictEqual(outgoing.stats.dropped, 0)
        })
      )

      it.effect("reports separate losses with separate counts [29]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          continues(outgoing, bestEffort("x"))
          continues(outgoing, lossless("a"))
          continues(outgoing, bestEffort("y"))
          continues(outgoing, bestEffort("z"))
          continues(outgoing, lossless("b"))
          const names = yield* takeHeld(outgoing)
          assert.deepStrictEqual(names.slice(capacity), ["Lagged 1", "a", "Lagged 2", "b"])
        })
      )

      it.effect("keeps a best-effort event again, behind the loss marker, once it is empty [28]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          continues(outgoing, bestEffort("x"))
          yield* takeHeld(outgoing)
          assert.isTrue(continues(outgoing, bestEffort("y")))
          assert.deepStrictEqual(yield* takeHeld(outgoing), ["Lagged 1", "y"])
        })
      )

      it.effect("drops a best-effort event while others wait for room", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          continues(outgoing, lossless("a"))
          continues(outgoing, lossless("b"))
          yield* takeFrom(outgoing)
          continues(outgoing, bestEffort("x"))
          assert.deepStrictEqual((yield* takeHeld(outgoing)).at(-1), "b")
        })
      )

      it.effect("counts dropped events without a marker for a wire client", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity, { emitLagMarkers: false })
          const held = fill(outgoing, capacity)
          continues(outgoing, bestEffort("x"))
          continues(outgoing, lossless("a"))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a"])
          assert.strictEqual(outgoing.stats.dropped, 1)
        })
      )

      it.effect("refuses a server request at once while it is full, and takes it when there is room [17]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          assert.strictEqual(yield* outgoing.offerRequest(request(0)), "full")
          assert.deepStrictEqual(yield* takeHeld(outgoing), held)
          assert.isUndefined(yield* outgoing.offerRequest(request(1)))
          assert.deepStrictEqual(yield* takeHeld(outgoing), ["request 1"])
        })
      )

      it.effect("takes a server request when it is empty, also behind a loss [17]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          continues(outgoing, bestEffort("x"))
          yield* takeHeld(outgoing)
          assert.isUndefined(yield* outgoing.offerRequest(request(0)))
          assert.deepStrictEqual(yield* takeHeld(outgoing), ["Lagged 1", "request 0"])
        })
      )
    })
  }

  it.effect("treats a capacity below one as one [13]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(0)
      assert.isTrue(continues(outgoing, lossless("a")))
      assert.isFalse(continues(outgoing, lossless("b")))
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["a", "b"])
    })
  )

  it.effect("delivers the whole buffer at once, and then the backlog", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(2)
      for (const name of ["a", "b", "c"]) continues(outgoing, lossless(name))
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["a", "b"])
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["c"])
    })
  )

  it.effect("delivers nothing twice when a resumed producer offers again at once", () =>
    Effect.gen(function* () {
      for (const capacity of [1, 2, 3]) {
        const outgoing = yield* open(capacity)
        const published = Array.from({ length: 20 }, (_, index) => `${index}`)
        const producer = yield* Effect.forkChild(
          Effect.forEach(published, (name) => outgoing.offer(lossless(name)), { discard: true }),
          { startImmediately: true }
        )
        const seen: Array<string> = []
        while (seen.length < published.length) seen.push(...(yield* outgoing.takeAll).map(nameOf))
        yield* Fiber.join(producer)
        assert.deepStrictEqual(seen, published)
        assert.strictEqual(outgoing.stats.size, 0)
      }
    })
  )

  it.effect("wakes a waiting consumer", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const consumer = yield* Effect.forkChild(takeFrom(outgoing), { startImmediately: true })
      continues(outgoing, lossless("a"))
      assert.strictEqual(nameOf(yield* Fiber.join(consumer)), "a")
    })
  )

  it.effect("places several messages together, with nothing between them", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const producer = yield* Effect.forkChild(offerAll(outgoing, [lossless("a"), lossless("b"), lossless("c")]), {
        startImmediately: true
      })
      continues(outgoing, lossless("d"))
      assert.isUndefined(producer.pollUnsafe())
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["a", "b", "c", "d"])
      yield* Fiber.join(producer)
    })
  )

  it.effect("keeps the place of an event whose waiting producer is interrupted", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
      continues(outgoing, lossless("b"))
      yield* Fiber.interrupt(producer)
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "a", "b"])
    })
  )

  it.effect("knows whether the next message would wait, and lets a producer wait for room", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      assert.isTrue(outgoing.hasRoom)
      yield* outgoing.room
      fill(outgoing, 1)
      continues(outgoing, lossless("a"))
      assert.isFalse(outgoing.hasRoom)
      const waiting = yield* Effect.forkChild(Effect.all([outgoing.room, outgoing.room], { concurrency: 2 }), {
        startImmediately: true
      })
      yield* takeFrom(outgoing)
      yield* Effect.yieldNow
      assert.isUndefined(waiting.pollUnsafe())
      yield* takeFrom(outgoing)
      yield* Fiber.join(waiting)
    })
  )

  it.effect("lets nobody wait for room when the end is near", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      continues(outgoing, lossless("a"))
      yield* outgoing.drain
      assert.isFalse(outgoing.hasRoom)
      yield* outgoing.room
    })
  )

  it.effect("counts queued, dropped and delayed messages", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      for (const message of [lossless("a"), lossless("b"), bestEffort("x"), latest("k", "c")])
        continues(outgoing, message)
      assert.deepStrictEqual(outgoing.stats, { size: 3, dropped: 1, waited: 1 })
    })
  )
})

describe("TieredQueue with a limit in bytes", () => {
  const bytes = { max: 10, of: (message: OutboundMessage) => nameOf(message).length }

  it.effect("makes producers wait for bytes as for places, and counts the taken batch", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(100, { bytes })
      assert.isTrue(continues(outgoing, lossless("12345")))
      assert.isTrue(continues(outgoing, lossless("67890")))
      assert.isFalse(continues(outgoing, lossless("x")))
      assert.isFalse(outgoing.hasRoom)
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["12345", "67890"])
      assert.isTrue(outgoing.hasRoom)
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["x"])
    })
  )

  it.effect("takes one message that is larger than the limit", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(100, { bytes })
      assert.isTrue(continues(outgoing, lossless("larger than ten")))
      assert.isFalse(continues(outgoing, lossless("y")))
      assert.strictEqual(nameOf(yield* takeFrom(outgoing)), "larger than ten")
      assert.strictEqual(nameOf(yield* takeFrom(outgoing)), "y")
    })
  )
})

describe("TieredQueue of a consumer that stops", () => {
  it.effect("is stalled when it takes nothing for the grace while a producer waits [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const stalled = yield* Effect.forkChild(outgoing.stalled("10 seconds"), { startImmediately: true })
      assert.isTrue(continues(outgoing, lossless("a")))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(stalled.pollUnsafe(), "a full queue without a waiting producer")
      assert.isFalse(continues(outgoing, lossless("b")))
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(stalled.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(stalled)
    })
  )

  it.effect("is not stalled as long as it takes messages, however slowly [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const stalled = yield* Effect.forkChild(outgoing.stalled("10 seconds"), { startImmediately: true })
      for (const name of ["a", "b", "c"]) outgoing.offerUnsafe(lossless(name))
      for (const name of ["a", "b"]) {
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(nameOf(yield* takeFrom(outgoing)), name)
      }
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(stalled.pollUnsafe(), "no producer waits")
    })
  )
})
