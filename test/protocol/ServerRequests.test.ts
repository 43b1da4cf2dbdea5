import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ServerRequestMethod, serverRequestTable } from "../../src/protocol/Methods.ts"

const answer = (method: ServerRequestMethod, result: unknown) =>
  Schema.decodeUnknownEffect<Schema.Codec<unknown, unknown>>(serverRequestTable[method].result())(result)

describe("ServerRequests", () => {
  it("declares the 11 of the release", () => {
    assert.strictEqual(Object.keys(serverRequestTable).length, 11)
  })

  it("fails each of them in the server when a client has no room for it", () => {
    assert.deepStrictEqual([...new Set(Object.values(serverRequestTable).map(({ tier }) => tier))], ["failBack"])
  })

  it("hides the clock and two members of the command approval from stable clients", () => {
    const hidden = Object.entries(serverRequestTable).flatMap(([method, { experimentalFields, stability }]) =>
      stability === "experimental" || experimentalFields.length > 0 ? [[method, stability, experimentalFields]] : []
    )
    assert.deepStrictEqual(hidden, [
      ["item/commandExecution/requestApproval", "stable", ["additionalPermissions", "availableDecisions"]],
      ["currentTime/read", "experimental", []]
    ])
  })

  it.effect("accepts every decision about a command, offered or not", () =>
    Effect.gen(function* () {
      const decisions = [
        "accept",
        "acceptForSession",
        { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["git", "push"] } },
        { applyNetworkPolicyAmendment: { network_policy_amendment: { host: "example.org", action: "allow" } } },
        "decline",
        "cancel"
      ]
      const read = yield* Effect.forEach(decisions, (decision) =>
        answer("item/commandExecution/requestApproval", { decision })
      )
      assert.deepStrictEqual(
        read,
        decisions.map((decision) => ({ decision }))
      )
    })
  )

  it.effect("refuses an unknown decision and a response without a decision", () =>
    Effect.gen(function* () {
      for (const result of [{ decision: "yes" }, {}, null, { decision: { acceptWithExecpolicyAmendment: {} } }]) {
        const error = yield* Effect.flip(answer("item/commandExecution/requestApproval", result))
        assert.strictEqual(error._tag, "SchemaError")
      }
    })
  )

  it.effect("grants for the turn when no scope is given, and grants no omitted permission", () =>
    Effect.gen(function* () {
      const granted = yield* answer("item/permissions/requestApproval", {
        permissions: { fileSystem: { write: ["/srv"] } }
      })
      assert.deepStrictEqual(granted, {
        permissions: { fileSystem: { read: null, write: ["/srv"] } },
        scope: "turn"
      })
    })
  )

  it.effect("decodes omitted members of an elicitation as null", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* answer("mcpServer/elicitation/request", { action: "decline" }), {
        action: "decline",
        content: null,
        _meta: null
      })
    })
  )

  it.effect("distinguishes a plain choice from one with titles in a form", () =>
    Effect.gen(function* () {
      const fields = {
        plain: { type: "string", enum: ["a"] },
        named: { type: "string", enum: ["a"], enumNames: ["A"] },
        titled: { type: "string", oneOf: [{ const: "a", title: "A" }] },
        several: { type: "array", items: { type: "string", enum: ["a"] } },
        line: { type: "string", maxLength: 3 }
      }
      const request = {
        threadId: "t",
        turnId: null,
        serverName: "forms",
        _meta: null,
        mode: "form",
        message: "Which?",
        requestedSchema: { type: "object", properties: fields, required: ["line"] }
      }
      const params = serverRequestTable["mcpServer/elicitation/request"].params()
      assert.deepStrictEqual<unknown>(yield* Schema.decodeUnknownEffect(params)(request), request)
    })
  )

  for (const [method, { params, result }] of Object.entries(serverRequestTable)) {
    for (const [what, schema] of [
      ["params", params()],
      ["results", result()]
    ] as ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>]>) {
      it.effect.prop(
        `${method}: ${what} survive encoding and decoding`,
        [Arbitrary.schema(schema)],
        ([value]) =>
          Effect.sync(() => {
            const sent: unknown = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(schema)(value)))
            const read = Schema.decodeUnknownSync(schema)(sent)
            assert.deepStrictEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(value)))
          }),
        { arbitrary: { runs: 20 } }
      )
    }
  }
})
