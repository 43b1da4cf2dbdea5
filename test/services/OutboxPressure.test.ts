import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Outbound } from "../../src/services/Outbound.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../support/Messages.ts"
import { fill, goesOn, open, takeHeld } from "../support/Outboxes.ts"

const keys = ["k", "l"] as const

const Action = Schema.Literals(["take", "takeAll", "lossless", "answer", "bestEffort", ...keys])

const messageOf = (act: Exclude<typeof Action.Type, "take" | "takeAll">, index: number): Outbound => {
  switch (act) {
    case "lossless":
      return lossless(`${index}`)
    case "answer":
      return answer(`${index}`)
    case "bestEffort":
      return bestEffort(`${index}`)
    default:
      return latest(act, `${index}`)
  }
}

/** What a consumer may have seen of what was offered. */
const check = (offered: ReadonlyArray<Outbound>, got: ReadonlyArray<Outbound>): void => {
  const kept: ReadonlyArray<Outbound> = got.filter((message) => message._tag !== "Lagged")
  assert.deepStrictEqual(
    kept,
    offered.filter((message) => kept.includes(message)),
    "in order, and nothing twice"
  )
  for (const [index, message] of offered.entries()) {
    if (kept.includes(message) || message.tier === "bestEffort") continue
    assert.strictEqual(message.tier, "latest", "nothing lossless is lost")
    const newer = offered.slice(index + 1).some((other) => other.tier === "latest" && keyOf(other) === keyOf(message))
    assert.isTrue(newer, "only a newer snapshot takes the place of one")
  }
  let from = 0
  let skipped = 0
  for (const message of got) {
    if (message._tag === "Lagged") {
      assert.isAbove(message.skipped, 0)
      skipped += message.skipped
      continue
    }
    const at = offered.indexOf(message)
    const lost = offered.slice(from, at).filter((other) => other.tier === "bestEffort")
    assert.strictEqual(skipped, lost.length, "a marker says how many are missing where it stands")
    from = at + 1
    skipped = 0
  }
}

const keyOf = (message: Outbound) => (message._tag === "Notification" ? message.key : undefined)

describe("Outbox", () => {
  it.effect("waits for all it is given together, also when the last of it waits for nothing", () =>
    Effect.gen(function* () {
      const outbox = yield* open(1)
      fill(outbox, 1)
      const producer = yield* Effect.forkChild(outbox.offerAll([lossless("a"), latest("k", "b")]), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      assert.isUndefined(producer.pollUnsafe())
      yield* outbox.take
      yield* Fiber.join(producer)
    })
  )

  it.effect("makes one marker of those that come to stand next to each other", () =>
    Effect.gen(function* () {
      const outbox = yield* open(1)
      fill(outbox, 1)
      for (const message of [bestEffort("x"), latest("k", "k1"), bestEffort("y"), latest("k", "k2")]) {
        goesOn(outbox, message)
      }
      assert.deepStrictEqual(yield* takeHeld(outbox), ["held 0", "Lagged 2", "k2"])
      fill(outbox, 1)
      for (const message of [
        bestEffort("x"),
        latest("k", "k1"),
        bestEffort("y"),
        latest("l", "l1"),
        latest("k", "k2")
      ]) {
        goesOn(outbox, message)
      }
      assert.deepStrictEqual(yield* takeHeld(outbox), ["held 0", "Lagged 2", "l1", "k2"])
    })
  )

  it.effect("does not grow with the snapshots and markers that a stalled consumer does not take", () =>
    Effect.gen(function* () {
      const outbox = yield* open(1)
      fill(outbox, 1)
      for (let round = 0; round < 100; round++) {
        goesOn(outbox, bestEffort("x"))
        goesOn(outbox, latest("k", `k${round}`))
        goesOn(outbox, bestEffort("y"))
        goesOn(outbox, latest("l", `l${round}`))
      }
      assert.deepStrictEqual(yield* takeHeld(outbox), ["held 0", "Lagged 199", "k99", "Lagged 1", "l99"])
    })
  )

  describe("with a grace for server requests", () => {
    const grace = { requestGrace: "5 seconds" } as const

    it.effect("lets a server request wait for room", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1, grace)
        fill(outbox, 1)
        const asking = yield* Effect.forkChild(outbox.offerRequest(request(0)), { startImmediately: true })
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(asking.pollUnsafe())
        yield* outbox.take
        assert.isUndefined(yield* Fiber.join(asking))
        assert.deepStrictEqual(yield* takeHeld(outbox), ["request 0"])
      })
    )

    it.effect(
      "fails a server request back when its grace is over, and does not tell the client of it any more [17]",
      () =>
        Effect.gen(function* () {
          const outbox = yield* open(1, grace)
          fill(outbox, 1)
          const asking = yield* Effect.forkChild(outbox.offerRequest(request(0)), { startImmediately: true })
          goesOn(outbox, lossless("a"))
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual(yield* Fiber.join(asking), "full")
          assert.deepStrictEqual(yield* takeHeld(outbox), ["held 0", "a"])
        })
    )

    it.effect("fails a waiting server request back when the consumer goes [17]", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1, grace)
        fill(outbox, 1)
        const asking = yield* Effect.forkChild(outbox.offerRequest(request(0)), { startImmediately: true })
        yield* outbox.shutdown
        assert.strictEqual(yield* Fiber.join(asking), "closed")
      })
    )
  })

  describe("at its end", () => {
    it.effect("hands out what it holds, the waiting included, and then is done [24]", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1)
        for (const message of [lossless("a"), lossless("b"), latest("k", "c")]) goesOn(outbox, message)
        yield* outbox.end
        assert.strictEqual(nameOf(yield* outbox.take), "a")
        assert.deepStrictEqual((yield* outbox.takeAll).map(nameOf), ["b"])
        assert.deepStrictEqual((yield* outbox.takeAll).map(nameOf), ["c"])
        assert.strictEqual((yield* Effect.flip(outbox.take))._tag, "Done")
        assert.strictEqual((yield* Effect.flip(outbox.takeAll))._tag, "Done")
      })
    )

    it.effect("tells a consumer that waits [24]", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1)
        const consumer = yield* Effect.forkChild(Effect.flip(outbox.take), { startImmediately: true })
        yield* outbox.end
        assert.strictEqual((yield* Fiber.join(consumer))._tag, "Done")
      })
    )

    it.effect("takes nothing more, and nobody waits", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1)
        fill(outbox, 1)
        const producer = yield* Effect.forkChild(outbox.offer(lossless("a")), { startImmediately: true })
        yield* outbox.end
        yield* Fiber.join(producer)
        yield* outbox.offerAll([lossless("b"), bestEffort("x"), answer("c")])
        yield* outbox.room
        assert.strictEqual(yield* outbox.offerRequest(request(0)), "closed")
        assert.deepStrictEqual(yield* takeHeld(outbox), ["held 0", "a"])
      })
    )

    it.effect("lets everybody go on while it drains, and holds what they say for the consumer [33]", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1)
        fill(outbox, 1)
        const producer = yield* Effect.forkChild(outbox.offer(lossless("a")), { startImmediately: true })
        const waiting = yield* Effect.forkChild(outbox.room, { startImmediately: true })
        yield* outbox.drain
        yield* Fiber.join(producer)
        yield* Fiber.join(waiting)
        yield* outbox.offerAll([lossless("b"), lossless("c")])
        assert.deepStrictEqual(yield* takeHeld(outbox), ["held 0", "a", "b", "c"])
      })
    )

    it.effect("gives back what it holds, the waiting included, when the consumer goes [17]", () =>
      Effect.gen(function* () {
        const outbox = yield* open(2)
        for (const message of [lossless("a"), request(0), lossless("b"), latest("k", "c")]) goesOn(outbox, message)
        assert.deepStrictEqual((yield* outbox.discard).map(nameOf), ["a", "request 0", "b", "c"])
        assert.deepStrictEqual(yield* outbox.discard, [])
      })
    )

    it.effect("drops what it holds and lets everybody go on when the consumer goes [33]", () =>
      Effect.gen(function* () {
        const outbox = yield* open(1)
        fill(outbox, 1)
        const producer = yield* Effect.forkChild(outbox.offer(lossless("a")), { startImmediately: true })
        yield* outbox.shutdown
        yield* Fiber.join(producer)
        yield* outbox.offer(lossless("b"))
        assert.strictEqual(yield* outbox.offerRequest(request(0)), "closed")
        assert.strictEqual(outbox.stats.size, 0)
        assert.strictEqual((yield* Effect.flip(outbox.take))._tag, "Done")
      })
    )
  })

  it.effect.prop(
    "loses nothing but best-effort events, which it counts, keeps the order and stays bounded, whatever happens [18] [29]",
    [Schema.Array(Action), Schema.Literals([1, 2, 5])],
    ([actions, capacity]) =>
      Effect.gen(function* () {
        const outbox = yield* open(capacity)
        const offered: Array<Outbound> = []
        const got: Array<Outbound> = []
        const waits: Array<Deferred.Deferred<void>> = []
        for (const [index, act] of actions.entries()) {
          if (act === "take") {
            if (outbox.stats.size > 0) got.push(yield* outbox.take)
          } else if (act === "takeAll") {
            if (outbox.stats.size > 0) got.push(...(yield* outbox.takeAll))
          } else {
            const message = messageOf(act, index)
            offered.push(message)
            const wait = outbox.offerUnsafe(message)
            if (wait !== undefined) waits.push(wait)
          }
          const waiting = waits.filter((wait) => !Deferred.isDoneUnsafe(wait)).length
          // A producer that waits and a key have one message each, with a marker before it at most.
          assert.isAtMost(outbox.stats.size, capacity + 2 * (waiting + keys.length))
        }
        const last = lossless("last")
        offered.push(last)
        outbox.offerUnsafe(last)
        while (outbox.stats.size > 0) got.push(yield* outbox.take)
        check(offered, got)
      }),
    { arbitrary: { runs: 300, size: 60 } }
  )
})
