import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { sessionIn } from "../../../../src/layers/tools/shell/ProcessSession.ts"

describe("the session of a process", () => {
  it.prop(
    "is found whatever the name of the program is",
    [Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4_194_304 }))],
    ([name, session]) => {
      assert.strictEqual(sessionIn(`1 (${name}) S 1 2 ${session} 0 -1 4194560 100`), session)
      assert.isUndefined(sessionIn(`1 (${name}) Z 1 2 ${session} 0 -1 4194560 100`))
    }
  )

  it("is undefined for text of another form", () => {
    assert.deepStrictEqual(["", "1 (a", ")", "1 (a) S 1"].map(sessionIn), [undefined, undefined, undefined, undefined])
  })
})
