import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../../support/Messages.ts"
import { fill, goesOn, open, takeHeld, offerAll } from "../../support/Outboxes.ts"

describe("TieredQueue", () => {
  for (const capacity of [1, 3]) {
    describe(`of capacity ${capacity}`, () => {
      it.effect("hands out what it holds in the order in which it was offered [19]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          for (const message of [lossless("a"), latest("k", "b"), answer("c"), lossless("d")]) goesOn(outgoing, message)
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a", "b", "c", "d"])
        })
      )

      it.effect(
        "makes the producer of a lossless event wait while it is full, and lets it go when there is room [18]",
        () =>
          Effect.gen(function* () {
            const outgoing = yield* open(capacity)
            fill(outgoing, capacity)
            const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
            yield* Effect.yieldNow
            assert.isUndefined(producer.pollUnsafe())
            yield* outgoing.take
            yield* Fiber.join(producer)
          })
      )

      it.effect("lets producers go one for each place that becomes free, in the order in which they came", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          const waits = ["a", "b", "c"].map((name) => outgoing.offerUnsafe(lossless(name))!)
          const released = () => waits.map(Deferred.isDoneUnsafe)
          assert.deepStrictEqual(released(), [false, false, false])
          yield* outgoing.take
          assert.deepStrictEqual(released(), [true, false, false])
          yield* outgoing.take
          assert.deepStrictEqual(released(), [true, true, false])
        })
      )

      it.effect("never drops an answer, and makes who answers wait", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          assert.isFalse(goesOn(outgoing, answer("a")))
          assert.isFalse(goesOn(outgoing, answer("b")))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a", "b"])
        })
      )

      it.effect("keeps every snapshot as long as there is room", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const names = Array.from({ length: capacity }, (_, index) => `${index}`)
          for (const name of names) goesOn(outgoing, latest("k", name))
          assert.deepStrictEqual(yield* takeHeld(outgoing), names)
        })
      )

      it.effect("keeps the newest snapshot of each key while it is full, and nobody waits for one", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          for (const message of [latest("k", "k1"), latest("l", "l1"), latest("k", "k2"), latest("k", "k3")]) {
            assert.isTrue(outgoing.offerUnsafe(message) === undefined)
          }
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "l1", "k3"])
        })
      )

      it.effect("lets nothing overtake a snapshot that waits for room [19]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          goesOn(outgoing, latest("k", "snapshot"))
          goesOn(outgoing, lossless("a"))
          assert.strictEqual(nameOf(yield* outgoing.take), held[0])
          goesOn(outgoing, lossless("b"))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held.slice(1), "snapshot", "a", "b"])
        })
      )

      it.effect("says how many best-effort events it dropped, once, right before the next it keeps [28]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          const held = fill(outgoing, capacity)
          for (const name of ["x", "y", "z"]) assert.isTrue(goesOn(outgoing, bestEffort(name)))
          goesOn(outgoing, lossless("a"))
          goesOn(outgoing, lossless("b"))
          assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "Lagged 3", "a", "b"])
          assert.strictEqual(outgoing.stats.dropped, 3)
        })
      )

      it.effect("speaks of no loss where there was none [29]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          for (const round of ["a", "b", "c"]) {
            goesOn(outgoing, bestEffort(round))
            assert.deepStrictEqual(yield* takeHeld(outgoing), [round])
          }
          assert.strictEqual(outgoing.stats.dropped, 0)
        })
      )

      it.effect("tells of two losses apart, each with its own count [29]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          goesOn(outgoing, bestEffort("x"))
          goesOn(outgoing, lossless("a"))
          goesOn(outgoing, bestEffort("y"))
          goesOn(outgoing, bestEffort("z"))
          goesOn(outgoing, lossless("b"))
          const names = yield* takeHeld(outgoing)
          assert.deepStrictEqual(names.slice(capacity), ["Lagged 1", "a", "Lagged 2", "b"])
        })
      )

      it.effect("keeps a best-effort event again, behind the marker of what it dropped, once it is empty [28]", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          goesOn(outgoing, bestEffort("x"))
          yield* takeHeld(outgoing)
          assert.isTrue(goesOn(outgoing, bestEffort("y")))
          assert.deepStrictEqual(yield* takeHeld(outgoing), ["Lagged 1", "y"])
        })
      )

      it.effect("drops a best-effort event while others wait for room, however little there is in front of it", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity)
          fill(outgoing, capacity)
          goesOn(outgoing, lossless("a"))
          goesOn(outgoing, lossless("b"))
          yield* outgoing.take
          goesOn(outgoing, bestEffort("x"))
          assert.deepStrictEqual((yield* takeHeld(outgoing)).at(-1), "b")
        })
      )

      it.effect("counts what it drops, and says nothing of it, for a client that has no word for it", () =>
        Effect.gen(function* () {
          const outgoing = yield* open(capacity, { emitLagMarkers: false })
          const held = fill(outgoing, capacity)
          goesOn(outgoing, bestEffort("x"))
          goesOn(outgoing, lossless("a"))
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
          goesOn(outgoing, bestEffort("x"))
          yield* takeHeld(outgoing)
          assert.isUndefined(yield* outgoing.offerRequest(request(0)))
          assert.deepStrictEqual(yield* takeHeld(outgoing), ["Lagged 1", "request 0"])
        })
      )
    })
  }

  it.effect("counts a capacity below one as one [13]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(0)
      assert.isTrue(goesOn(outgoing, lossless("a")))
      assert.isFalse(goesOn(outgoing, lossless("b")))
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["a", "b"])
    })
  )

  it.effect("hands out everything in the buffer at once, and then what waited for it", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(2)
      for (const name of ["a", "b", "c"]) goesOn(outgoing, lossless(name))
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["a", "b"])
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["c"])
    })
  )

  it.effect("says nothing twice when a producer goes straight on the moment it has room", () =>
    Effect.gen(function* () {
      for (const capacity of [1, 2, 3]) {
        const outgoing = yield* open(capacity)
        const told = Array.from({ length: 20 }, (_, index) => `${index}`)
        const producer = yield* Effect.forkChild(
          Effect.forEach(told, (name) => outgoing.offer(lossless(name)), { discard: true }),
          { startImmediately: true }
        )
        const seen: Array<string> = []
        while (seen.length < told.length) seen.push(...(yield* outgoing.takeAll).map(nameOf))
        yield* Fiber.join(producer)
        assert.deepStrictEqual(seen, told)
        assert.strictEqual(outgoing.stats.size, 0)
      }
    })
  )

  it.effect("wakes a consumer that waits", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const consumer = yield* Effect.forkChild(outgoing.take, { startImmediately: true })
      goesOn(outgoing, lossless("a"))
      assert.strictEqual(nameOf(yield* Fiber.join(consumer)), "a")
    })
  )

  it.effect("puts several messages where one would be, with nothing between them", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const producer = yield* Effect.forkChild(offerAll(outgoing, [lossless("a"), lossless("b"), lossless("c")]), {
        startImmediately: true
      })
      goesOn(outgoing, lossless("d"))
      assert.isUndefined(producer.pollUnsafe())
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["a", "b", "c", "d"])
      yield* Fiber.join(producer)
    })
  )

  it.effect("keeps the place of an event whose producer is interrupted while it waits: what was said stays said", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
      goesOn(outgoing, lossless("b"))
      yield* Fiber.interrupt(producer)
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "a", "b"])
    })
  )

  it.effect("knows whether the next message would have to wait, and lets who asked for room wait for it", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      assert.isTrue(outgoing.hasRoom)
      yield* outgoing.room
      fill(outgoing, 1)
      goesOn(outgoing, lossless("a"))
      assert.isFalse(outgoing.hasRoom)
      const waiting = yield* Effect.forkChild(Effect.all([outgoing.room, outgoing.room], { concurrency: 2 }), {
        startImmediately: true
      })
      yield* outgoing.take
      yield* Effect.yieldNow
      assert.isUndefined(waiting.pollUnsafe())
      yield* outgoing.take
      yield* Fiber.join(waiting)
    })
  )

  it.effect("lets nobody wait for room when the end is near", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      goesOn(outgoing, lossless("a"))
      yield* outgoing.drain
      assert.isFalse(outgoing.hasRoom)
      yield* outgoing.room
    })
  )

  it.effect("counts what it holds, what it dropped and who had to wait", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      for (const message of [lossless("a"), lossless("b"), bestEffort("x"), latest("k", "c")]) goesOn(outgoing, message)
      assert.deepStrictEqual(outgoing.stats, { size: 3, dropped: 1, waited: 1 })
    })
  )
})

describe("TieredQueue with a limit in bytes", () => {
  const bytes = { max: 10, of: (message: OutboundMessage) => nameOf(message).length }

  it.effect("makes producers wait for bytes as for places, and counts what was taken", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(100, { bytes })
      assert.isTrue(goesOn(outgoing, lossless("12345")))
      assert.isTrue(goesOn(outgoing, lossless("67890")))
      assert.isFalse(goesOn(outgoing, lossless("x")))
      assert.isFalse(outgoing.hasRoom)
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["12345", "67890"])
      assert.isTrue(outgoing.hasRoom)
      assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["x"])
    })
  )

  it.effect("takes one message that is larger than the limit", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(100, { bytes })
      assert.isTrue(goesOn(outgoing, lossless("larger than ten")))
      assert.isFalse(goesOn(outgoing, lossless("y")))
      assert.strictEqual(nameOf(yield* outgoing.take), "larger than ten")
      assert.strictEqual(nameOf(yield* outgoing.take), "y")
    })
  )
})

describe("TieredQueue of a consumer that stops", () => {
  it.effect("is stalled when nothing was taken for the grace while somebody waits [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const stalled = yield* Effect.forkChild(outgoing.stalled("10 seconds"), { startImmediately: true })
      assert.isTrue(goesOn(outgoing, lossless("a")))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(stalled.pollUnsafe(), "a full outgoing that keeps nobody waiting")
      assert.isFalse(goesOn(outgoing, lossless("b")))
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(stalled.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(stalled)
    })
  )

  it.effect("is not stalled as long as it takes something now and then, however slowly [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      const stalled = yield* Effect.forkChild(outgoing.stalled("10 seconds"), { startImmediately: true })
      for (const name of ["a", "b", "c"]) outgoing.offerUnsafe(lossless(name))
      for (const name of ["a", "b"]) {
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(nameOf(yield* outgoing.take), name)
      }
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(stalled.pollUnsafe(), "nobody waits any more")
    })
  )
})
