import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { BacklogBudget } from "../../../src/services/routing/BacklogBudget.ts"
import type { OutboundMessage } from "../../../src/services/routing/OutboundMessage.ts"
import type { TieredQueue } from "../../../src/services/routing/TieredQueue.ts"
import { answer, bestEffort, latest, lossless, nameOf } from "../../support/Messages.ts"
import { open } from "../../support/Queues.ts"

const bytes = { max: 10_000, of: (message: OutboundMessage) => nameOf(message).length }

const openWith = (budget: BacklogBudget, backlog = { messages: 1000, bytes: 1_000_000 }) =>
  open(4, { bytes, emitLagMarkers: false, backlog, budget })

const offer = (outgoing: TieredQueue, message: OutboundMessage) => void outgoing.offerUnsafe(message)

/** Messages of a thousand characters. */
const long = (name: string) => answer(name.repeat(1000))

describe("the budget of backlogs", () => {
  it.effect("counts a text once for all connections, plus a small cost for each", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget()
      const outgoingQueues = yield* Effect.forEach([1, 2, 3], () => openWith(budget))
      const message = lossless("x".repeat(500))
      for (const outgoing of outgoingQueues) offer(outgoing, message)
      assert.strictEqual(budget.held, 500 + 128 + 3 * 16)
      for (const outgoing of outgoingQueues) offer(outgoing, long("y"))
      assert.strictEqual(budget.held, 500 + 128 + 3 * 16 + 3 * (1000 + 128 + 16))
      yield* Effect.forEach(outgoingQueues, (outgoing) => outgoing.shutdown)
      assert.strictEqual(budget.held, 0)
    })
  )

  it.effect("counts the batch being written until the next take", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget()
      const outgoing = yield* openWith(budget)
      offer(outgoing, long("a"))
      yield* outgoing.takeAll
      assert.strictEqual(budget.held, 1000 + 128 + 16)
      const taking = yield* Effect.forkChild(outgoing.takeAll, { startImmediately: true })
      assert.strictEqual(budget.held, 0)
      assert.isUndefined(taking.pollUnsafe())
    })
  )

  it.effect("evicts the client that is furthest behind, and spares small backlogs", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget(19_000)
      const [small, large, middle] = [yield* openWith(budget), yield* openWith(budget), yield* openWith(budget)]
      for (const name of ["a", "b"]) offer(small, long(name))
      for (const name of "cdefghi") offer(large, long(name))
      for (const name of "jklmn") offer(middle, long(name))
      assert.isFalse(large.isCutOff)
      for (const name of "opq") offer(small, long(name))
      assert.deepStrictEqual(
        [small, large, middle].map(({ isCutOff }) => isCutOff),
        [false, true, false]
      )
      assert.strictEqual(budget.held, 10 * (1000 + 128 + 16))
    })
  )

  it.effect("does not evict a reading client instead of a stopped one, however far behind it is", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget(100_000)
      const [stopped, reading] = [yield* openWith(budget), yield* openWith(budget)]
      for (let count = 0; count < 43; count++) offer(stopped, long("x"))
      for (let count = 0; count < 44; count++) offer(reading, long("y"))
      yield* reading.takeAll
      yield* reading.takeAll
      for (let count = 0; count < 5; count++) offer(reading, long("z"))
      assert.deepStrictEqual([stopped.isCutOff, reading.isCutOff], [true, false])
    })
  )

  it.effect("sends a single message that is longer than the budget", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget(100)
      const outgoing = yield* openWith(budget)
      offer(outgoing, long("a"))
      assert.isFalse(outgoing.isCutOff)
      assert.strictEqual((yield* outgoing.takeAll).length, 1)
    })
  )

  it.effect("evicts the client whose own message exceeds the budget", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget(1500)
      const outgoing = yield* openWith(budget)
      offer(outgoing, long("a"))
      assert.isUndefined(outgoing.offerUnsafe(long("b")))
      assert.isTrue(outgoing.isCutOff)
      assert.strictEqual(budget.held, 0)
    })
  )

  it.effect.prop(
    "returns to zero after any offers, takes and drops",
    [Schema.Array(Schema.Literals(["lossless", "latest", "bestEffort", "answer", "take", "shared"]))],
    ([actions]) =>
      Effect.gen(function* () {
        const budget = new BacklogBudget()
        const outgoingQueues = [yield* openWith(budget), yield* openWith(budget, { messages: 3, bytes: 50 })]
        for (const [index, action] of actions.entries()) {
          const outgoing = outgoingQueues[index % 2]!
          if (action === "lossless") offer(outgoing, lossless(`${index}`))
          else if (action === "latest") offer(outgoing, latest("k", `${index}`))
          else if (action === "bestEffort") offer(outgoing, bestEffort(`${index}`))
          else if (action === "answer") offer(outgoing, answer(`${index}`))
          else if (action === "shared") {
            const message = lossless(`${index}`)
            for (const each of outgoingQueues) offer(each, message)
          } else if (outgoing.stats.size > 0) yield* outgoing.takeAll
          assert.isAtLeast(budget.held, 0)
        }
        yield* Effect.forEach(outgoingQueues, (outgoing) => outgoing.shutdown)
        assert.strictEqual(budget.held, 0)
      })
  )
})
