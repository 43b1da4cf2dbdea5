import { assert, describe, it } from "@effect/vitest"
import process from "node:process"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Traffic } from "../../../src/services/observability/Traffic.ts"

const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

const heapUsed = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

describe("Traffic", () => {
  it("keeps nothing in memory of a method and an id beyond what it shows of them", () => {
    const messages = 64
    const length = 1024 * 1024
    const traffic = new Traffic(messages, () => 0)
    const before = heapUsed()
    for (let index = 0; index < messages; index++) {
      // As a client would send them: each is a string of its own.
      const [method, id] = JSON.parse(`["${"m".repeat(length)}${index}","${"i".repeat(length)}${index}"]`)
      traffic.record({ connection: 1, direction: "in", kind: "request", method, id, payload: undefined })
    }
    assert.isBelow(heapUsed() - before, 16 * length)
    assert.deepStrictEqual(traffic.entries[0], {
      at: 0,
      connection: 1,
      direction: "in",
      kind: "request",
      method: `${"m".repeat(127)}…`,
      id: `${"i".repeat(127)}…`,
      size: 0
    })
  })
})
