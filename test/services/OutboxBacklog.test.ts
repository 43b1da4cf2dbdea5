import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Outbound } from "../../src/services/Outbound.ts"
import type { Outbox } from "../../src/services/Outbox.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../support/Messages.ts"
import { fill, goesOn, open, takeHeld } from "../support/Outboxes.ts"

const bytes = { max: 1000, of: (message: Outbound) => nameOf(message).length }

/** One that has two places, and room for some names behind them. */
const openWith = (backlog: { readonly messages?: number; readonly bytes?: number } = {}) =>
  open(2, { bytes, marksLag: false, backlog: { messages: 5, bytes: 100, ...backlog } })

/** A consumer that takes what there is until it hears that no more comes. */
const ends = (outbox: Outbox) => Effect.map(Effect.flip(outbox.takeAll), ({ _tag }) => _tag)

describe("Outbox with a backlog", () => {
  it.effect("holds what a producer who does not wait goes on to say, in order", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith()
      const held = fill(outbox, 2)
      for (const name of ["a", "b", "c"]) assert.isFalse(goesOn(outbox, lossless(name)))
      goesOn(outbox, latest("k", "k1"))
      goesOn(outbox, answer("d"))
      goesOn(outbox, latest("k", "k2"))
      goesOn(outbox, bestEffort("x"))
      assert.isTrue(outbox.hasBacklog)
      assert.deepStrictEqual(yield* takeHeld(outbox), [...held, "a", "b", "c", "d", "k2"])
      assert.isFalse(outbox.isCutOff)
    })
  )

  it.effect("lets a producer who waits go on when it has room again, not before", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith()
      fill(outbox, 2)
      const waits = ["a", "b", "c"].map((name) => outbox.offerUnsafe(lossless(name))!)
      const released = () => waits.map(Deferred.isDoneUnsafe)
      yield* outbox.takeAll
      assert.deepStrictEqual(released(), [false, false, false], "a and b have filled it again")
      yield* outbox.take
      assert.deepStrictEqual(released(), [false, false, false], "c has")
      yield* outbox.take
      assert.deepStrictEqual(released(), [true, true, true])
    })
  )

  it.effect("cuts its consumer off with one message too many, and drops what it held [46]", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith({ messages: 3 })
      fill(outbox, 2)
      const waits = ["a", "b", "c"].map((name) => outbox.offerUnsafe(lossless(name))!)
      const watching = yield* Effect.forkChild(outbox.cutOff, { startImmediately: true })
      assert.isFalse(outbox.isCutOff)
      assert.isTrue(goesOn(outbox, lossless("d")))
      assert.isTrue(outbox.isCutOff)
      yield* Fiber.join(watching)
      yield* outbox.cutOff
      assert.deepStrictEqual(waits.map(Deferred.isDoneUnsafe), [true, true, true])
      assert.deepStrictEqual(outbox.stats, { size: 0, dropped: 6, waited: 3 })
      assert.strictEqual(yield* ends(outbox), "Done")
      assert.isTrue(goesOn(outbox, lossless("e")))
      assert.strictEqual(outbox.stats.size, 0)
    })
  )

  it.effect("cuts it off with too many bytes, but not for one large message [46]", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith({ bytes: 10 })
      fill(outbox, 2)
      goesOn(outbox, lossless("longer than ten"))
      assert.isFalse(outbox.isCutOff)
      goesOn(outbox, lossless("x"))
      assert.isTrue(outbox.isCutOff)
    })
  )

  it.effect("cuts nobody off for what it has been asked for, or is asked", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith({ messages: 1, bytes: 10 })
      const held = fill(outbox, 2)
      const long = ["a", "b", "c"].map((name) => name.repeat(20))
      for (const text of long) goesOn(outbox, answer(text))
      goesOn(outbox, request(0))
      goesOn(outbox, lossless("event"))
      assert.deepStrictEqual(yield* takeHeld(outbox), [...held, ...long, "request 0", "event"])
    })
  )

  it.effect("counts what still waits, and not what has been taken", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith({ messages: 2, bytes: 4 })
      fill(outbox, 2)
      const names: Array<string> = []
      for (let round = 0; round < 50; round++) {
        goesOn(outbox, lossless(`${round % 10}`))
        if (round % 2 === 1) names.push(...(yield* outbox.takeAll).map(nameOf))
      }
      assert.isFalse(outbox.isCutOff)
      names.push(...(yield* takeHeld(outbox)))
      assert.strictEqual(names.length, 52)
    })
  )

  it.effect("fails a waiting server request back when its consumer is cut off [17]", () =>
    Effect.gen(function* () {
      const outbox = yield* open(2, {
        bytes,
        marksLag: false,
        requestGrace: "5 seconds",
        backlog: { messages: 1, bytes: 100 }
      })
      fill(outbox, 2)
      const asking = yield* Effect.forkChild(outbox.offerRequest(request(0)), { startImmediately: true })
      goesOn(outbox, lossless("a"))
      goesOn(outbox, lossless("b"))
      assert.strictEqual(yield* Fiber.join(asking), "closed")
    })
  )

  it.effect("stays bounded while the server shuts down and nobody waits any more [23]", () =>
    Effect.gen(function* () {
      const outbox = yield* openWith()
      fill(outbox, 2)
      yield* outbox.drain
      for (let said = 0; said < 100; said++) assert.isTrue(goesOn(outbox, lossless("x")))
      assert.isTrue(outbox.isCutOff)
      assert.strictEqual(outbox.stats.size, 0)
    })
  )
})
