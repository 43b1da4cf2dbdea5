/**
 * A server whose threads use fake MCP servers, and what tests need around it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { ParamsInputOf } from "../../../../src/protocol/Methods.ts"
import type { Client } from "../../../support/Server.ts"
import { makeServer, type ServerOptions, userInput } from "../../../support/Server.ts"

/** A tool of a fake server. */
export interface FakeTool {
  readonly name: string
  readonly [key: string]: unknown
}

/** What a fake server does. */
export interface FakeOptions {
  /** A file to which the server writes what it sees: one JSON document per line. */
  readonly log?: string
  readonly tools?: ReadonlyArray<FakeTool>
  readonly instructions?: string
  /** Milliseconds before `initialize` is answered; null for never. */
  readonly initialize?: number | null
  readonly refuseInitialize?: boolean
  /** `tools/list` is never answered. */
  readonly hideTools?: boolean
  /** Tools per page. */
  readonly page?: number
  /** Writes this many lines of garbage before anything else. */
  readonly garbage?: number
  /** Neither the end of the input nor SIGTERM ends the process. */
  readonly stubborn?: boolean
  /** Starts a child that outlives the server. */
  readonly child?: boolean
  /** Exits after this many milliseconds. */
  readonly exitAfter?: number
}

const script = fileURLToPath(new URL("FakeServer.mjs", import.meta.url))

/** A folder that ends with the test. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-mcp-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** The settings of a fake server. */
export const fake = (options: FakeOptions = {}, settings: Readonly<Record<string, unknown>> = {}) => ({
  command: process.execPath,
  args: ["--no-warnings", script, JSON.stringify(options)],
  ...settings
})

/** What a fake server saw. */
export interface LogEntry {
  readonly pid: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly received?: { readonly method?: string; readonly params?: Readonly<Record<string, unknown>> }
  readonly ended?: boolean
  readonly signal?: string
  readonly child?: number
}

/** The entries of a server's log. */
export const logOf = (file: string): ReadonlyArray<LogEntry> =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** The ids of the processes that have written to the log. */
export const processesIn = (file: string): ReadonlyArray<number> => [...new Set(logOf(file).map(({ pid }) => pid))]

/** Whether the process exists. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A process that has ended and was not waited for is still listed.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

/** Waits until the process has ended. */
export const ended = (pid: number): Effect.Effect<void> =>
  Effect.suspend(() => (isRunning(pid) ? Effect.delay(ended(pid), "20 millis") : Effect.void))

type Start = ParamsInputOf<"thread/start">

/** A server with a client, and the steps of a test. */
export const makeMcp = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const cwd = yield* folder
  const server = yield* makeServer({ cwd, environment: { PATH: process.env["PATH"] }, ...options })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })

  /** Starts a thread with these MCP servers. */
  const startThread = Effect.fnUntraced(function* (
    servers: Readonly<Record<string, unknown>>,
    params: Partial<Start> = {},
    by: Client = client
  ) {
    const config = {
      mcp_servers: servers,
      // The machine that runs the tests may be slow.
      mcp_optional_startup_grace_ms: 60_000,
      ...params.config
    }
    const { thread } = yield* by.request("thread/start", {
      approvalPolicy: "on-request",
      ...params,
      config: config as NonNullable<Start["config"]>
    })
    return thread.id
  })

  /** Reads states until this server has one of the given states. */
  const state = Effect.fnUntraced(function* (
    name: string,
    statuses: ReadonlyArray<string> = ["ready", "failed"],
    by: Client = client
  ) {
    for (;;) {
      const params = yield* by.notified("mcpServer/startupStatus/updated")
      if (params.name === name && statuses.includes(params.status)) return params
    }
  })

  /** Starts a turn in which the model calls the tool, and returns what the model reads. Approvals are answered by `answer`. */
  const startCall = Effect.fnUntraced(function* (
    threadId: string,
    name: string,
    input: unknown = {},
    namespace = "mcp__fake"
  ) {
    const { turn } = yield* client.request("turn/start", { threadId, input: userInput(name) })
    const asked = yield* server.model.next
    const item = {
      type: "function_call",
      call_id: `call_${name}`,
      name,
      namespace,
      arguments: typeof input === "string" ? input : JSON.stringify(input)
    } as const
    yield* asked.emit({ _tag: "ItemDone", item })
    yield* asked.finish()
    return { turn, tools: asked.request.tools }
  })

  /** What the model reads of the call, and the end of the turn. */
  const output = Effect.gen(function* () {
    const answered = yield* server.model.next
    yield* answered.finish("done")
    const last = answered.request.input.at(-1)
    const body = last?.type === "function_call_output" ? last.output : undefined
    return body
  })

  /** The item of the call when it is completed. */
  const completedItem = Effect.gen(function* () {
    for (;;) {
      const { item } = yield* client.notified("item/completed")
      if (item.type === "mcpToolCall") return item
    }
  })

  return { ...server, cwd, client, startThread, state, startCall, output, completedItem }
})

/** The text of an output without the time that the call took. */
export const textOf = (body: unknown): ReadonlyArray<unknown> => {
  const parts = Array.isArray(body) ? body : [{ type: "input_text", text: body }]
  return parts.map((part: { readonly type: string; readonly text: string; readonly image_url: string }) =>
    part.type === "input_text" ? part.text.replace(/^Wall time: [\d.]+ seconds/, "Wall time") : part.image_url
  )
}
