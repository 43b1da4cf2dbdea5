import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { backTo, behind, isAfter, parse } from "../../../src/services/thread/ThreadCursor.ts"

const noon = Date.UTC(2026, 10, 20, 12)

describe("ThreadCursor", () => {
  it("reads what it writes, in the form of the release", () => {
    assert.strictEqual(behind(noon, "t"), "2026-11-20T12:00:00.000Z|t")
    assert.deepStrictEqual(parse("2026-11-20T12:00:00.000Z|t"), { value: noon, id: "t" })
    assert.deepStrictEqual(parse("2026-11-20T12:00:00Z|t"), { value: noon, id: "t" })
    assert.deepStrictEqual(parse("2026-11-20T13:00:00.123456+01:00"), { value: noon + 123, id: null })
    assert.deepStrictEqual(parse("2026-11-20T12-00-00"), { value: noon, id: null })
    assert.deepStrictEqual(parse(backTo(noon, "desc")), { value: noon - 1, id: null })
    assert.deepStrictEqual(parse(backTo(noon, "asc")), { value: noon + 1, id: null })
  })

  for (const text of [
    "",
    "garbage",
    "|",
    "|t",
    "7",
    "2026",
    "2026-13-45T99:00:00Z|t",
    "2026-11-20Tgarbage",
    "2026-02-30T00:00:00Z",
    "2026-11-20T12:00:00",
    "2026-11-20",
    "2026-11-20T24:00:00Z",
    "2026-11-20T12:00:00.Z"
  ]) {
    it(`${JSON.stringify(text)} is no cursor`, () => {
      assert.isUndefined(parse(text))
    })
  }

  it.prop("decides for any text whether it is a cursor", [Schema.String], ([text]) => {
    const cursor = parse(text)
    assert.isTrue(cursor === undefined || Number.isFinite(cursor.value))
  })

  it("is after its own thread, and between those of the same time by id", () => {
    const after = (id: string, direction: "asc" | "desc") => isAfter(noon, id, { value: noon, id: "m" }, direction)
    assert.deepStrictEqual(
      ["a", "m", "z"].map((id) => [after(id, "asc"), after(id, "desc")]),
      [
        [false, true],
        [false, false],
        [true, false]
      ]
    )
  })

  it("is before or after all threads of its time without an id", () => {
    const cursor = { value: noon, id: null }
    assert.deepStrictEqual(
      [noon - 1, noon, noon + 1].map((millis) => [
        isAfter(millis, "t", cursor, "asc"),
        isAfter(millis, "t", cursor, "desc")
      ]),
      [
        [false, true],
        [false, false],
        [true, false]
      ]
    )
  })
})
