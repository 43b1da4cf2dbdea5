import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { ExecCommandArguments, WriteStdinArguments } from "../../../../src/layers/tools/shell/Arguments.ts"
import * as Specs from "../../../../src/layers/tools/shell/Specs.ts"
import type { ToolSpec } from "../../../../src/services/tool/Tool.ts"

const Parameters = Schema.Struct({
  properties: Schema.Record(Schema.String, Schema.Unknown),
  required: Schema.Array(Schema.String)
})

/** The names of the parameters, and the required ones. */
const offered = (spec: ToolSpec) => {
  const { properties, required } = Schema.decodeUnknownSync(Parameters)(spec.type === "function" ? spec.parameters : {})
  return { all: Object.keys(properties), required }
}

describe("the shell tools", () => {
  it("declare the parameters that they read", () => {
    assert.deepStrictEqual(
      [offered(Specs.execCommand), offered(Specs.writeStdin)],
      [
        { all: Object.keys(ExecCommandArguments().fields), required: ["cmd"] },
        { all: Object.keys(WriteStdinArguments().fields), required: ["session_id"] }
      ]
    )
  })
})
