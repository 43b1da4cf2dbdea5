import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { decodeParams } from "../../../src/services/decoding/DecodeParams.ts"
import { type ClientRequestMethod, clientRequestTable, isClientRequestMethod } from "../../../src/protocol/Methods.ts"

const turn = (members: object) => ({ threadId: "t", input: [], ...members })
const input = (part: unknown) => ({ threadId: "t", input: [part] })
const element = (part: unknown) => input({ type: "text", text: "x", text_elements: [part] })

/** The released server's texts after "Invalid request: ". */
const cases: ReadonlyArray<readonly [ClientRequestMethod, unknown, string]> = [
  // the envelope
  ["thread/loaded/list", undefined, "missing field `params`"],
  ["thread/start", null, "missing field `params`"],
  ["thread/start", 5, "invalid type: integer `5`, expected struct ThreadStartParams"],
  ["thread/start", "x", 'invalid type: string "x", expected struct ThreadStartParams'],
  ["thread/start", true, "invalid type: boolean `true`, expected struct ThreadStartParams"],
  ["thread/loaded/list", [], "invalid length 0, expected struct ThreadLoadedListParams with 2 elements"],
  ["thread/start", [], "invalid length 0, expected struct ThreadStartParams with 27 elements"],
  ["turn/start", [], "invalid length 0, expected struct TurnStartParams with 28 elements"],
  ["thread/resume", [], "invalid length 0, expected struct ThreadResumeParams with 18 elements"],
  ["thread/unsubscribe", [], "invalid length 0, expected struct ThreadUnsubscribeParams with 1 element"],
  ["configRequirements/read", { zzz: 1 }, "invalid type: map, expected unit"],
  ["configRequirements/read", [], "invalid type: sequence, expected unit"],
  ["configRequirements/read", 5, "invalid type: integer `5`, expected unit"],
  // missing members
  ["initialize", {}, "missing field `clientInfo`"],
  ["initialize", { clientInfo: { name: "probe" } }, "missing field `version`"],
  ["thread/read", {}, "missing field `threadId`"],
  ["turn/start", { threadId: "t" }, "missing field `input`"],
  ["turn/start", { input: [] }, "missing field `threadId`"],
  ["turn/start", turn({ collaborationMode: { mode: "plan", settings: {} } }), "missing field `model`"],
  ["thread/start", { approvalPolicy: { granular: {} } }, "missing field `sandbox_approval`"],
  ["thread/start", { environments: [{ environmentId: "local" }] }, "missing field `cwd`"],
  // values of another type
  ["thread/read", { threadId: 5 }, "invalid type: integer `5`, expected a string"],
  ["thread/read", { threadId: null }, "invalid type: null, expected a string"],
  ["thread/read", { threadId: { a: 1 } }, "invalid type: map, expected a string"],
  ["thread/start", { model: true }, "invalid type: boolean `true`, expected a string"],
  ["thread/start", { model: 1.5 }, "invalid type: floating point `1.5`, expected a string"],
  ["thread/start", { model: 1e30 }, "invalid type: floating point `1e+30`, expected a string"],
  ["thread/start", { model: [] }, "invalid type: sequence, expected a string"],
  ["thread/start", { ephemeral: "x" }, 'invalid type: string "x", expected a boolean'],
  ["thread/start", { experimentalRawEvents: null }, "invalid type: null, expected a boolean"],
  ["thread/start", { config: [] }, "invalid type: sequence, expected a map"],
  ["thread/start", { dynamicTools: 5 }, "invalid type: integer `5`, expected a sequence"],
  ["thread/start", { environments: [5] }, "invalid type: integer `5`, expected struct TurnEnvironmentParams"],
  ["turn/start", input(5), "invalid type: integer `5`, expected internally tagged enum UserInput"],
  ["turn/start", element(5), "invalid type: integer `5`, expected struct TextElement"],
  ["turn/start", turn({ responsesapiClientMetadata: { a: 5 } }), "invalid type: integer `5`, expected a string"],
  [
    "turn/start",
    turn({ collaborationMode: { mode: "plan", settings: 5 } }),
    "invalid type: integer `5`, expected struct Settings"
  ],
  ["turn/start", turn({ effort: 5 }), "invalid type: integer `5`, expected a string"],
  ["turn/start", turn({ effort: "" }), "reasoning_effort must not be empty"],
  // numbers
  ["thread/loaded/list", { limit: "5" }, 'invalid type: string "5", expected u32'],
  ["thread/loaded/list", { limit: -1 }, "invalid value: integer `-1`, expected u32"],
  ["thread/loaded/list", { limit: 5_000_000_000 }, "invalid value: integer `5000000000`, expected u32"],
  ["thread/loaded/list", { limit: 1.5 }, "invalid type: floating point `1.5`, expected u32"],
  ["turn/start", element({ byteRange: { start: -1, end: 2 } }), "invalid value: integer `-1`, expected usize"],
  // names of variants
  [
    "thread/start",
    { approvalPolicy: "bogus" },
    "unknown variant `bogus`, expected one of `untrusted`, `on-request`, `granular`, `never`"
  ],
  [
    "thread/start",
    { approvalPolicy: { zzz: {} } },
    "unknown variant `zzz`, expected one of `untrusted`, `on-request`, `granular`, `never`"
  ],
  ["thread/start", { approvalPolicy: {} }, "invalid value: map, expected map with a single key"],
  ["thread/start", { approvalPolicy: 5 }, "invalid type: integer `5`, expected string or map"],
  ["thread/start", { approvalPolicy: [{ toString: 1 }] }, "invalid type: sequence, expected string or map"],
  ["thread/start", { approvalPolicy: ["never"] }, "invalid type: sequence, expected string or map"],
  ["thread/start", { approvalPolicy: "granular" }, "invalid type: unit variant, expected struct variant"],
  ["thread/start", { approvalPolicy: { granular: 5 } }, "invalid type: integer `5`, expected struct variant"],
  ["thread/start", { multiAgentMode: "custom" }, "invalid type: unit variant, expected newtype variant"],
  [
    "thread/start",
    { sandbox: "bogus" },
    "unknown variant `bogus`, expected one of `read-only`, `workspace-write`, `danger-full-access`"
  ],
  ["thread/start", { historyMode: "zz" }, "unknown variant `zz`, expected `legacy` or `paginated`"],
  [
    "turn/start",
    input({ type: "zzz" }),
    "unknown variant `zzz`, expected one of `text`, `image`, `localImage`, `audio`, `localAudio`, `skill`, `mention`"
  ],
  ["turn/start", input({}), "missing field `type`"],
  [
    "turn/start",
    turn({ sandboxPolicy: { type: "zzz" } }),
    "unknown variant `zzz`, expected one of `dangerFullAccess`, `readOnly`, `externalSandbox`, `workspaceWrite`"
  ],
  [
    "turn/start",
    turn({ additionalContext: { k: { kind: "zz", value: "v" } } }),
    "unknown variant `zz`, expected `untrusted` or `application`"
  ],
  ["thread/start", { dynamicTools: [{ type: "zzz" }] }, "unknown variant `zzz`, expected `function` or `namespace`"],
  ["thread/start", { dynamicTools: [{ name: "x" }] }, "missing field `description`"],
  [
    "thread/start",
    { selectedCapabilityRoots: [{ id: "x", location: { type: "zz" } }] },
    "unknown variant `zz`, expected `environment`"
  ],
  // unions without a tag
  ["turn/start", input({ type: "image" }), "data did not match any variant of untagged enum ImageReference"],
  ["turn/start", input({ type: "audio" }), "data did not match any variant of untagged enum AudioReference"],
  [
    "turn/start",
    input({ type: "image", url: "x", detail: "zz" }),
    "unknown variant `zz`, expected one of `auto`, `low`, `high`, `original`"
  ],
  [
    "turn/start",
    turn({ toolOutput: { name: "x", output: [{ type: "zz" }] } }),
    "data did not match any variant of untagged enum FunctionCallOutputBody"
  ],
  ["thread/list", { cwd: [5] }, "data did not match any variant of untagged enum ThreadListCwdFilter"],
  // paths
  ["thread/start", { runtimeWorkspaceRoots: ["rel"] }, "AbsolutePathBuf deserialized without a base path"],
  ["thread/start", { runtimeWorkspaceRoots: [5] }, "invalid type: integer `5`, expected path string"],
  [
    "turn/start",
    turn({ sandboxPolicy: { type: "workspaceWrite", writableRoots: ["rel"] } }),
    "AbsolutePathBuf deserialized without a base path"
  ],
  // the order in which errors are found
  ["thread/loaded/list", { cursor: 5, limit: "x" }, "invalid type: integer `5`, expected a string"],
  ["thread/loaded/list", { limit: "x", cursor: 5 }, 'invalid type: string "x", expected u32'],
  ["turn/start", { input: "x", threadId: 5 }, 'invalid type: string "x", expected a sequence'],
  ["thread/read", { includeTurns: 5 }, "invalid type: integer `5`, expected a boolean"]
]

describe("InvalidRequest", () => {
  for (const [method, params, text] of cases) {
    it(`${method} refuses ${JSON.stringify(params)}: ${text}`, () => {
      assert.deepStrictEqual<unknown>(decodeParams(method, params), Result.fail(text))
    })
  }

  it("accepts absent parameters, null and an empty object when a method has no parameters", () => {
    for (const params of [undefined, null, {}]) {
      assert.deepStrictEqual(decodeParams("configRequirements/read", params), Result.succeed(undefined))
    }
  })

  it("repeats only the beginning of a long value, and no raw control characters", () => {
    assert.deepStrictEqual<unknown>(
      decodeParams("thread/start", { ephemeral: `\u0001\n"${"é".repeat(5000)}` }),
      Result.fail(`invalid type: string "\\u{1}\\n\\"${"é".repeat(117)}…", expected a boolean`)
    )
  })

  const methods = Object.keys(clientRequestTable).filter(isClientRequestMethod)

  it.effect.prop(
    "has a short text for any JSON that it refuses",
    [
      Schema.Literals(methods),
      Schema.Record(
        Schema.Literals(["threadId", "input", "cwd", "limit", "config", "type", "approvalPolicy", "clientInfo"]),
        Schema.Json
      )
    ],
    ([method, params]) =>
      Effect.sync(() => {
        const read = decodeParams(method, params)
        if (Result.isSuccess(read)) return
        assert.isBelow(read.failure.length, 400)
        assert.notInclude(read.failure, "data did not match the parameters")
      }),
    { arbitrary: { runs: 300 } }
  )
})
