import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import type { TieredQueue } from "../../../src/services/routing/TieredQueue.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../../support/Messages.ts"
import { fill, continues, open, takeHeld, takeFrom } from "../../support/Queues.ts"

const bytes = { max: 1000, of: (message: OutboundMessage) => nameOf(message).length }

/** A queue with two places and a backlog. */
const openWith = (backlog: { readonly messages?: number; readonly bytes?: number } = {}) =>
  open(2, { bytes, emitLagMarkers: false, backlog: { messages: 5, bytes: 100, ...backlog } })

/** A consumer that takes messages until the end. */
const ends = (outgoing: TieredQueue) => Effect.map(Effect.flip(outgoing.takeAll), ({ _tag }) => _tag)

describe("TieredQueue with a backlog", () => {
  it.effect("holds the messages of a producer that does not wait, in order", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith()
      const held = fill(outgoing, 2)
      for (const name of ["a", "b", "c"]) assert.isFalse(continues(outgoing, lossless(name)))
      continues(outgoing, latest("k", "k1"))
      continues(outgoing, answer("d"))
      continues(outgoing, latest("k", "k2"))
      continues(outgoing, bestEffort("x"))
      assert.isTrue(outgoing.hasBacklog)
      assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, "a", "b", "c", "d", "k2"])
      assert.isFalse(outgoing.isCutOff)
    })
  )

  it.effect("resumes a waiting producer when there is room, not before", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith()
      fill(outgoing, 2)
      const waits = ["a", "b", "c"].map((name) => outgoing.offerUnsafe(lossless(name))!)
      const released = () => waits.map(Deferred.isDoneUnsafe)
      yield* outgoing.takeAll
      assert.deepStrictEqual(released(), [false, false, false], "a and b have filled it again")
      yield* takeFrom(outgoing)
      assert.deepStrictEqual(released(), [false, false, false], "c has")
      yield* takeFrom(outgoing)
      assert.deepStrictEqual(released(), [true, true, true])
    })
  )

  it.effect("evicts its consumer when one message exceeds the limit, and discards its messages [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ messages: 3 })
      fill(outgoing, 2)
      const waits = ["a", "b", "c"].map((name) => outgoing.offerUnsafe(lossless(name))!)
      const watching = yield* Effect.forkChild(outgoing.cutOff, { startImmediately: true })
      assert.isFalse(outgoing.isCutOff)
      assert.isTrue(continues(outgoing, lossless("d")))
      assert.isTrue(outgoing.isCutOff)
      yield* Fiber.join(watching)
      yield* outgoing.cutOff
      assert.deepStrictEqual(waits.map(Deferred.isDoneUnsafe), [true, true, true])
      assert.deepStrictEqual(outgoing.stats, { size: 0, dropped: 6, waited: 3 })
      assert.strictEqual(yield* ends(outgoing), "Done")
      assert.isTrue(continues(outgoing, lossless("e")))
      assert.strictEqual(outgoing.stats.size, 0)
    })
  )

  it.effect("evicts it for too many bytes, but not for one large message [46]", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ bytes: 10 })
      fill(outgoing, 2)
      continues(outgoing, lossless("longer than ten"))
      assert.isFalse(outgoing.isCutOff)
      continues(outgoing, lossless("x"))
      assert.isTrue(outgoing.isCutOff)
    })
  )

  it.effect("evicts no consumer for responses or requests", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ messages: 1, bytes: 10 })
      const held = fill(outgoing, 2)
      const long = ["a", "b", "c"].map((name) => name.repeat(20))
      for (const text of long) continues(outgoing, answer(text))
      continues(outgoing, request(0))
      continues(outgoing, lossless("event"))
      assert.deepStrictEqual(yield* takeHeld(outgoing), [...held, ...long, "request 0", "event"])
    })
  )

  it.effect("counts waiting messages, and not taken ones", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith({ messages: 2, bytes: 4 })
      fill(outgoing, 2)
      const names: Array<string> = []
      for (let round = 0; round < 50; round++) {
        continues(outgoing, lossless(`${round % 10}`))
        if (round % 2 === 1) names.push(...(yield* outgoing.takeAll).map(nameOf))
      }
      assert.isFalse(outgoing.isCutOff)
      names.push(...(yield* takeHeld(outgoing)))
      assert.strictEqual(names.length, 52)
    })
  )

  it.effect("fails a waiting server request when its consumer is evicted [17]", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(2, {
        bytes,
        emitLagMarkers: false,
        requestGrace: "5 seconds",
        backlog: { messages: 1, bytes: 100 }
      })
      fill(outgoing, 2)
      const asking = yield* Effect.forkChild(outgoing.offerRequest(request(0)), { startImmediately: true })
      continues(outgoing, lossless("a"))
      continues(outgoing, lossless("b"))
      assert.strictEqual(yield* Fiber.join(asking), "closed")
    })
  )

  it.effect("stays bounded while the server shuts down and producers no longer wait [23]", () =>
    Effect.gen(function* () {
      const outgoing = yield* openWith()
      fill(outgoing, 2)
      yield* outgoing.drain
      for (let count = 0; count < 100; count++) assert.isTrue(continues(outgoing, lossless("x")))
      assert.isTrue(outgoing.isCutOff)
      assert.strictEqual(outgoing.stats.size, 0)
    })
  )
})
