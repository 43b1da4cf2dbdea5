/**
 * The tools by which the model reads resources of MCP servers: `list_mcp_resources`, `list_mcp_resource_templates` and
 * `read_mcp_resource`.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Table, Value } from "../../../services/config/Table.ts"
import { get, getText, isTable } from "../../../services/config/Table.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import * as Tool from "../../../services/tool/Tool.ts"
import { invalidType, missingField } from "../../../services/decoding/SerdeText.ts"
import { elicitIn } from "./Elicitations.ts"
import { argumentsOf, startedItem, type ThreadServer } from "./McpTools.ts"
import { MaxModelText } from "./Results.ts"

/** Dependencies of the tools. */
export interface ResourceToolsOptions {
  /** The current servers of the thread. */
  readonly servers: () => ReadonlyArray<ThreadServer>
}

const listParameters = (tool: string, things: string) => ({
  type: "object",
  properties: {
    cursor: {
      type: "string",
      description: `Opaque cursor from a previous ${tool} call; omit for the first page.`
    },
    server: { type: "string", description: `MCP server name. Omit to list ${things} from every configured server.` }
  },
  additionalProperties: false
})

const specOf = (name: string, description: string, parameters: Readonly<Record<string, unknown>>): Tool.ToolSpec => ({
  type: "function",
  name,
  description,
  parameters,
  strict: false
})

const listResources = specOf(
  "list_mcp_resources",
  "Lists resources provided by MCP servers: data such as files, database schemas, or application-specific information. Prefer resources over web search when possible.",
  listParameters("list_mcp_resources", "resources")
)

const listTemplates = specOf(
  "list_mcp_resource_templates",
  "Lists resource templates provided by MCP servers: resources whose address takes parameters. Prefer resource templates over web search when possible.",
  listParameters("list_mcp_resource_templates", "resource templates")
)

const readResource = specOf(
  "read_mcp_resource",
  "Reads a resource of an MCP server, given the name of the server and the URI of the resource.",
  {
    type: "object",
    properties: {
      server: {
        type: "string",
        description: "MCP server name as configured: the 'server' field returned by list_mcp_resources."
      },
      uri: { type: "string", description: "Resource URI, one of those returned by list_mcp_resources." }
    },
    required: ["server", "uri"],
    additionalProperties: false
  }
)

/** A problem with the arguments, for the model. The call has no item. */
class BadArguments {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const argument = (parameters: Table, name: string): string | null | BadArguments => {
  const value = get(parameters, name) ?? null
  if (value === null || typeof value === "string") return value
  return new BadArguments(`failed to parse function arguments: ${invalidType(value, "a string")}`)
}

/** What a call asks for, and what sends it. */
interface Plan {
  /** The server of the item. */
  readonly server: string
  readonly work: Effect.Effect<Value, McpError>
}

const unknownServer = (name: string): BadArguments => new BadArguments(`unknown MCP server '${name.slice(0, 128)}'`)

/** The server of an item that belongs to all servers. */
const ownName = "codex"

type Kind = { readonly method: string; readonly member: string }

const pageOf = Effect.fnUntraced(function* (
  server: ThreadServer,
  kind: Kind,
  cursor: string | null,
  turn: Tool.ToolTurn
) {
  const { config, shared, threadId } = server
  const result = yield* shared.request(
    { method: kind.method, timeoutMs: config.toolTimeoutMs, ...(cursor === null ? {} : { params: { cursor } }) },
    { threadId, elicit: elicitIn(config.name, turn) }
  )
  const list = get(result, kind.member)
  const entries = Array.isArray(list) ? list.filter((one) => isTable(one)) : []
  const next = getText(result, "nextCursor")
  return {
    [kind.member]: entries.map((entry): Value => ({ server: config.name, ...entry })),
    ...(next === undefined ? {} : { nextCursor: next })
  }
})

const planList =
  ({ servers }: ResourceToolsOptions, kind: Kind) =>
  (parameters: Table, turn: Tool.ToolTurn): Plan | BadArguments => {
    const name = argument(parameters, "server")
    if (name instanceof BadArguments) return name
    const cursor = argument(parameters, "cursor")
    if (cursor instanceof BadArguments) return cursor
    if (name !== null) {
      const server = servers().find(({ config }) => config.name === name)
      if (server === undefined) return unknownServer(name)
      return {
        server: name,
        work: Effect.map(pageOf(server, kind, cursor, turn), (page) => ({ server: name, ...page }))
      }
    }
    if (cursor !== null) {
      const detail = "cursor can only be used when a server is specified"
      return { server: ownName, work: Effect.fail(new McpError({ reason: "unavailable", detail })) }
    }
    // A server that does not answer has no entries.
    const all = Effect.forEach(
      servers().filter(({ shared }) => shared.state()._tag === "Ready"),
      (server) => Effect.orElseSucceed(pageOf(server, kind, null, turn), () => ({})),
      { concurrency: "unbounded" }
    )
    return {
      server: ownName,
      work: Effect.map(all, (pages) => ({
        [kind.member]: pages.flatMap((page: Table) => {
          const list = get(page, kind.member)
          return Array.isArray(list) ? list : []
        })
      }))
    }
  }

const planRead =
  ({ servers }: ResourceToolsOptions) =>
  (parameters: Table, turn: Tool.ToolTurn): Plan | BadArguments => {
    const [name, uri] = [argument(parameters, "server"), argument(parameters, "uri")]
    if (name instanceof BadArguments) return name
    if (uri instanceof BadArguments) return uri
    for (const [value, field] of [
      [name, "server"],
      [uri, "uri"]
    ] as const) {
      if (value === null) return new BadArguments(`failed to parse function arguments: ${missingField(field)}`)
      if (value === "") return new BadArguments(`${field} must be provided`)
    }
    const server = servers().find(({ config }) => config.name === name)
    if (server === undefined || name === null || uri === null) return unknownServer(name ?? "")
    const { config, shared, threadId } = server
    const read = shared.request(
      { method: "resources/read", params: { uri }, timeoutMs: config.toolTimeoutMs },
      { threadId, elicit: elicitIn(config.name, turn) }
    )
    return {
      server: name,
      work: read.pipe(
        Effect.map((result): Value => ({ server: name, uri, contents: get(result, "contents") ?? [] })),
        Effect.mapError((error) => {
          const detail = `resources/read failed: resources/read failed for \`${name}\` (${uri.slice(0, 200)}): ${error.detail}`
          return new McpError({ reason: error.reason, detail })
        })
      )
    }
  }

const shorten = (text: string): string =>
  text.length <= MaxModelText
    ? text
    : `${text.slice(0, MaxModelText / 2)}…${text.length - MaxModelText} chars truncated…${text.slice(-MaxModelText / 2)}`

const run = Effect.fnUntraced(function* (
  plan: (parameters: Table, turn: Tool.ToolTurn) => Plan | BadArguments,
  call: Tool.ToolCall,
  turn: Tool.ToolTurn
): Effect.fn.Return<Tool.ToolOutput> {
  const parameters = argumentsOf(call.input)
  if (parameters === undefined)
    return Tool.failure("failed to parse function arguments: expected value at line 1 column 1")
  if (parameters !== null && !isTable(parameters)) {
    return Tool.failure(`failed to parse function arguments: ${invalidType(parameters, "a map")}`)
  }
  const planned = plan(parameters ?? {}, turn)
  if (planned instanceof BadArguments) return Tool.failure(planned.text)
  const startedAtMs = yield* Clock.currentTimeMillis
  const item = { ...startedItem(call.callId, planned.server, call.name, parameters, null), startedAtMs }
  yield* turn.itemStarted(item)
  const outcome = yield* Effect.result(planned.work)
  const durationMs = Math.max(0, (yield* Clock.currentTimeMillis) - startedAtMs)
  if (outcome._tag === "Failure") {
    const { message } = outcome.failure
    yield* turn.itemCompleted({ ...item, status: "failed", error: { message }, durationMs })
    return Tool.failure(message)
  }
  const text = shorten(JSON.stringify(outcome.success))
  const result = { content: [{ type: "text", text }], structuredContent: null, _meta: null }
  yield* turn.itemCompleted({ ...item, status: "completed", result, durationMs })
  return Tool.text(text)
})

/** The tools. */
export const make = (options: ResourceToolsOptions): ReadonlyArray<Tool.Tool> => {
  const toolOf = (spec: Tool.ToolSpec, plan: Parameters<typeof run>[0]): Tool.Tool => ({
    spec,
    publishesItems: true,
    run: (call, turn) => run(plan, call, turn)
  })
  return [
    toolOf(listResources, planList(options, { method: "resources/list", member: "resources" })),
    toolOf(listTemplates, planList(options, { method: "resources/templates/list", member: "resourceTemplates" })),
    toolOf(readResource, planRead(options))
  ]
}
