import { assert, describe, it } from "@effect/vitest"
import { Client, type Transport } from "@modelcontextprotocol/client"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { PassThrough } from "node:stream"
import * as InProcessClient from "../../../src/layers/clients/InProcessClient.ts"
import * as Server from "../../../src/layers/Server.ts"
import * as McpServer from "../../../src/program/commands/McpServer.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { makeModel } from "../../support/ScriptedModel.ts"
import { optionsOf } from "../../support/Server.ts"

/** A server whose streams the test holds, and the messages that it writes. */
const makeStreams = Effect.fnUntraced(function* () {
  const model = yield* makeModel
  const input = new PassThrough()
  const output = new PassThrough()
  const client = InProcessClient.layer({
    clientName: "test",
    clientVersion: "1",
    experimentalApi: true,
    ownsServer: true
  })
  const agent = client.pipe(
    Layer.provide(Server.layer(optionsOf({ model: model.layer, ownTools: true, cwd: process.cwd() }))),
    Layer.provide(MemoryFiles.make().layer)
  )
  const served = yield* Effect.forkScoped(McpServer.serve({ input, output }).pipe(Effect.provide(agent)))
  return { input, output, model, served }
})

/** The client of the SDK over the streams. */
const connect = (
  { input, output }: { readonly input: PassThrough; readonly output: PassThrough },
  capabilities: object,
  answer: (params: unknown) => Record<string, unknown>
) =>
  Effect.gen(function* () {
    let unread = ""
    const transport: Transport = {
      start: () => {
        output.on("data", (chunk: Buffer) => {
          unread += chunk.toString()
          for (let end = unread.indexOf("\n"); end !== -1; end = unread.indexOf("\n")) {
            const line = unread.slice(0, end)
            unread = unread.slice(end + 1)
            transport.onmessage?.(JSON.parse(line))
          }
        })
        return Promise.resolve()
      },
      send: (message) => {
        input.write(`${JSON.stringify(message)}\n`)
        return Promise.resolve()
      },
      close: () => Promise.resolve()
    }
    const client = new Client({ name: "test", version: "1" }, { capabilities })
    client.fallbackRequestHandler = ({ params }) => Promise.resolve(answer(params))
    yield* Effect.promise(() => client.connect(transport))
    return client
  })

const call = (client: Client, name: string, given: Record<string, unknown>) =>
  Effect.tryPromise(() => client.callTool({ name, arguments: given }))

describe("spindle mcp-server", () => {
  it.live("runs turns of threads for a client of MCP", () =>
    Effect.gen(function* () {
      const streams = yield* makeStreams()
      const client = yield* connect(streams, {}, () => ({}))
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.deepStrictEqual(
        tools.map(({ inputSchema, name }) => [name, Object.keys(inputSchema.properties ?? {})]),
        [
          [
            "codex",
            [
              "prompt",
              "model",
              "cwd",
              "approval-policy",
              "sandbox",
              "config",
              "base-instructions",
              "developer-instructions",
              "compact-prompt"
            ]
          ],
          ["codex-reply", ["prompt", "threadId", "conversationId"]]
        ]
      )
      const [started] = yield* Effect.all(
        [call(client, "codex", { prompt: "hello", sandbox: "read-only" }), streams.model.reply("Hi!")],
        { concurrency: "unbounded" }
      )
      const threadId = (started.structuredContent as { readonly threadId: string }).threadId
      assert.deepStrictEqual(started, {
        content: [{ type: "text", text: "Hi!" }],
        structuredContent: { threadId, content: "Hi!" }
      })
      const [replied] = yield* Effect.all(
        [call(client, "codex-reply", { threadId, prompt: "more" }), streams.model.reply("More!")],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(replied.structuredContent, { threadId, content: "More!" })
      const missing = yield* call(client, "codex-reply", { threadId: "nope", prompt: "x" })
      assert.isTrue(missing.isError)
      for (const [name, given] of [
        ["codex", {}],
        ["codex", { prompt: 1 }],
        ["codex-reply", { prompt: "x" }],
        ["nope", {}]
      ] as const) {
        const error = yield* Effect.flip(call(client, name, given))
        assert.strictEqual((error.cause as { readonly code: number }).code, -32602)
      }
    })
  )

  const answers = [
    [{ elicitation: {} }, { action: "accept", content: {} }, "completed"],
    [{ elicitation: {} }, { decision: "approved" }, "completed"],
    [{ elicitation: {} }, { action: "decline" }, "declined"],
    [{}, { action: "accept" }, "declined"]
  ] as const
  for (const [capabilities, answer, status] of answers) {
    it.live(`asks a client with ${JSON.stringify(capabilities)} for approvals: ${JSON.stringify(answer)}`, () =>
      Effect.gen(function* () {
        const streams = yield* makeStreams()
        const asked: Array<unknown> = []
        const client = yield* connect(streams, capabilities, (params) => {
          asked.push(params)
          return answer
        })
        const script = Effect.gen(function* () {
          const first = yield* streams.model.next
          const args = JSON.stringify({ cmd: "echo hi" })
          yield* first.emit({
            _tag: "ItemDone",
            item: { type: "function_call", call_id: "c1", name: "exec_command", arguments: args }
          })
          yield* first.finish()
          const second = yield* streams.model.next
          yield* second.finish("done")
          return second.request.input.at(-1)
        })
        const given = { prompt: "run", sandbox: "danger-full-access", "approval-policy": "untrusted" }
        const [, output] = yield* Effect.all([call(client, "codex", given), script], { concurrency: "unbounded" })
        const text = output?.type === "function_call_output" ? String(output.output) : ""
        assert.strictEqual(text.includes("hi\n") ? "completed" : "declined", status)
        assert.strictEqual(asked.length, "elicitation" in capabilities ? 1 : 0)
        if (asked.length > 0) {
          assert.include(asked[0] as object, { codex_elicitation: "exec-approval", codex_call_id: "c1" })
        }
      })
    )
  }

  it.live("answers what is not a request, and ends with its input", () =>
    Effect.gen(function* () {
      const { input, output, served } = yield* makeStreams()
      const lines: Array<unknown> = []
      output.on("data", (chunk: Buffer) => {
        for (const line of chunk.toString().split("\n").filter(Boolean)) lines.push(JSON.parse(line))
      })
      input.write('garbage\n[1]\n{"id":1,"method":"ping"}\n{"id":null,"method":"ping"}\n{"id":2,"result":{}}\n')
      input.write(`{"id":3,"method":"${"x".repeat(500)}"}\n`)
      input.end()
      yield* Fiber.join(served)
      const parseError = { jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error" } }
      assert.deepStrictEqual(lines, [
        parseError,
        parseError,
        { jsonrpc: "2.0", id: 1, result: {} },
        { jsonrpc: "2.0", id: null, error: { code: -32600, message: "Invalid Request" } },
        { jsonrpc: "2.0", id: 3, error: { code: -32601, message: `Method not found: ${"x".repeat(128)}` } }
      ])
    })
  )
})
