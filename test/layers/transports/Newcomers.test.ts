import { assert, describe, it } from "@effect/vitest"
import { Newcomers } from "../../../src/layers/transports/Newcomers.ts"

const setUp = (max: number) => {
  const newcomers = new Newcomers(max)
  const closed: Array<string> = []
  const done = new Set<string>()
  const come = (name: string, nowMillis = 0) => {
    const newcomer = {
      isDone: () => done.has(name),
      close: (why: string) => void closed.push(`${name} ${why}`)
    }
    newcomers.add(newcomer, nowMillis)
    return newcomer
  }
  return { newcomers, closed, done, come }
}

describe("uninitialized connections", () => {
  it("close the oldest for the newest, and no initialized one", () => {
    const { closed, come, done, newcomers } = setUp(2)
    for (const name of ["a", "b"]) come(name)
    done.add("a")
    come("c")
    assert.deepStrictEqual(closed, [])
    come("d")
    assert.deepStrictEqual(closed, ["b crowded"])
    assert.strictEqual(newcomers.size, 2)
  })

  it("close after the time limit", () => {
    const { closed, come, done, newcomers } = setUp(9)
    come("a", 1)
    come("b", 2)
    come("c", 3)
    done.add("b")
    newcomers.sweep(2)
    assert.deepStrictEqual(closed, ["a late"])
    assert.strictEqual(newcomers.size, 1)
  })

  it("are removed when they close", () => {
    const { closed, come, newcomers } = setUp(1)
    newcomers.remove(come("a"))
    come("b")
    newcomers.sweep(-1)
    assert.deepStrictEqual(closed, [])
  })
})
