import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { KeyedScheduler } from "../../../src/services/connection/KeyedScheduler.ts"

/** A scheduler whose tickets record their start. */
const make = () => {
  const scheduler = new KeyedScheduler()
  const started: Array<string> = []
  const enter = (name: string, key: string, shared = false) =>
    scheduler.enter({ key, shared, start: () => void started.push(name) })
  /** The tickets that started since the last call. */
  const look = () => started.splice(0)
  return { scheduler, enter, look }
}

const byKey = <A extends { readonly key: string }>(keys: ReadonlyArray<A>) =>
  Object.fromEntries(keys.map((one) => [one.key, one]))

/** More arrivals than departures, so that queues form. */
const Step = Schema.Struct({
  act: Schema.Literals(["read", "write", "leave"]),
  key: Schema.Literals(["k", "l"])
})

interface Entry {
  readonly name: string
  readonly shared: boolean
  started: boolean
}

/** The model: all tickets of a key in one list, whose head has started. */
class Model {
  readonly #lists = new Map<string, Array<Entry>>()
  readonly #started: Array<string> = []

  #may(list: ReadonlyArray<Entry>, index: number): boolean {
    return index === 0 || list.slice(0, index + 1).every((entry) => entry.shared)
  }

  #settle(key: string): void {
    const list = this.#lists.get(key) ?? []
    for (const [index, entry] of list.entries()) {
      if (entry.started || !this.#may(list, index)) continue
      entry.started = true
      this.#started.push(entry.name)
    }
  }

  isFree(key: string, shared: boolean): boolean {
    const list = this.#lists.get(key) ?? []
    return this.#may([...list, { name: "", shared, started: false }], list.length)
  }

  enter(name: string, key: string, shared: boolean): void {
    const list = this.#lists.get(key) ?? []
    list.push({ name, shared, started: false })
    this.#lists.set(key, list)
    this.#settle(key)
  }

  /** False when nothing runs with the key. */
  leave(key: string): boolean {
    const list = this.#lists.get(key)
    if (list === undefined) return false
    list.shift()
    if (list.length === 0) this.#lists.delete(key)
    this.#settle(key)
    return true
  }

  look(): ReadonlyArray<string> {
    return this.#started.splice(0)
  }

  get keys() {
    return Array.from(this.#lists, ([key, list]) => {
      const running = list.filter(({ started }) => started).length
      return { key, shared: list[0]?.shared, running, waiting: list.length - running }
    })
  }

  get size(): number {
    return this.#lists.size
  }
}

describe("KeyedScheduler", () => {
  it("tickets of one key run one at a time, in the order of arrival [55]", () => {
    const { scheduler, enter, look } = make()
    for (const name of ["a", "b", "c"]) enter(name, "k")
    assert.deepStrictEqual(look(), ["a"])
    scheduler.leave("k")
    assert.deepStrictEqual(look(), ["b"])
    scheduler.leave("k")
    assert.deepStrictEqual(look(), ["c"])
  })

  it("tickets of different keys overlap [55]", () => {
    const { scheduler, enter, look } = make()
    enter("a", "k")
    enter("b", "l")
    enter("c", "k")
    assert.deepStrictEqual(look(), ["a", "b"])
    scheduler.leave("l")
    assert.deepStrictEqual(look(), [])
    scheduler.leave("k")
    assert.deepStrictEqual(look(), ["c"])
  })

  it("adjacent shared tickets overlap, and one that arrives while they run joins them [55]", () => {
    const { enter, look } = make()
    enter("r1", "k", true)
    enter("r2", "k", true)
    assert.deepStrictEqual(look(), ["r1", "r2"])
  })

  it("an exclusive ticket waits for every earlier shared one, and the shared ones behind it start together [55]", () => {
    const { scheduler, enter, look } = make()
    enter("r1", "k", true)
    enter("r2", "k", true)
    enter("w", "k")
    enter("r3", "k", true)
    enter("r4", "k", true)
    enter("w2", "k")
    assert.deepStrictEqual(look(), ["r1", "r2"])
    scheduler.leave("k")
    assert.deepStrictEqual(look(), [])
    scheduler.leave("k")
    assert.deepStrictEqual(look(), ["w"])
    scheduler.leave("k")
    assert.deepStrictEqual(look(), ["r3", "r4"])
    scheduler.leave("k")
    scheduler.leave("k")
    assert.deepStrictEqual(look(), ["w2"])
  })

  it("a lane is removed when its last ticket leaves", () => {
    const { scheduler, enter } = make()
    enter("a", "k")
    enter("b", "k")
    enter("c", "l", true)
    assert.strictEqual(scheduler.keys.length, 2)
    scheduler.leave("k")
    scheduler.leave("l")
    assert.strictEqual(scheduler.keys.length, 1)
    scheduler.leave("k")
    assert.strictEqual(scheduler.keys.length, 0)
  })

  it("leaving an empty lane does nothing", () => {
    const { scheduler, enter, look } = make()
    scheduler.leave("k")
    enter("a", "k")
    assert.deepStrictEqual(look(), ["a"])
    assert.strictEqual(scheduler.keys.length, 1)
  })

  it("twenty thousand tickets that leave as soon as they start do not overflow the stack", () => {
    const scheduler = new KeyedScheduler()
    let ran = 0
    scheduler.enter({ key: "k", shared: false, start: () => {} })
    for (let job = 0; job < 20_000; job++) {
      const start = () => {
        ran++
        scheduler.leave("k")
      }
      scheduler.enter({ key: "k", shared: false, start })
    }
    scheduler.leave("k")
    assert.strictEqual(ran, 20_000)
    assert.strictEqual(scheduler.keys.length, 0)
  })

  it("a ticket that leaves as soon as it starts lets all behind it run, in order", () => {
    const scheduler = new KeyedScheduler()
    const started: Array<number> = []
    const claims = Array.from({ length: 5 }, (_, index) => index)
    scheduler.enter({ key: "k", shared: false, start: () => undefined })
    for (const index of claims) {
      scheduler.enter({
        key: "k",
        shared: index % 2 === 0,
        start: () => {
          started.push(index)
          scheduler.leave("k")
        }
      })
    }
    scheduler.leave("k")
    assert.deepStrictEqual(started, claims)
    assert.strictEqual(scheduler.keys.length, 0)
  })

  it.prop(
    "behaves like a list of tickets per key [55]",
    [Schema.Array(Step)],
    ([steps]) => {
      const { scheduler, enter, look } = make()
      const model = new Model()
      for (const [index, { act, key }] of steps.entries()) {
        const shared = act === "read"
        if (act !== "leave") {
          assert.strictEqual(scheduler.isFree(key, shared), model.isFree(key, shared))
          model.enter(`${index}`, key, shared)
          enter(`${index}`, key, shared)
        } else if (model.leave(key)) {
          scheduler.leave(key)
        }
        assert.deepStrictEqual(look(), model.look())
        assert.strictEqual(scheduler.keys.length, model.size)
        assert.deepStrictEqual(byKey(scheduler.keys), byKey(model.keys))
      }
    },
    { arbitrary: { runs: 200, size: 60 } }
  )
})
