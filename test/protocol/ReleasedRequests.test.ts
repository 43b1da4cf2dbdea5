import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readReserved } from "../../src/services/decoding/DecodeParams.ts"
import type { WireSchema } from "../../src/protocol/Lazy.ts"
import { clientRequestTable, isClientRequestMethod } from "../../src/protocol/Methods.ts"
import { clientMethodNames, ReleasedRequests, releasedRequestOf } from "../../src/protocol/ReleasedRequests.ts"

describe("ReleasedRequests", () => {
  it("lists every method of the release once, including those that are served", () => {
    assert.strictEqual(clientMethodNames.length, 187)
    assert.strictEqual(new Set(clientMethodNames).size, 187)
    assert.deepStrictEqual(clientMethodNames.slice(0, 3), [
      "initialize",
      "server/diagnostics",
      "userVerification/status"
    ])
    assert.deepStrictEqual(clientMethodNames.slice(-2), [
      "fuzzyFileSearch/sessionUpdate",
      "fuzzyFileSearch/sessionStop"
    ])
    assert.deepStrictEqual(
      Object.keys(clientRequestTable).filter((method) => !clientMethodNames.includes(method)),
      []
    )
  })

  it("agrees with the declarations of the served methods", () => {
    for (const method of Object.keys(clientRequestTable).filter(isClientRequestMethod)) {
      const params: WireSchema | undefined = clientRequestTable[method].params
      const needed = params === undefined ? "none" : Schema.is(params())(null) ? "optional" : "required"
      assert.strictEqual<string>(ReleasedRequests[method].params, needed, method)
    }
  })

  it("counts 112 stable methods and 75 experimental ones", () => {
    const stable = Object.values(ReleasedRequests).filter((request) => request.stability === "stable")
    assert.strictEqual(stable.length, 112)
  })

  it("requires parameters exactly for the methods that have some", () => {
    assert.deepStrictEqual(readReserved("thread/archive", undefined), Result.fail("missing field `params`"))
    assert.deepStrictEqual(readReserved("thread/archive", null), Result.fail("missing field `params`"))
    assert.deepStrictEqual(readReserved("thread/archive", {}), Result.succeed(ReleasedRequests["thread/archive"]))
    assert.deepStrictEqual(
      readReserved("account/usage/read", null),
      Result.succeed(ReleasedRequests["account/usage/read"])
    )
    assert.deepStrictEqual(readReserved("account/logout", {}), Result.succeed(ReleasedRequests["account/logout"]))
    assert.deepStrictEqual(readReserved("account/logout", { zzz: 1 }), Result.fail("invalid type: map, expected unit"))
  })

  it("lists the methods of the release in the error for an unknown method, and shortens a long name", () => {
    const list = clientMethodNames.map((name) => `\`${name}\``).join(", ")
    assert.deepStrictEqual(
      readReserved("no/such", {}),
      Result.fail(`unknown variant \`no/such\`, expected one of ${list}`)
    )
    assert.deepStrictEqual(
      readReserved("x".repeat(5000), {}),
      Result.fail(`unknown variant \`${"x".repeat(120)}…\`, expected one of ${list}`)
    )
    assert.isUndefined(releasedRequestOf("constructor"))
  })
})
