/**
 * MCP servers for clients: their states, tools and resources, and calls without the model.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ParamsOf } from "../../protocol/Methods.ts"
import { McpResourceContent } from "../../protocol/v2/mcp/McpCalls.ts"
import { Config } from "../../services/config/Config.ts"
import { get, isTable, type Table } from "../../services/config/Table.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import type { McpError } from "../../services/mcp/McpError.ts"
import { type McpServerHandle, McpServers } from "../../services/mcp/McpServers.ts"
import { internal, invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import { statusOf } from "./McpStatus.ts"

type Method =
  | "config/mcpServer/reload"
  | "mcpServer/event/stream/start"
  | "mcpServer/event/stream/stop"
  | "mcpServer/resource/read"
  | "mcpServer/tool/call"
  | "mcpServerStatus/list"

const unknownServer = (name: string): RequestError => internal(`unknown MCP server '${name.slice(0, 128)}'`)

/** An error of the server is passed on; any other gets the beginning that the release gives it. */
const toRequestError =
  (beginning: string) =>
  (error: McpError): RequestError => {
    if (error.reason === "refused") {
      const { code = -32603, data, serverMessage } = error
      return new RequestError({ code, message: serverMessage ?? error.detail, ...(data === undefined ? {} : { data }) })
    }
    return internal(error.reason === "unavailable" ? error.detail : `${beginning}: ${error.detail}`)
  }

/** The offset in a cursor. */
const offsetOf = (cursor: string | null | undefined): Effect.Effect<number, RequestError> => {
  if (cursor == null) return Effect.succeed(0)
  return /^\d{1,9}$/.test(cursor)
    ? Effect.succeed(Number(cursor))
    : Effect.fail(invalidRequest(`invalid cursor: ${cursor.slice(0, 128)}`))
}

/** One page of the servers by name. */
const page = Effect.fnUntraced(function* (
  handles: ReadonlyArray<McpServerHandle>,
  { cursor, limit, serverName }: ParamsOf<"mcpServerStatus/list">
) {
  const named = handles.filter(({ config }) => serverName == null || config.name === serverName)
  const sorted = named.toSorted((a, b) => (a.config.name < b.config.name ? -1 : 1))
  const from = yield* offsetOf(cursor)
  if (from > sorted.length) {
    return yield* invalidRequest(`cursor ${from} exceeds total MCP servers ${sorted.length}`)
  }
  const to = from + Math.max(1, limit ?? sorted.length)
  return { shown: sorted.slice(from, to), nextCursor: to < sorted.length ? `${to}` : null }
})

const contentsOf = (result: Table): ReadonlyArray<McpResourceContent> => {
  const contents = get(result, "contents")
  const decode = Schema.decodeUnknownOption(McpResourceContent())
  return (Array.isArray(contents) ? contents : []).flatMap((content) => {
    const decoded = decode(content)
    return decoded._tag === "Some" ? [decoded.value] : []
  })
}

const isForbidden = ({ config: { disabledTools, enabledTools } }: McpServerHandle, tool: string): boolean =>
  disabledTools.includes(tool) || (enabledTools !== null && !enabledTools.includes(tool))

/** Calls a tool. A result with the error of the tool is a result. */
const call = Effect.fnUntraced(function* (handle: McpServerHandle, params: ParamsOf<"mcpServer/tool/call">) {
  const { server, threadId, tool } = params
  const failed = `tool call failed for \`${server}/${tool.slice(0, 128)}\``
  if (isForbidden(handle, tool)) {
    return yield* internal(`tool '${tool.slice(0, 128)}' is disabled for MCP server '${server}'`)
  }
  const given = params.arguments ?? null
  if (given !== null && !isTable(given)) {
    const shown = JSON.stringify(given).slice(0, 200)
    return yield* internal(`${failed}: MCP tool arguments must be a JSON object, got ${shown}`)
  }
  const meta = isTable(params._meta) ? params._meta : {}
  const request = { name: tool, ...(given === null ? {} : { arguments: given }), _meta: { ...meta, threadId } }
  const result = yield* Effect.mapError(handle.request("tools/call", request), toRequestError(failed))
  const known = ["content", "structuredContent", "isError", "_meta"].some((key) => Object.hasOwn(result, key))
  if (!known) return yield* internal(`${failed}: Unexpected response type`)
  const [content, structured, resultMeta] = [
    get(result, "content"),
    get(result, "structuredContent"),
    get(result, "_meta")
  ]
  return {
    content: Array.isArray(content) ? content : [],
    ...(structured == null ? {} : { structuredContent: structured }),
    ...(get(result, "isError") === true ? { isError: true } : {}),
    ...(resultMeta == null ? {} : { _meta: resultMeta })
  }
})

/** Reads a resource. Contents of another form are left out. */
const read = Effect.fnUntraced(function* (handle: McpServerHandle, params: ParamsOf<"mcpServer/resource/read">) {
  const { server, uri } = params
  const request = { uri, ...(params._meta == null ? {} : { _meta: params._meta }) }
  const failed = toRequestError(`resources/read failed for \`${server}\` (${uri.slice(0, 200)})`)
  const result = yield* Effect.mapError(handle.request("resources/read", request), failed)
  return { contents: contentsOf(result), originCallId: null }
})

export const make: Effect.Effect<HandlersFor<Method>, never, Config | McpServers | ServerInfo | Threads> = Effect.gen(
  function* () {
    const config = yield* Config
    const info = yield* ServerInfo
    const mcp = yield* McpServers
    const threads = yield* Threads

    /** The servers of the thread; without one, those of the server's own folder. */
    const serversOf = Effect.fnUntraced(function* (threadId: string | null | undefined) {
      if (threadId != null) {
        const thread = yield* threads.get(threadId)
        return yield* mcp.servers(thread.id)
      }
      const effective = yield* config.effective({ cwd: null, overrides: {} })
      return yield* mcp.servers({ config: effective, cwd: info.cwd })
    })

    const find = Effect.fnUntraced(function* (threadId: string | null | undefined, name: string) {
      const handle = (yield* serversOf(threadId)).find((one) => one.config.name === name)
      return handle === undefined || !handle.config.enabled ? yield* unknownServer(name) : handle
    })

    const list: Handler<"mcpServerStatus/list"> = Effect.fnUntraced(function* (params) {
      const { nextCursor, shown } = yield* page(yield* serversOf(params.threadId), params)
      const options = { isOfThread: params.threadId != null, full: params.detail !== "toolsAndAuthOnly" }
      const data = yield* Effect.forEach(shown, (handle) => statusOf(handle, options), { concurrency: "unbounded" })
      return { data, nextCursor }
    }, Effect.scoped)

    return {
      "config/mcpServer/reload": () => Effect.as(mcp.reload, {}),
      "mcpServer/event/stream/start": () =>
        Effect.fail(invalidRequest("MCP event subscriptions are only supported for hosted apps")),
      "mcpServer/event/stream/stop": () => Effect.succeed({}),
      "mcpServer/resource/read": (params) =>
        Effect.scoped(Effect.flatMap(find(params.threadId, params.server), (handle) => read(handle, params))),
      "mcpServer/tool/call": (params) =>
        Effect.scoped(Effect.flatMap(find(params.threadId, params.server), (handle) => call(handle, params))),
      "mcpServerStatus/list": list
    }
  }
)
