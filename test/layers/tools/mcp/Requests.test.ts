import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fake, makeMcp } from "./McpFixture.ts"

const limit = 60_000

describe("requests about MCP servers", () => {
  it.live(
    "list the servers of a thread, with pages",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const servers = {
          b: fake({ tools: [{ name: "one", inputSchema: { type: "object" } }, { name: 2 as never }] }),
          a: { command: "/no/such/program" },
          c: fake({}, { enabled: false })
        }
        const threadId = yield* mcp.startThread(servers)
        const nothing = {
          pluginId: null,
          httpOrigin: null,
          serverInfo: null,
          serverCapabilities: null,
          toolListMeta: null,
          tools: {},
          toolsError: null,
          resources: [],
          resourceTemplates: [],
          authStatus: "unsupported"
        }
        const problem = "MCP startup failed: No such file or directory (os error 2)"
        const a = { ...nothing, name: "a", runtimeStatus: "failed", toolsError: problem }
        const b = {
          ...nothing,
          name: "b",
          runtimeStatus: "connected",
          serverInfo: { name: "fake", title: null, version: "1.2.3", description: null, icons: null, websiteUrl: null },
          serverCapabilities: { tools: { listChanged: true }, resources: {} },
          tools: { one: { name: "one", inputSchema: { type: "object" } } },
          resources: [{ uri: "fake://r", name: "r", mimeType: "text/plain" }],
          resourceTemplates: [{ uriTemplate: "fake://{id}", name: "t" }]
        }
        const c = { ...nothing, name: "c", runtimeStatus: "disabled" }
        const list = (params: object) => mcp.client.request("mcpServerStatus/list", { threadId, ...params })
        assert.deepStrictEqual(yield* list({}), { data: [a, b, c], nextCursor: null } as never)
        assert.deepStrictEqual(yield* list({ limit: 1 }), { data: [a], nextCursor: "1" } as never)
        const brief = { ...b, resources: [], resourceTemplates: [] }
        const rest = yield* list({ limit: 2, cursor: "1", detail: "toolsAndAuthOnly" })
        assert.deepStrictEqual(rest, { data: [brief, c], nextCursor: null } as never)
        assert.deepStrictEqual(yield* list({ serverName: "nope" }), { data: [], nextCursor: null })
        const refusals = yield* Effect.forEach(["x", "-1", "99"], (cursor) => Effect.flip(list({ cursor })))
        assert.deepStrictEqual(
          refusals.map((error) => "message" in error && error.message),
          ["invalid cursor: x", "invalid cursor: -1", "cursor 99 exceeds total MCP servers 3"]
        )
      }),
    limit
  )

  it.live(
    "call tools and read resources without the model",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const settings = { tool_timeout_sec: 0.3, disabled_tools: ["image"] }
        const threadId = yield* mcp.startThread({ fake: fake({}, settings), off: fake({}, { enabled: false }) })
        const call = (tool: string, more: object = {}) =>
          mcp.client.request("mcpServer/tool/call", { threadId, server: "fake", tool, ...more })
        assert.deepStrictEqual(yield* call("echo", { arguments: { message: "x" } }), {
          content: [{ type: "text", text: "Echo: x" }]
        })
        assert.deepStrictEqual(yield* call("structured"), {
          content: [{ type: "text", text: "plain" }],
          structuredContent: { a: 1 },
          _meta: { b: 2 }
        })
        assert.deepStrictEqual(yield* call("fail"), { content: [{ type: "text", text: "it failed" }], isError: true })
        const answer = (effect: ReturnType<typeof call>) =>
          Effect.map(Effect.flip(effect), (error) => ("code" in error ? [error.code, error.message] : []))
        const refused = yield* Effect.all([
          answer(call("refuse")),
          answer(call("nonsense")),
          answer(call("never")),
          answer(call("image")),
          answer(call("echo", { arguments: [1] })),
          answer(call("echo", { server: "nope" })),
          answer(call("echo", { server: "off" }))
        ])
        assert.deepStrictEqual(refused, [
          [-32000, "refused by the server"],
          [-32603, "tool call failed for `fake/nonsense`: Unexpected response type"],
          [-32603, "tool call failed for `fake/never`: timed out awaiting tools/call after 300ms"],
          [-32603, "tool 'image' is disabled for MCP server 'fake'"],
          [-32603, "tool call failed for `fake/echo`: MCP tool arguments must be a JSON object, got [1]"],
          [-32603, "unknown MCP server 'nope'"],
          [-32603, "unknown MCP server 'off'"]
        ])
        const read = (uri: string) => mcp.client.request("mcpServer/resource/read", { threadId, server: "fake", uri })
        assert.deepStrictEqual(yield* read("fake://r"), {
          contents: [{ uri: "fake://r", mimeType: "text/plain", text: "hello" }],
          originCallId: null
        })
        const missing = yield* Effect.flip(read("x"))
        assert.strictEqual("message" in missing && missing.message, "Resource not found")
      }),
    limit
  )

  it.live(
    "refuse logins at servers that have none, and streams of events",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: fake() })
        const login = yield* Effect.flip(mcp.client.request("mcpServer/oauth/login", { name: "nope" }))
        assert.strictEqual("message" in login && login.message, "No MCP server named 'nope' found.")
        const stream = { threadId, server: "fake", subscriptionId: "s", name: "n", arguments: {} }
        const events = yield* Effect.flip(mcp.client.request("mcpServer/event/stream/start", stream))
        assert.strictEqual(
          "message" in events && events.message,
          "MCP event subscriptions are only supported for hosted apps"
        )
        assert.deepStrictEqual(yield* mcp.client.request("config/mcpServer/reload", undefined as never), {})
      }),
    limit
  )
})
