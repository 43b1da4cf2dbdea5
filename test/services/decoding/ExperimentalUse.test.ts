import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { experimentalUse } from "../../../src/services/decoding/ExperimentalUse.ts"
import { decodeParams } from "../../../src/services/decoding/DecodeParams.ts"
import { type ClientRequestMethod, clientRequestTable } from "../../../src/protocol/Methods.ts"
import { ReleasedRequests } from "../../../src/protocol/ReleasedRequests.ts"

const declarationOf = (method: ClientRequestMethod) => ({
  stability: ReleasedRequests[method].stability,
  experimentalFields: clientRequestTable[method].experimentalFields
})

const use = (method: ClientRequestMethod, params: unknown) =>
  experimentalUse(declarationOf(method), method, Result.getOrThrow(decodeParams(method, params)))

const granular = { granular: { sandbox_approval: true, rules: true, mcp_elicitations: true } }
const turn = { threadId: "t", input: [] }

const cases: ReadonlyArray<readonly [ClientRequestMethod, object, string | undefined]> = [
  ["thread/start", {}, undefined],
  ["thread/start", { cwd: "/w", model: "m", approvalPolicy: "never", ephemeral: true }, undefined],
  ["thread/start", { dynamicTools: null, permissions: null, projectId: null }, undefined],
  ["thread/start", { experimentalRawEvents: false, allowProviderModelFallback: false }, undefined],
  ["thread/start", { experimentalRawEvents: true }, "thread/start.experimentalRawEvents"],
  ["thread/start", { allowProviderModelFallback: true }, "thread/start.allowProviderModelFallback"],
  ["thread/start", { daybreakEnabled: false }, "thread/start.daybreakEnabled"],
  ["thread/start", { dynamicTools: [] }, "thread/start.dynamicTools"],
  ["thread/start", { mockExperimentalField: "x" }, "thread/start.mockExperimentalField"],
  ["thread/start", { dynamicTools: [], permissions: "x", environments: [] }, "thread/start.permissions"],
  ["thread/start", { approvalPolicy: granular }, "askForApproval.granular"],
  ["thread/start", { approvalPolicy: granular, permissions: "x" }, "askForApproval.granular"],
  ["thread/start", { approvalPolicy: granular, runtimeWorkspaceRoots: [] }, "thread/start.runtimeWorkspaceRoots"],
  ["thread/resume", { threadId: "t", path: "", excludeTurns: true }, undefined],
  ["thread/resume", { threadId: "t", path: "/p" }, "thread/resume.path"],
  ["thread/resume", { threadId: "t", path: "", history: [] }, "thread/resume.history"],
  ["thread/resume", { threadId: "t", initialTurnsPage: {} }, "thread/resume.initialTurnsPage"],
  ["thread/resume", { threadId: "t", approvalPolicy: granular }, "askForApproval.granular"],
  ["thread/list", { includeAttachedThreads: false, sectionId: null }, undefined],
  ["thread/list", { includeAttachedThreads: true }, "thread/list.includeAttachedThreads"],
  ["thread/list", { projectId: null }, "thread/list.projectId"],
  ["thread/list", { ancestorThreadId: "y", parentThreadId: "x" }, "thread/list.parentThreadId"],
  ["turn/start", { ...turn, toolOutput: { name: "x", output: "y" }, serviceTierForTurn: "y" }, undefined],
  ["turn/start", { ...turn, cyberAccessProgram: "standard" }, "turn/start.cyberAccessProgram"],
  [
    "turn/start",
    { ...turn, permissions: "x", additionalContext: {}, responsesapiClientMetadata: {}, approvalPolicy: granular },
    "turn/start.responsesapiClientMetadata"
  ],
  ["turn/start", { ...turn, approvalPolicy: granular }, "askForApproval.granular"],
  ["turn/steer", { ...turn, expectedTurnId: "u", additionalContext: {} }, "turn/steer.additionalContext"]
]

describe("ExperimentalUse", () => {
  for (const [method, params, expected] of cases) {
    it(`${method} ${JSON.stringify(params)} needs ${expected ?? "nothing"}`, () => {
      assert.strictEqual(use(method, params), expected)
    })
  }

  it("an experimental method needs the capability with any parameters", () => {
    const declaration = { ...ReleasedRequests["collaborationMode/list"], experimentalFields: [] }
    assert.strictEqual(experimentalUse(declaration, "collaborationMode/list", {}), "collaborationMode/list")
  })

  it("a method without parameters uses no experimental parameter", () => {
    const method = "configRequirements/read"
    assert.isUndefined(experimentalUse(declarationOf(method), method, undefined))
  })
})
