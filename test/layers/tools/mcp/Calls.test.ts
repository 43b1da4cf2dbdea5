import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fake, makeMcp, textOf } from "./McpFixture.ts"

describe("a thread with an MCP server", () => {
  it.live(
    "offers its tools in the first model request, and returns their results",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: fake({ instructions: "How to use it" }) })
        const { tools } = yield* mcp.startCall(threadId, "echo", { message: "hello" })
        const echo = tools.find((tool) => tool.name === "echo")
        assert.deepStrictEqual(echo, {
          type: "function",
          name: "echo",
          namespace: { name: "mcp__fake", description: "How to use it" },
          description: "the tool echo",
          parameters: { type: "object", properties: { message: { type: "string" } }, required: ["message"] },
          strict: false
        })
        const item = yield* mcp.completedItem
        const { completedAtMs: _, durationMs: __, id: ___, startedAtMs: ____, ...rest } = item
        assert.deepStrictEqual(rest, {
          type: "mcpToolCall",
          server: "fake",
          tool: "echo",
          status: "completed",
          arguments: { message: "hello" },
          appContext: null,
          mcpAppUi: null,
          pluginId: null,
          readOnlyHint: true,
          result: { content: [{ type: "text", text: "Echo: hello" }], structuredContent: null, _meta: null },
          error: null
        })
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", "Echo: hello"])
      }),
    30_000
  )

  /** Each call with what the model reads. */
  const outputs: ReadonlyArray<readonly [tool: string, input: unknown, output: ReadonlyArray<string>]> = [
    ["structured", {}, ['Wall time\nOutput:\n{"a":1}']],
    [
      "image",
      {},
      [
        "Wall time\nOutput:",
        "data:image/png;base64,AAAA",
        "<audio content omitted because you do not support audio input>"
      ]
    ],
    ["garbage", {}, ["Wall time\nOutput:", "after garbage"]],
    ["sample", {}, ["Wall time\nOutput:", '{"error":{"code":-32601,"message":"sampling/createMessage"}}']],
    ["roots", {}, ["Wall time\nOutput:", '{"roots":[]}']],
    ["fail", {}, ["Wall time\nOutput:", "it failed"]],
    [
      "refuse",
      {},
      [
        "Wall time\nOutput:",
        'tool call error: tool call failed for `fake/refuse`\n\nCaused by:\n    Mcp error: -32000: refused by the server({"x":1})'
      ]
    ],
    [
      "nonsense",
      {},
      [
        "Wall time\nOutput:",
        "tool call error: tool call failed for `fake/nonsense`\n\nCaused by:\n    Unexpected response type"
      ]
    ],
    [
      "die",
      {},
      ["Wall time\nOutput:", "tool call error: tool call failed for `fake/die`\n\nCaused by:\n    Transport closed"]
    ],
    [
      "huge",
      {},
      ["Wall time\nOutput:", "tool call error: tool call failed for `fake/huge`\n\nCaused by:\n    Transport closed"]
    ],
    [
      "never",
      {},
      [
        "Wall time\nOutput:",
        "tool call error: tool call failed for `fake/never`\n\nCaused by:\n    timed out awaiting tools/call after 300ms"
      ]
    ],
    ["flood", {}, ["Wall time\nOutput:", "flooded"]],
    ["echo", "not json", ["Wall time\nOutput:", "err: expected JSON arguments"]],
    [
      "echo",
      "[1]",
      [
        "Wall time\nOutput:",
        "tool call error: tool call failed for `fake/echo`\n\nCaused by:\n    MCP tool arguments must be a JSON object, got [1]"
      ]
    ],
    ["echo", "", ["Wall time\nOutput:", "Echo: undefined"]]
  ]
  for (const [tool, input, expected] of outputs) {
    it.live(
      `tells the model what became of a call of ${tool} with ${JSON.stringify(input)}`,
      () =>
        Effect.gen(function* () {
          const mcp = yield* makeMcp()
          const limit = tool === "never" ? 0.3 : 30
          const threadId = yield* mcp.startThread({ fake: fake({}, { tool_timeout_sec: limit }) })
          yield* mcp.startCall(threadId, tool, input)
          assert.deepStrictEqual(textOf(yield* mcp.output), expected)
        }),
      30_000
    )
  }
})
