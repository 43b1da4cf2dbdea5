import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import { answer, bestEffort, latest, lossless, nameOf, request } from "../../support/Messages.ts"
import { fill, continues, offerAll, open, takeHeld, takeFrom } from "../../support/Queues.ts"

const keys = ["k", "l"] as const

const Action = Schema.Literals(["take", "takeAll", "lossless", "answer", "bestEffort", ...keys])

const messageOf = (act: Exclude<typeof Action.Type, "take" | "takeAll">, index: number): OutboundMessage => {
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

/** Checks the received messages against the offered ones. */
const check = (offered: ReadonlyArray<OutboundMessage>, got: ReadonlyArray<OutboundMessage>): void => {
  const kept: ReadonlyArray<OutboundMessage> = got.filter((message) => message._tag !== "Lagged")
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

const keyOf = (message: OutboundMessage) => (message._tag === "Notification" ? message.key : undefined)

describe("TieredQueue", () => {
  it.effect("waits for all messages offered together, even if the last one needs no wait", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      const producer = yield* Effect.forkChild(offerAll(outgoing, [lossless("a"), latest("k", "b")]), {
        startImmediately: true
      })
      yield* Effect.yieldNow
      assert.isUndefined(producer.pollUnsafe())
      yield* takeFrom(outgoing)
      yield* Fiber.join(producer)
    })
  )

  it.effect("merges adjacent markers", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      for (const message of [bestEffort("x"), latest("k", "k1"), bestEffort("y"), latest("k", "k2")]) {
        continues(outgoing, message)
      }
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "Lagged 2", "k2"])
      fill(outgoing, 1)
      for (const message of [
        bestEffort("x"),
        latest("k", "k1"),
        bestEffort("y"),
        latest("l", "l1"),
        latest("k", "k2")
      ]) {
        continues(outgoing, message)
      }
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "Lagged 2", "l1", "k2"])
    })
  )

  it.effect("does not grow with the snapshots and markers that a stalled consumer does not take", () =>
    Effect.gen(function* () {
      const outgoing = yield* open(1)
      fill(outgoing, 1)
      for (let round = 0; round < 100; round++) {
        continues(outgoing, bestEffort("x"))
        continues(outgoing, latest("k", `k${round}`))
        continues(outgoing, bestEffort("y"))
        continues(outgoing, latest("l", `l${round}`))
      }
      assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "Lagged 199", "k99", "Lagged 1", "l99"])
    })
  )

  describe("with a grace for server requests", () => {
    const grace = { requestGrace: "5 seconds" } as const

    it.effect("makes a server request wait for room", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1, grace)
        fill(outgoing, 1)
        const asking = yield* Effect.forkChild(outgoing.offerRequest(request(0)), { startImmediately: true })
        yield* TestClock.adjust("4999 millis")
        assert.isUndefined(asking.pollUnsafe())
        yield* takeFrom(outgoing)
        assert.isUndefined(yield* Fiber.join(asking))
        assert.deepStrictEqual(yield* takeHeld(outgoing), ["request 0"])
      })
    )

    it.effect("fails a server request after its grace, and does not send it to the client [17]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1, grace)
        fill(outgoing, 1)
        const asking = yield* Effect.forkChild(outgoing.offerRequest(request(0)), { startImmediately: true })
        continues(outgoing, lossless("a"))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Fiber.join(asking), "full")
        assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "a"])
      })
    )

    it.effect("fails a waiting server request when the consumer is gone [17]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1, grace)
        fill(outgoing, 1)
        const asking = yield* Effect.forkChild(outgoing.offerRequest(request(0)), { startImmediately: true })
        yield* outgoing.shutdown
        assert.strictEqual(yield* Fiber.join(asking), "closed")
      })
    )
  })

  describe("at its end", () => {
    it.effect("delivers queued messages, including waiting ones, and then ends [24]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1)
        for (const message of [lossless("a"), lossless("b"), latest("k", "c")]) continues(outgoing, message)
        yield* outgoing.end
        assert.strictEqual(nameOf(yield* takeFrom(outgoing)), "a")
        assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["b"])
        assert.deepStrictEqual((yield* outgoing.takeAll).map(nameOf), ["c"])
        assert.strictEqual((yield* Effect.flip(takeFrom(outgoing)))._tag, "Done")
        assert.strictEqual((yield* Effect.flip(outgoing.takeAll))._tag, "Done")
      })
    )

    it.effect("wakes a waiting consumer [24]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1)
        const consumer = yield* Effect.forkChild(Effect.flip(takeFrom(outgoing)), { startImmediately: true })
        yield* outgoing.end
        assert.strictEqual((yield* Fiber.join(consumer))._tag, "Done")
      })
    )

    it.effect("refuses offers, and producers do not wait", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1)
        fill(outgoing, 1)
        const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
        yield* outgoing.end
        yield* Fiber.join(producer)
        yield* offerAll(outgoing, [lossless("b"), bestEffort("x"), answer("c")])
        yield* outgoing.room
        assert.strictEqual(yield* outgoing.offerRequest(request(0)), "closed")
        assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "a"])
      })
    )

    it.effect("resumes producers while it drains, and keeps their messages for the consumer [33]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1)
        fill(outgoing, 1)
        const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
        const waiting = yield* Effect.forkChild(outgoing.room, { startImmediately: true })
        yield* outgoing.drain
        yield* Fiber.join(producer)
        yield* Fiber.join(waiting)
        yield* offerAll(outgoing, [lossless("b"), lossless("c")])
        assert.deepStrictEqual(yield* takeHeld(outgoing), ["held 0", "a", "b", "c"])
      })
    )

    it.effect("returns queued messages, including waiting ones, when the consumer is gone [17]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(2)
        for (const message of [lossless("a"), request(0), lossless("b"), latest("k", "c")]) continues(outgoing, message)
        assert.deepStrictEqual((yield* outgoing.discard).map(nameOf), ["a", "request 0", "b", "c"])
        assert.deepStrictEqual(yield* outgoing.discard, [])
      })
    )

    it.effect("discards its messages and resumes producers when the consumer is gone [33]", () =>
      Effect.gen(function* () {
        const outgoing = yield* open(1)
        fill(outgoing, 1)
        const producer = yield* Effect.forkChild(outgoing.offer(lossless("a")), { startImmediately: true })
        yield* outgoing.shutdown
        yield* Fiber.join(producer)
        yield* outgoing.offer(lossless("b"))
        assert.strictEqual(yield* outgoing.offerRequest(request(0)), "closed")
        assert.strictEqual(outgoing.stats.size, 0)
        assert.strictEqual((yield* Effect.flip(takeFrom(outgoing)))._tag, "Done")
      })
    )
  })

  it.effect.prop(
    "loses only best-effort events, counts them, keeps the order and stays bounded [18] [29]",
    [Schema.Array(Action), Schema.Literals([1, 2, 5])],
    ([actions, capacity]) =>
      Effect.gen(function* () {
        const outgoing = yield* open(capacity)
        const offered: Array<OutboundMessage> = []
        const got: Array<OutboundMessage> = []
        const waits: Array<Deferred.Deferred<void>> = []
        for (const [index, act] of actions.entries()) {
          if (act === "take") {
            if (outgoing.stats.size > 0) got.push(yield* takeFrom(outgoing))
          } else if (act === "takeAll") {
            if (outgoing.stats.size > 0) got.push(...(yield* outgoing.takeAll))
          } else {
            const message = messageOf(act, index)
            offered.push(message)
            const wait = outgoing.offerUnsafe(message)
            if (wait !== undefined) waits.push(wait)
          }
          const waiting = waits.filter((wait) => !Deferred.isDoneUnsafe(wait)).length
          // Each waiting producer and each key has one message, with at most one marker before it.
          assert.isAtMost(outgoing.stats.size, capacity + 2 * (waiting + keys.length))
        }
        const last = lossless("last")
        offered.push(last)
        outgoing.offerUnsafe(last)
        while (outgoing.stats.size > 0) got.push(yield* takeFrom(outgoing))
        check(offered, got)
      }),
    { arbitrary: { runs: 300, size: 60 } }
  )
})
