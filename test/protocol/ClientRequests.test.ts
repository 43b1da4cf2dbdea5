import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeParams } from "../../src/services/decoding/DecodeParams.ts"
import type { WireSchema } from "../../src/protocol/Method.ts"
import { type ClientRequestMethod, clientRequestTable, isClientRequestMethod } from "../../src/protocol/Methods.ts"

const methods = Object.keys(clientRequestTable).filter(isClientRequestMethod)

/** The value after it was sent over a connection. */
const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** JSON has no negative zero, and the order of members is not significant. */
const sameJson = (left: unknown, right: unknown) => assert.deepStrictEqual(overTheWire(left), overTheWire(right))

describe("ClientRequests", () => {
  for (const method of methods) {
    const { params, result }: { readonly params: WireSchema | undefined; readonly result: WireSchema } =
      clientRequestTable[method]

    if (params !== undefined) {
      it.effect.prop(
        `${method}: parameters survive encoding and decoding`,
        [Arbitrary.schema(params())],
        ([value]) =>
          Effect.sync(() => {
            const sent = overTheWire(Schema.encodeUnknownSync(params())(value))
            const read = decodeParams(method, sent)
            assert.isTrue(Result.isSuccess(read), Result.isFailure(read) ? read.failure : "")
            if (Result.isSuccess(read)) sameJson(read.success, value)
          }),
        { arbitrary: { runs: 60 } }
      )
    }

    it.effect.prop(
      `${method}: results survive encoding and decoding`,
      [Arbitrary.schema(result())],
      ([value]) =>
        Effect.sync(() => {
          const sent = overTheWire(Schema.encodeUnknownSync(result())(value))
          sameJson(Schema.decodeUnknownSync(result())(sent), value)
        }),
      { arbitrary: { runs: 40 } }
    )
  }

  const decoded = (method: ClientRequestMethod, params: unknown) => Result.getOrThrow(decodeParams(method, params))

  it("accepts null for optional members and ignores unknown members", () => {
    assert.deepStrictEqual(decoded("thread/loaded/list", { cursor: null, limit: null, zzz: [1] }), {
      cursor: null,
      limit: null
    })
    assert.deepStrictEqual(decoded("thread/loaded/list", {}), {})
  })

  it("fills in the optional members of shapes that the server sends back", () => {
    assert.deepStrictEqual(
      decoded("turn/start", {
        threadId: "t",
        input: [{ type: "text", text: "hi" }],
        sandboxPolicy: { type: "workspaceWrite" },
        approvalPolicy: { granular: { sandbox_approval: true, rules: false, mcp_elicitations: true } },
        collaborationMode: { mode: "plan", settings: { model: "m" } }
      }),
      {
        threadId: "t",
        input: [{ type: "text", text: "hi", text_elements: [] }],
        sandboxPolicy: {
          type: "workspaceWrite",
          writableRoots: [],
          networkAccess: false,
          excludeTmpdirEnvVar: false,
          excludeSlashTmp: false
        },
        approvalPolicy: {
          granular: {
            sandbox_approval: true,
            rules: false,
            skill_approval: false,
            request_permissions: false,
            mcp_elicitations: true
          }
        },
        collaborationMode: {
          mode: "plan",
          settings: { model: "m", reasoning_effort: null, developer_instructions: null }
        }
      }
    )
    assert.deepStrictEqual(decoded("initialize", { clientInfo: { name: "n", version: "1" }, capabilities: {} }), {
      clientInfo: { name: "n", title: null, version: "1" },
      capabilities: {
        experimentalApi: false,
        requestAttestation: false,
        requiredHumanApproval: false,
        explicitGatewayOauth: false,
        mcpServerOpenaiFormElicitation: false
      }
    })
  })

  it("decodes a dynamic tool without a type as a function", () => {
    const tool = { name: "a", description: "d", inputSchema: { type: "object" } }
    assert.deepStrictEqual(decoded("thread/start", { dynamicTools: [tool] }), {
      dynamicTools: [{ type: "function", ...tool }]
    })
  })

  it("decodes a conversation entry of an unknown kind as `other`", () => {
    assert.deepStrictEqual(decoded("thread/resume", { threadId: "t", history: [{ type: "later", a: 1 }] }), {
      threadId: "t",
      history: [{ type: "other" }]
    })
  })

  it("knows a method by name, and none by the name of an inherited object property", () => {
    assert.deepStrictEqual(["turn/start", "toString", "thread/realtime/start"].map(isClientRequestMethod), [
      true,
      false,
      false
    ])
  })
})
