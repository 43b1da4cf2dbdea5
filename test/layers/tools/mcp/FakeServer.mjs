/**
 * An MCP server that does what its argument says, also what a server must not do. Run it with Node; the argument is JSON of
 * `FakeOptions` (`McpFixture.ts`). It is plain JavaScript, so that any Node runs it.
 *
 * @module
 */
import { appendFileSync } from "node:fs"

const tool = (name, extra = {}) => ({
  name,
  description: `the tool ${name}`,
  inputSchema: { type: "object", properties: {} },
  ...extra
})

const names = [
  "structured",
  "image",
  "die",
  "garbage",
  "elicit",
  "elicitUrl",
  "sample",
  "roots",
  "progress",
  "refuse",
  "fail",
  "big",
  "huge",
  "never",
  "change",
  "nonsense",
  "flood",
  "destroy"
]

/** The tools of a server without others. */
const defaultTools = [
  tool("echo", {
    inputSchema: { type: "object", properties: { message: { type: "string" } }, required: ["message"] },
    annotations: { readOnlyHint: true }
  }),
  ...names.map((name) => tool(name, name === "destroy" ? {} : { annotations: { readOnlyHint: true } }))
]

const serve = (options) => {
  const log = (entry) => {
    if (options.log !== undefined) appendFileSync(options.log, `${JSON.stringify({ pid: process.pid, ...entry })}\n`)
  }
  const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
  const pending = new Map()
  let tools = options.tools ?? defaultTools
  let nextId = 1
  const ask = (method, params) =>
    new Promise((resolve) => {
      const id = `server-${nextId++}`
      pending.set(id, resolve)
      write({ id, method, params })
    })
  const text = (value) => ({
    content: [{ type: "text", text: typeof value === "string" ? value : JSON.stringify(value) }]
  })

  const call = async ({ _meta, arguments: given = {}, name }) => {
    switch (name) {
      case "echo":
        return text(`Echo: ${given.message}`)
      case "structured":
        return { content: [{ type: "text", text: "plain" }], structuredContent: { a: 1 }, _meta: { b: 2 } }
      case "image":
        return {
          content: [
            { type: "image", data: "AAAA", mimeType: "image/png" },
            { type: "audio", data: "AAAA", mimeType: "audio/wav" }
          ]
        }
      case "die":
        return process.exit(3)
      case "garbage":
        process.stdout.write('not json\n{"half": \n\n[1,2]\n42\nnull\n{"jsonrpc":"2.0","id":99999,"result":{}}\n')
        return text("after garbage")
      case "elicit":
        return text(
          await ask(
            "elicitation/create",
            given.params ?? {
              message: "Your name?",
              requestedSchema: { type: "object", properties: { name: { type: "string" } } }
            }
          )
        )
      case "elicitUrl":
        return text(
          await ask("elicitation/create", {
            mode: "url",
            message: "Visit",
            url: "https://example.com/",
            elicitationId: "e1"
          })
        )
      case "sample":
        return text(await ask("sampling/createMessage", { messages: [], maxTokens: 5 }))
      case "roots":
        return text(await ask("roots/list", {}))
      case "progress":
        write({
          method: "notifications/progress",
          params: { progressToken: _meta.progressToken, progress: 1, total: 2 }
        })
        write({
          method: "notifications/progress",
          params: { progressToken: _meta.progressToken, progress: 2, message: "nearly" }
        })
        return text("done")
      case "refuse":
        return { $error: { code: -32000, message: "refused by the server", data: { x: 1 } } }
      case "fail":
        return { ...text("it failed"), isError: true }
      case "big":
        return text("x".repeat(3_000_000))
      case "huge":
        // More than any message may have, without a line ending.
        for (let written = 0; written < 1024; written++) {
          if (!process.stdout.write("x".repeat(1024 * 1024)))
            await new Promise((resolve) => process.stdout.once("drain", resolve))
        }
        return {}
      case "never":
        return new Promise(() => undefined)
      case "change":
        tools = [...tools, tool(`added_${tools.length}`)]
        write({ method: "notifications/tools/list_changed" })
        return text("changed")
      case "nonsense":
        return { nothing: true }
      case "flood":
        for (let written = 0; written < 20_000; written++) {
          write({ method: "notifications/message", params: { level: "info", data: "x".repeat(100) } })
          write({ method: "notifications/tools/list_changed" })
        }
        process.stderr.write("x".repeat(10_000_000))
        return text("flooded")
      default:
        return text(`called ${name}`)
    }
  }

  const list = (cursor) => {
    const [from, page] = [Number(cursor ?? 0), options.page ?? tools.length + 1]
    const next = from + page
    return { tools: tools.slice(from, next), ...(next < tools.length ? { nextCursor: String(next) } : {}) }
  }

  const answer = async ({ method, params }) => {
    switch (method) {
      case "initialize":
        if (options.initialize === null) return undefined
        if (options.initialize !== undefined) await pause(options.initialize)
        if (options.refuseInitialize === true) return { $error: { code: -32000, message: "not today" } }
        return {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: { listChanged: true }, resources: {} },
          serverInfo: { name: "fake", version: "1.2.3" },
          ...(options.instructions === undefined ? {} : { instructions: options.instructions })
        }
      case "tools/list":
        return options.hideTools === true ? undefined : list(params?.cursor)
      case "tools/call":
        return call(params)
      case "resources/list":
        return { resources: [{ uri: "fake://r", name: "r", mimeType: "text/plain" }] }
      case "resources/templates/list":
        return { resourceTemplates: [{ uriTemplate: "fake://{id}", name: "t" }] }
      case "resources/read":
        return params.uri === "fake://r"
          ? { contents: [{ uri: "fake://r", mimeType: "text/plain", text: "hello" }] }
          : { $error: { code: -32002, message: "Resource not found", data: { uri: params.uri } } }
      default:
        return { $error: { code: -32601, message: "Method not found" } }
    }
  }

  const receive = async (message) => {
    if (message.method === undefined) {
      pending.get(message.id)?.(message.result ?? { error: message.error })
      return
    }
    if (message.id === undefined) return
    const result = await answer(message)
    if (result !== undefined)
      write(result.$error === undefined ? { id: message.id, result } : { id: message.id, error: result.$error })
  }

  log({ started: process.argv.length, cwd: process.cwd(), env: process.env })
  let unread = ""
  process.stdin.on("data", (chunk) => {
    unread += chunk
    for (let end = unread.indexOf("\n"); end !== -1; end = unread.indexOf("\n")) {
      const line = unread.slice(0, end)
      unread = unread.slice(end + 1)
      const message = JSON.parse(line)
      log({ received: message })
      void receive(message)
    }
  })
  process.stdin.on("end", () => {
    log({ ended: true })
    if (options.stubborn !== true) process.exit(0)
  })
  process.on("SIGTERM", () => {
    log({ signal: "SIGTERM" })
    if (options.stubborn !== true) process.exit(0)
  })
  if (options.stubborn === true) setInterval(() => undefined, 1000)
  for (let written = 0; written < (options.garbage ?? 0); written++) process.stdout.write("garbage\n")
  if (options.exitAfter !== undefined) setTimeout(() => process.exit(1), options.exitAfter)
  if (options.child === true) {
    void import("node:child_process").then(({ spawn }) => {
      const child = spawn("sleep", ["1000"], { stdio: "ignore" })
      log({ child: child.pid })
    })
  }
}

if (process.argv[1]?.endsWith("FakeServer.mjs") === true) serve(JSON.parse(process.argv[2] ?? "{}"))
