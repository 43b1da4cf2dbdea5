import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isDeeperThan, MaxDepth } from "../../../src/protocol/jsonrpc/Depth.ts"

const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

const arrays = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`

describe("the depth of a document", () => {
  it.prop("is the number of nested objects and arrays", [Schema.Json], ([value]) => {
    const depth = depthOf(value)
    assert.isFalse(isDeeperThan(value, depth))
    assert.isTrue(depth === 0 || isDeeperThan(value, depth - 1))
  })

  it.each([arrays, objects])("is measured at any depth", (make) => {
    assert.isFalse(isDeeperThan(JSON.parse(make(MaxDepth)), MaxDepth))
    assert.isTrue(isDeeperThan(JSON.parse(make(MaxDepth + 1)), MaxDepth))
    assert.isTrue(isDeeperThan(JSON.parse(make(100_000)), MaxDepth))
  })
})
