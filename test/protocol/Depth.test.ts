import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isDeeperThan, MaxDepth } from "../../src/protocol/Depth.ts"
import { classify, isTooDeep } from "../../src/protocol/JsonRpc.ts"
import { parse } from "../../src/layers/transports/Lines.ts"

const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

const arrays = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`

describe("the depth of a document", () => {
  it.prop("is how many objects and arrays are inside each other", [Schema.Json], ([value]) => {
    const depth = depthOf(value)
    assert.isFalse(isDeeperThan(value, depth))
    assert.isTrue(depth === 0 || isDeeperThan(value, depth - 1))
  })

  it.each([arrays, objects])("is found however deep it is", (make) => {
    assert.isFalse(isDeeperThan(JSON.parse(make(MaxDepth)), MaxDepth))
    assert.isTrue(isDeeperThan(JSON.parse(make(MaxDepth + 1)), MaxDepth))
    assert.isTrue(isDeeperThan(JSON.parse(make(100_000)), MaxDepth))
  })
})

describe.each([arrays, objects])("a message that is nested too deep", (make) => {
  const ignored = { _tag: "Ignored", reason: "recursion limit exceeded" } as const

  it("is a request that can be answered", () => {
    const incoming = parse(`{"id":1,"method":"thread/list","params":{"cursor":${make(100_000)}}}`)
    assert.strictEqual(incoming._tag === "Request" && isTooDeep(incoming.request), true)
  })

  it.each([
    ["a notification", (deep: string) => `{"method":"initialized","params":${deep}}`],
    ["an answer", (deep: string) => `{"id":1,"result":${deep}}`],
    ["an error", (deep: string) => `{"id":1,"error":{"code":1,"message":"m","data":${deep}}}`],
    ["a request with a deep id", (deep: string) => `{"id":${deep},"method":"m"}`],
    ["a request with an id that is no integer", (deep: string) => `{"id":1e0,"method":"m","params":${deep}}`]
  ])("is ignored: %s", (_, write) => {
    assert.deepStrictEqual(parse(write(make(100_000))), ignored)
    assert.deepStrictEqual(parse(write(make(MaxDepth))), ignored)
    assert.notStrictEqual(classify(JSON.parse(write(make(MaxDepth - 2))))._tag, "Ignored")
  })
})
