import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ReadAccount, ReadBudget } from "../../../src/layers/transports/ReadBudget.ts"

const KiB = 1024

const setUp = (max: number) => {
  const budget = new ReadBudget(max)
  const evicted: Array<string> = []
  const open = (name: string, isInitialized = true): ReadAccount =>
    budget.open({ isInitialized, evict: () => void evicted.push(name) })
  return { budget, evicted, open }
}

describe("the read budget", () => {
  it("closes an uninitialized client before an initialized one", () => {
    const { evicted, open } = setUp(300 * KiB)
    const [initialized, other] = [open("initialized"), open("other", false)]
    initialized.add(200 * KiB)
    other.add(101 * KiB)
    assert.deepStrictEqual(evicted, ["other"])
  })

  it("closes the client with the oldest incomplete message, not the one with the largest", () => {
    const { evicted, open } = setUp(1000 * KiB)
    const stopped = open("stopped")
    stopped.add(100 * KiB)
    const sending = open("sending")
    for (let sent = 0; sent < 910; sent += 10) sending.add(10 * KiB)
    assert.deepStrictEqual(evicted, ["stopped"])
  })

  it("closes connections until the rest fits, and counts closing ones until they have closed", () => {
    const { budget, evicted, open } = setUp(100 * KiB)
    const accounts = ["a", "b", "c"].map((name) => open(name))
    for (const account of accounts) account.add(33 * KiB)
    open("d").add(60 * KiB)
    assert.deepStrictEqual(evicted, ["a", "b"])
    assert.strictEqual(budget.held, 159 * KiB)
    accounts[0]?.close()
    accounts[1]?.close()
    assert.strictEqual(budget.held, 93 * KiB)
  })

  it("keeps reading connections that hold little, and others when there is room again", () => {
    const { evicted, open } = setUp(100 * KiB)
    const [hog, small, large] = [open("hog"), open("small"), open("large")]
    hog.add(90 * KiB)
    small.add(10 * KiB)
    large.add(20 * KiB)
    assert.deepStrictEqual(evicted, ["hog"])
    assert.deepStrictEqual([small.hasRoom, large.hasRoom], [true, false])
    let isCalled = false
    large.whenRoom(() => (isCalled = true))
    small.remove(5 * KiB)
    assert.isFalse(isCalled)
    hog.close()
    assert.isTrue(isCalled)
    assert.isTrue(large.hasRoom)
  })

  it("never closes connections that hold little, or the client of standard input", () => {
    const { budget, evicted, open } = setUp(100 * KiB)
    budget.open().add(1000 * KiB)
    const accounts = Array.from({ length: 10 }, (_, nth) => open(`${nth}`))
    for (const account of accounts) account.add(16 * KiB)
    assert.deepStrictEqual(evicted, [])
    assert.isTrue(accounts.every(({ hasRoom }) => hasRoom))
  })

  it.effect.prop(
    "counts the held bytes for any operations, and closes connections only while the budget is exceeded",
    [Schema.Array(Schema.Struct({ who: Schema.Literals([0, 1, 2, 3]), bytes: Schema.Int }))],
    ([steps]) =>
      Effect.sync(() => {
        const budget = new ReadBudget(100 * KiB)
        const closed = new Set<number>()
        const evict = (who: number) => () => {
          assert.isAbove(budget.held, 100 * KiB)
          closed.add(who)
        }
        const accounts = [0, 1, 2, 3].map((who) => budget.open({ isInitialized: who > 1, evict: evict(who) }))
        for (const { bytes, who } of steps) {
          const account = accounts[who]!
          if (closed.has(who)) account.close()
          else if (bytes < 0) account.remove(Math.min(account.held, -bytes * KiB))
          else account.add((bytes % 60) * KiB)
          const held = accounts.reduce((sum, each) => sum + each.held, 0)
          assert.strictEqual(budget.held, held)
          const open = accounts.reduce((sum, each, at) => sum + (closed.has(at) ? 0 : each.held), 0)
          assert.isAtMost(open, 100 * KiB)
        }
      })
  )
})
