/**
 * The reference server of MCP, `@modelcontextprotocol/server-everything`, as a server of a thread. It is installed from the
 * registry once, into the cache of the conformance runs.
 *
 * @module
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeMcp, textOf } from "../layers/tools/mcp/McpFixture.ts"
import { cache } from "./Release.ts"

const folder = join(cache, "mcp-servers")
const script = join(folder, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")

const install = Effect.sync(() => {
  if (existsSync(script)) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), "{}")
  const wanted = "@modelcontextprotocol/server-everything@2026.8.31"
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", wanted], {
    cwd: folder,
    stdio: "ignore"
  })
})

describe("the reference server of MCP", () => {
  it.live(
    "starts, and its tools and resources work",
    () =>
      Effect.gen(function* () {
        yield* install
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: { command: process.execPath, args: [script, "stdio"] } })
        const { tools } = yield* mcp.startCall(threadId, "echo", { message: "hello" })
        assert.includeMembers(
          tools.map(({ name }) => name),
          ["echo", "get_tiny_image", "trigger_long_running_operation", "read_mcp_resource"]
        )
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", "Echo: hello"])
        yield* mcp.startCall(threadId, "get_tiny_image")
        const [, , image] = textOf(yield* mcp.output)
        assert.match(String(image), /^data:image\/png;base64,/)
        yield* mcp.startCall(threadId, "trigger_long_running_operation", { duration: 0.2, steps: 2 })
        yield* mcp.client.notified("item/mcpToolCall/progress")
        assert.include(String(textOf(yield* mcp.output)[1]), "completed")
        const { data } = yield* mcp.client.request("mcpServerStatus/list", { threadId })
        const [server] = data
        assert.strictEqual(server?.serverInfo?.name, "mcp-servers/everything")
        const uri = server?.resources[0]?.uri ?? ""
        const read = yield* mcp.client.request("mcpServer/resource/read", { threadId, server: "fake", uri })
        assert.strictEqual(read.contents[0]?.uri, uri)
      }),
    300_000
  )
})
