import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  clientRequestTable,
  type ReleasedRequestParams,
  type ReleasedRequestResult
} from "../../src/protocol/Methods.ts"
import { clientMethodNames, releasedRequestOf } from "../../src/protocol/ReleasedRequests.ts"
import { releasedRequestTable } from "../../src/protocol/ReleasedTable.ts"
import { unservedRequestTable } from "../../src/protocol/UnservedRequests.ts"
import type { WireSchema } from "../../src/protocol/Method.ts"

interface Declaration {
  readonly params: WireSchema | undefined
  readonly result: WireSchema
}

const unserved: ReadonlyArray<readonly [string, Declaration]> = Object.entries(unservedRequestTable)

/** The value after it was sent over a connection. */
const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The difference of each type to the expected one is a compile error. */
const types = (
  read: ReleasedRequestParams<"fs/readFile">,
  content: ReleasedRequestResult<"fs/readFile">,
  start: ReleasedRequestParams<"thread/start">
): readonly [{ readonly path: string }, { readonly dataBase64: string }, string | null | undefined] => [
  read,
  content,
  start.model
]

describe("UnservedRequests", () => {
  it("has no request that is served", () => {
    assert.deepStrictEqual(
      unserved.map(([method]) => method).filter((method) => Object.hasOwn(clientRequestTable, method)),
      []
    )
  })

  it("has, together with the served ones, every request of the release", () => {
    const missing = clientMethodNames.filter((method) => !Object.hasOwn(releasedRequestTable, method))
    assert.deepStrictEqual(
      missing.filter((method) => !/^(thread|threadSection|turn)\//.test(method)),
      []
    )
  })

  it("has parameters exactly where the release has some, and accepts null where they are optional", () => {
    for (const [method, { params }] of unserved) {
      const accepts = params === undefined ? undefined : Schema.is(params())(null)
      const expected = { required: false, optional: true, none: undefined }
      const released = releasedRequestOf(method)
      assert.isDefined(released)
      if (released !== undefined) assert.strictEqual(accepts, expected[released.params], method)
    }
  })

  it("has the types of each request", () => {
    assert.deepStrictEqual(types({ path: "/a" }, { dataBase64: "" }, { model: "m" }), [
      { path: "/a" },
      { dataBase64: "" },
      "m"
    ])
  })

  for (const [method, { params, result }] of unserved) {
    for (const [what, schema] of [
      ["parameters", params],
      ["results", result]
    ] as const) {
      if (schema === undefined) continue
      it.effect.prop(
        `${method}: ${what} survive encoding and decoding`,
        [Arbitrary.schema(schema())],
        ([value]) =>
          Effect.sync(() => {
            const sent = overTheWire(Schema.encodeUnknownSync(schema())(value))
            assert.deepStrictEqual(overTheWire(Schema.decodeUnknownSync(schema())(sent)), overTheWire(value))
          }),
        { arbitrary: { runs: 20 } }
      )
    }
  }
})
