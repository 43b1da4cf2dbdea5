import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import type { TieredQueue } from "../../../src/services/routing/TieredQueue.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../../support/Messages.ts"
import { fill, goesOn, open, takeHeld } from "../../support/Outboxes.ts"

const bytes = { max: 1000, of: (message: OutboundMessage) => nameOf(message).length }

/** One that has two places, and room for some names behind them. */
const openWith = (backlog: { readonly messages?: number; readonly bytes?: number } = {}) =>
  open(2, { bytes, emitLagMarkers: false, backlog: { messages: 5, bytes: 100, ...backlog } })

/** A consumer that takes what there is until it hears that no more comes. */
const ends = (outgoing: TieredQueue) => Effect.map(Effect.flip(outgoing.takeAll), ({ _tag }) => _tag)

describe("TieredQueue with a backlog", () => {
  it.effect("holds what a producer who does not wait goes on to say, in order", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith()
      const held = fill(outgoing, 2)
      for (const name of ["a", "b", "c"]) assert.isFalse(goesOn(outgoing, lossless(name)))
      goesOn(outgoing, latest("k", "k1"))
      goesOn(outgoing, answer("d"))
      goesOn(outgoing, latest("k", "k2"))
      goesOn(outgoing, bestEffort("x"))
      assert.isTrue(outgoing.hasBacklog)
      assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a", "b", "c", "d", "k2"])
      assert.isFalse(outgoing.isCutOff)
    })
  )

  it.effect("lets a producer who waits go on when it has room again, not before", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith()
      fill(outgoing, 2)
      const waits = ["a", "b", "c"].map((name) => outgoing.offerUnsafe(lossless(name))!)
      const released = () => waits.map(Deferred.isDoneUnsafe)
      yield* outgoing.takeAll
      assert.deepStrictEqual(released(), [false, false, false], "a and b have filled it again")
      yield* outgoing.take
      assert.deepStrictEqual(released(), [false, false, false], "c has")
      yield* outgoing.take
      assert.deepStrictEqual(released(), [true, true, true])
    })
  )

  it.effect("cuts its consumer off with one message too many, and drops what it held [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ messages: 3 })
      fill(outgoing, 2)
      const waits = ["a", "b", "c"].map((name) => outgoing.offerUnsafe(lossless(name))!)
      const watching = yield* Effect.forkChild(outgoing.cutOff, { startImmediately: true })
      assert.isFalse(outgoing.isCutOff)
      assert.isTrue(goesOn(outgoing, lossless("d")))
      assert.isTrue(outgoing.isCutOff)
      yield* Fiber.join(watching)
      yield* outgoing.cutOff
      assert.deepStrictEqual(waits.map(Deferred.isDoneUnsafe), [true, true, true])
      assert.deepStrictEqual(outgoing.stats, { size: 0, dropped: 6, waited: 3 })
      assert.strictEqual(yield* ends(outgoing), "Done")
      assert.isTrue(goesOn(outgoing, lossless("e")))
      assert.strictEqual(outgoing.stats.size, 0)
    })
  )

  it.effect("cuts it off with too many bytes, but not for one large message [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ bytes: 10 })
      fill(outgoing, 2)
      goesOn(outgoing, lossless("longer than ten"))
      assert.isFalse(outgoing.isCutOff)
      goesOn(outgoing, lossless("x"))
      assert.isTrue(outgoing.isCutOff)
    })
  )

  it.effect("cuts nobody off for what it has been asked for, or is asked", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ messages: 1, bytes: 10 })
      const held = fill(outgoing, 2)
      const long = ["a", "b", "c"].map((name) => name.repeat(20))
      for (const text of long) goesOn(outgoing, answer(text))
      goesOn(outgoing, request(0))
      goesOn(outgoing, lossless("event"))
      assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, ...long, "request 0", "event"])
    })
  )

  it.effect("counts what still waits, and not what has been taken", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ messages: 2, bytes: 4 })
      fill(outgoing, 2)
      const names: Array<string> = []
      for (let round = 0; round < 50; round++) {
        goesOn(outgoing, lossless(`${round % 10}`))
        if (round % 2 === 1) names.push(...(yield* outgoing.takeAll).map(nameOf))
      }
      assert.isFalse(outgoing.isCutOff)
      names.push(...(yield* takeHeld(outgoing)))
      assert.strictEqual(names.length, 52)
    })
  )

  it.effect("fails a waiting server request back when its consumer is cut off [17]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(2, {
        bytes,
        emitLagMarkers: false,
        requestGrace: "5 seconds",
        backlog: { messages: 1, bytes: 100 }
      })
      fill(outgoing, 2)
      const asking = yield* Effect.forkChild(outgoing.offerRequest(request(0)), { startImmediately: true })
      goesOn(outgoing, lossless("a"))
      goesOn(outgoing, lossless("b"))
      assert.strictEqual(yield* Fiber.join(asking), "closed")
    })
  )

  it.effect("stays bounded while the server shuts down and nobody waits any more [23]", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith()
      fill(outgoing, 2)
      yield* outgoing.drain
      for (let said = 0; said < 100; said++) assert.isTrue(goesOn(outgoing, lossless("x")))
      assert.isTrue(outgoing.isCutOff)
      assert.strictEqual(outgoing.stats.size, 0)
    })
  )
})
