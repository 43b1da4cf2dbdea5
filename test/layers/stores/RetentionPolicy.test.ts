import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { DayMillis, expiredIn, type StoredThread } from "../../../src/layers/stores/rollouts/RetentionPolicy.ts"

const now = 1_700_000_000_000

const none = { days: null, threads: null, bytes: null }

const thread = (id: string, age: number, changed: Partial<StoredThread> = {}): StoredThread => ({
  id,
  changedAt: now - age * DayMillis,
  bytes: 10,
  isArchived: false,
  refersTo: [],
  ...changed
})

const ids = (...args: Parameters<typeof expiredIn>) =>
  expiredIn(...args).map(({ limit, thread: { id } }) => `${id} ${limit}`)

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const Home = Schema.Array(
  Schema.Struct({ age: small(9), bytes: small(30), isArchived: Schema.Boolean, refersTo: Schema.Array(small(7)) })
).check(Schema.isMaxLength(8))

const Policy = Schema.Struct({
  days: Schema.NullOr(small(9)),
  threads: Schema.NullOr(small(8)),
  bytes: Schema.NullOr(small(150))
})

describe("the limits of a home", () => {
  it("remove what is older than the number of days", () => {
    const threads = [thread("a", 1), thread("b", 3), thread("c", 2), thread("d", 9, { isArchived: true })]
    assert.deepStrictEqual(ids({ ...none, days: 2 }, threads, now), ["d age", "b age"])
  })

  it("remove archived threads first, then the one that changed first, until the number or the size is kept", () => {
    const threads = [thread("a", 1), thread("b", 3), thread("c", 2), thread("d", 0, { isArchived: true })]
    assert.deepStrictEqual(ids({ ...none, threads: 2 }, threads, now), ["d count", "b count"])
    assert.deepStrictEqual(ids({ ...none, bytes: 15 }, threads, now), ["d size", "b size", "c size"])
    assert.deepStrictEqual(ids({ ...none, threads: 4, bytes: 40 }, threads, now), [])
  })

  it("keep what a fork refers to, and remove it after the fork", () => {
    const threads = [thread("source", 9), thread("fork", 3, { refersTo: ["source"] }), thread("c", 1)]
    assert.deepStrictEqual(ids({ ...none, days: 5 }, threads, now), [])
    assert.deepStrictEqual(ids({ ...none, days: 2 }, threads, now), ["fork age", "source age"])
    assert.deepStrictEqual(ids({ ...none, threads: 2 }, threads, now), ["fork count"])
    assert.deepStrictEqual(ids({ ...none, threads: 1 }, threads, now), ["fork count", "source count"])
  })

  it.effect.prop(
    "hold afterwards, except for threads that others refer to; a thread goes only for a limit",
    [Arbitrary.schema(Home), Arbitrary.schema(Policy)],
    ([home, policy]) =>
      Effect.sync(() => {
        const threads = home.map(({ age, refersTo, ...rest }, index) =>
          thread(`t${index}`, age, { ...rest, refersTo: refersTo.map((other) => `t${other}`) })
        )
        const expired = expiredIn(policy, threads, now)
        const gone = new Set(expired.map(({ thread: { id } }) => id))
        assert.strictEqual(gone.size, expired.length)
        const kept = threads.filter(({ id }) => !gone.has(id))
        const isNeeded = ({ id }: StoredThread) => kept.some((one) => one.id !== id && one.refersTo.includes(id))
        // Nothing that is kept refers to something that is gone, at any moment.
        for (const [index, { thread: one }] of expired.entries()) {
          const later = expired.slice(index + 1).map((other) => other.thread)
          const left = [...kept, ...later]
          assert.isFalse(left.some(({ id, refersTo }) => id !== one.id && refersTo.includes(one.id)))
        }
        const free = kept.filter((one) => !isNeeded(one))
        const { bytes, days, threads: count } = policy
        if (days !== null) assert.isTrue(free.every(({ changedAt }) => changedAt >= now - days * DayMillis))
        if (count !== null) assert.isTrue(kept.length <= count || free.length === 0)
        const size = kept.reduce((sum, one) => sum + one.bytes, 0)
        if (bytes !== null) assert.isTrue(size <= bytes || free.length === 0)
        for (const { limit, thread: one } of expired) {
          if (limit === "age") assert.isBelow(one.changedAt, now - (days ?? 0) * DayMillis)
          else assert.isNotNull(limit === "count" ? count : bytes)
        }
        if (days === null && count === null && bytes === null) assert.deepStrictEqual(expired, [])
      }),
    { arbitrary: { runs: 3000 } }
  )
})
