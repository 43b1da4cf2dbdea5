import { assert, describe, it } from "@effect/vitest"
import { problemOf } from "../../../src/services/thread/ThreadId.ts"

const character = (found: string, at: number) =>
  `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${found}\` at ${at}`
const length = (found: number) => `invalid length: expected length 32 for simple format, found ${found}`
const count = (found: number) => `invalid group count: expected 5, found ${found}`
const group = (index: number, expected: number, found: number) =>
  `invalid group length in group ${index}: expected ${expected}, found ${found}`

describe("problemOf", () => {
  // The texts of the released binary, as it answered these ids.
  it.each([
    ["", length(0)],
    ["abc", length(3)],
    ["0".repeat(33), length(33)],
    ["nope", character("n", 1)],
    ["abé", character("é", 3)],
    ["😀", character("😀", 1)],
    ["{abc", character("{", 1)],
    ["{nope}", character("n", 2)],
    ["urn:uuid:zz", character("z", 10)],
    [" 019a0000-0000-7000-8000-000000000000", character(" ", 1)],
    ["019a0000-0000-7000-8000-00000000000z", character("z", 36)],
    ["019a000000007000800000000000000g", character("g", 32)],
    ["{}", count(1)],
    ["urn:uuid:019a0000000070008000000000000000", count(1)],
    ["{019a0000000070008000000000000000}", count(1)],
    ["a-b", count(2)],
    ["019a0000-00007000-8000-000000000000", count(4)],
    ["a-b-c-d-e-f", count(6)],
    ["----", group(0, 8, 0)],
    ["019a-00000000-7000-8000-000000000000", group(0, 8, 4)],
    ["019a0000-0000-7000-80000-00000000000", group(3, 4, 5)],
    ["019a0000-0000-7000-8000-00000000000", group(4, 12, 11)],
    ["019a0000-0000-7000-8000-0000000000000", group(4, 12, 13)]
  ])("explains %j as the release does", (id, problem) => {
    assert.strictEqual(problemOf(id), problem)
  })

  it.each([
    "019a0000-0000-7000-8000-000000000000",
    "019A0000-0000-7000-8000-000000000000",
    "019a0000000070008000000000000000",
    "{019a0000-0000-7000-8000-000000000000}",
    "urn:uuid:019a0000-0000-7000-8000-000000000000"
  ])("accepts %s", (id) => {
    assert.isUndefined(problemOf(id))
  })
})
