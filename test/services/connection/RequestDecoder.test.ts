import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RequestError, toErrorObject } from "../../../src/services/routing/RequestError.ts"
import { type DecodedRequest, gate, decode } from "../../../src/services/connection/RequestDecoder.ts"
import { openConnection, type OpenOptions } from "../../support/Connections.ts"

const threadId = "0198c0de-0000-7000-8000-000000000000"

const call = (method: string, params?: unknown): DecodedRequest => {
  const made = decode({ id: 7, method, ...(params === undefined ? {} : { params }) }, 7)
  if (typeof made === "string") throw new Error(made)
  return made
}

/** The gate's result for such a connection. */
const gated = (options: OpenOptions, ...[method, params]: Parameters<typeof call>) =>
  Effect.map(openConnection(options), (connection) => {
    const refusal = gate(connection, call(method, params))
    return refusal === undefined ? undefined : toErrorObject(refusal)
  })

const initialize = ["initialize", { clientInfo: { name: "n", version: "1" } }] as const

const fresh = { session: null }
const stable = {}
const experimental = { session: { experimental: true } }

const invalid = (message: string) => ({ code: -32600, message })

describe("RequestDecoder", () => {
  describe("a request", () => {
    it("is decoded with its defaults, its id and its trace", () => {
      const params = { threadId, expectedTurnId: "u", input: [{ type: "text", text: "x" }] }
      const trace = { traceparent: "00-a-b-01", tracestate: null }
      const made = decode({ id: "a", method: "turn/steer", params, trace }, 7)
      assert.isTrue(typeof made !== "string")
      if (typeof made === "string") return
      const { id, method, served, key, shared, stability } = made
      assert.deepStrictEqual(
        { id, method, served, key, shared, stability, trace: made.trace, params: made.params },
        {
          id: "a",
          method: "turn/steer",
          served: "turn/steer",
          key: `thread ${threadId}`,
          shared: false,
          stability: "stable",
          trace,
          params: { ...params, input: [{ type: "text", text: "x", text_elements: [] }] }
        }
      )
    })

    it("that cannot be decoded has the reason [10]", () => {
      assert.strictEqual(decode({ id: 1, method: "thread/read", params: {} }, 7), "missing field `threadId`")
      assert.strictEqual(
        decode({ id: 1, method: "thread/read", params: { threadId: 5 } }, 7),
        "invalid type: integer `5`, expected a string"
      )
    })

    it("with an unknown method lists the known ones [10]", () => {
      const text = decode({ id: 1, method: "no/such", params: {} }, 7)
      assert.match(String(text), /^unknown variant `no\/such`, expected one of `initialize`, /)
    })

    it("with a name from Object.prototype has an unknown method [10]", () => {
      for (const method of ["toString", "__proto__", "constructor", "hasOwnProperty"]) {
        assert.match(String(decode({ id: 1, method, params: {} }, 7)), /^unknown variant `/)
      }
    })
  })

  describe("the key of a request", () => {
    const keys = (method: string, params: unknown) => {
      const { key, shared } = call(method, params)
      return { key, shared }
    }

    it("is its thread's, exclusive for writes and shared for reads [55]", () => {
      for (const [method, params] of [
        ["thread/resume", {}],
        ["thread/unsubscribe", {}],
        ["turn/start", { input: [] }],
        ["turn/steer", { input: [], expectedTurnId: "u" }],
        ["turn/interrupt", { turnId: "u" }]
      ] as const) {
        assert.deepStrictEqual(keys(method, { threadId, ...params }), { key: `thread ${threadId}`, shared: false })
      }
      assert.deepStrictEqual(keys("thread/read", { threadId }), { key: `thread ${threadId}`, shared: true })
    })

    it("is global for requests about the whole server [55]", () => {
      assert.deepStrictEqual(keys("config/read", {}), { key: "global config", shared: true })
      assert.deepStrictEqual(keys("configRequirements/read", undefined), { key: "global config", shared: true })
      assert.deepStrictEqual(keys("account/read", {}), { key: "global account", shared: true })
    })

    it("is absent for concurrent requests [55]", () => {
      for (const method of ["thread/start", "thread/list", "thread/loaded/list", "model/list"]) {
        assert.deepStrictEqual(keys(method, {}), { key: undefined, shared: false })
      }
    })
  })

  describe("the gate", () => {
    it.effect("passes only initialize before the handshake [1]", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* gated(fresh, "thread/start", {}), invalid("Not initialized"))
        assert.deepStrictEqual(yield* gated(fresh, "mock/experimentalMethod", {}), invalid("Not initialized"))
        assert.deepStrictEqual(yield* gated(fresh, "thread/archive", { threadId }), invalid("Not initialized"))
        assert.isUndefined(yield* gated(fresh, ...initialize))
      })
    )

    it.effect("refuses a second initialize [2]", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* gated(stable, ...initialize), invalid("Already initialized"))
        assert.deepStrictEqual(yield* gated(experimental, ...initialize), invalid("Already initialized"))
      })
    )

    it.effect("names the method, the field or the variant that needs the experimental capability [8]", () =>
      Effect.gen(function* () {
        const granular = { granular: { sandbox_approval: true, rules: true, mcp_elicitations: true } }
        for (const [method, params, descriptor] of [
          ["mock/experimentalMethod", {}, "mock/experimentalMethod"],
          ["collaborationMode/list", {}, "collaborationMode/list"],
          ["thread/start", { mockExperimentalField: "x" }, "thread/start.mockExperimentalField"],
          ["thread/start", { dynamicTools: [] }, "thread/start.dynamicTools"],
          ["thread/start", { approvalPolicy: granular }, "askForApproval.granular"]
        ] as const) {
          const refusal = yield* gated(stable, method, params)
          assert.deepStrictEqual(refusal, invalid(`${descriptor} requires experimentalApi capability`))
        }
      })
    )

    it.effect("passes experimental use of clients that opted in, and stable use of all [8]", () =>
      Effect.gen(function* () {
        assert.isUndefined(yield* gated(experimental, "thread/start", { dynamicTools: [] }))
        assert.isUndefined(yield* gated(stable, "thread/start", { cwd: "/w" }))
      })
    )

    it.effect("refuses methods of the release that this server does not implement", () =>
      Effect.gen(function* () {
        const expected = { code: -32601, message: "feedback/upload is not supported yet" }
        assert.deepStrictEqual(
          yield* gated(stable, "feedback/upload", { classification: "bug", includeLogs: false }),
          expected
        )
        assert.deepStrictEqual(yield* gated(experimental, "mock/experimentalMethod", {}), {
          code: -32601,
          message: "mock/experimentalMethod is not supported yet"
        })
      })
    )
  })

  it("an error without data has no data member", () => {
    assert.deepStrictEqual(toErrorObject(new RequestError({ code: 1, message: "m" })), { code: 1, message: "m" })
    assert.deepStrictEqual(toErrorObject(new RequestError({ code: 1, message: "m", data: null })), {
      code: 1,
      message: "m",
      data: null
    })
  })
})
