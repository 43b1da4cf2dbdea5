import { assert, describe, it } from "@effect/vitest"
import type { DynamicToolSpec } from "../../../src/protocol/v2/thread/Requests.ts"
import { MaxDynamicTools, problemIn } from "../../../src/services/tool/DynamicTools.ts"

const tool = (name: string, changes: object = {}) => ({
  type: "function" as const,
  name,
  description: "d",
  inputSchema: { type: "object", properties: {} },
  ...changes
})

const group = (name: string, tools: ReadonlyArray<ReturnType<typeof tool>>, description = "") => ({
  type: "namespace" as const,
  name,
  description,
  tools
})

const match = "must match ^[a-zA-Z0-9_-]+$ to match Responses API"

describe("the tools of a client", () => {
  it.each<readonly [problem: string, specs: ReadonlyArray<DynamicToolSpec>]>([
    ["dynamic tool name must not be empty", [tool("")]],
    ["dynamic tool name has leading/trailing whitespace:  a ", [tool(" a ")]],
    [`dynamic tool name ${match}: bad name!`, [tool("bad name!")]],
    [
      `dynamic tool name must be at most 128 characters to match Responses API: ${"a".repeat(129)}`,
      [tool("a".repeat(129))]
    ],
    ["dynamic tool name is reserved: mcp__x", [tool("mcp__x")]],
    ["duplicate dynamic tool name: a", [tool("a"), tool("a")]],
    ["deferred dynamic tool must include a namespace: lazy", [tool("lazy", { deferLoading: true })]],
    [`dynamic tool namespace ${match}: bad ns`, [group("bad ns", [tool("a")])]],
    ["dynamic tool namespace is reserved: mcp__x", [group("mcp__x", [tool("a")])]],
    [
      "dynamic tool namespace collides with a reserved Responses API namespace: functions",
      [group("functions", [tool("a")])]
    ],
    ["dynamic tool namespace must contain at least one tool: ns", [group("ns", [])]],
    [
      `dynamic tool namespace must be at most 64 characters to match Responses API: ${"n".repeat(65)}`,
      [group("n".repeat(65), [tool("a")])]
    ],
    ["dynamic tool namespace description must be at most 1024 characters", [group("n", [tool("a")], "d".repeat(1025))]],
    ["duplicate dynamic tool namespace: ns", [group("ns", [tool("a")]), group("ns", [tool("b")])]],
    ["duplicate dynamic tool name in namespace ns: a", [group("ns", [tool("a"), tool("a")])]],
    [
      "dynamic tool input schema is not supported for a: invalid type: number, expected struct JsonSchema",
      [tool("a", { inputSchema: 5 })]
    ],
    [
      'dynamic tool input schema is not supported for a: invalid type: string "x", expected struct JsonSchema',
      [tool("a", { inputSchema: "x" })]
    ],
    [
      "dynamic tool input schema is not supported for a: invalid length 0, expected struct JsonSchema with 15 elements",
      [tool("a", { inputSchema: [] })]
    ],
    [
      "dynamic tool input schema is not supported for a: invalid type: null, expected struct JsonSchema",
      [tool("a", { inputSchema: null })]
    ],
    [
      "dynamic tool input schema is not supported for a: invalid type: number, expected a map",
      [tool("a", { inputSchema: { properties: 5 } })]
    ],
    [
      `at most ${MaxDynamicTools} dynamic tools may be declared`,
      [
        group(
          "ns",
          Array.from({ length: MaxDynamicTools + 1 }, (_, index) => tool(`t${index}`))
        )
      ]
    ]
  ])("are refused: %s", (problem, specs) => {
    assert.strictEqual(problemIn(specs), problem)
  })

  it("may share a name across namespaces, and be deferred in one", () => {
    const specs = [
      tool("a", { inputSchema: true }),
      tool("exec_command", { inputSchema: {} }),
      group("n", [tool("a", { deferLoading: true })]),
      group("m", [tool("a")])
    ]
    assert.isUndefined(problemIn(specs))
  })
})
