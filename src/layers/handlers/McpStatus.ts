/**
 * An MCP server as `mcpServerStatus/list` describes it.
 *
 * What a server says about itself is passed on; entries that do not fit the protocol's shape are left out.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  McpResource,
  McpResourceTemplate,
  type McpServerConnectionStatus,
  type McpServerInfo,
  type McpServerStatus,
  McpTool
} from "../../protocol/v2/mcp/McpServer.ts"
import { get, getText, type Table } from "../../services/config/Table.ts"
import type { McpServerHandle } from "../../services/mcp/McpServers.ts"

/** How a server is described. */
export interface StatusOptions {
  /** Whether the state of the connection belongs to a thread; null is reported otherwise. */
  readonly isOfThread: boolean
  /** Whether the resources are listed. */
  readonly full: boolean
}

const fitting = <A>(schema: Schema.Codec<A, unknown>, values: ReadonlyArray<unknown>): ReadonlyArray<A> => {
  const decode = Schema.decodeUnknownOption(schema)
  return values.flatMap((value) => Option.toArray(decode(value)))
}

const infoOf = (info: Table): McpServerInfo => {
  const icons = get(info, "icons")
  return {
    name: getText(info, "name") ?? "",
    title: getText(info, "title") ?? null,
    version: getText(info, "version") ?? "",
    description: getText(info, "description") ?? null,
    icons: Array.isArray(icons) ? icons : null,
    websiteUrl: getText(info, "websiteUrl") ?? null
  }
}

const runtimeStatus = (handle: McpServerHandle): McpServerConnectionStatus => {
  const status = handle.status()
  switch (status._tag) {
    case "Disabled":
      return "disabled"
    case "Starting":
      return "starting"
    case "Ready":
      return "connected"
    case "Failed":
      return status.error.needsLogin === true ? "authenticationRequired" : "failed"
  }
}

const originOf = ({ config: { transport } }: McpServerHandle): string | null =>
  transport.type === "http" && URL.canParse(transport.url) ? new URL(transport.url).origin : null

/** The entries of a list; none when the server has no such list. */
const listed = (handle: McpServerHandle, method: string, member: string) =>
  Effect.orElseSucceed(handle.list(method, member), (): ReadonlyArray<Table> => [])

const resources = Effect.fnUntraced(function* (handle: McpServerHandle) {
  const [all, templates] = yield* Effect.all(
    [listed(handle, "resources/list", "resources"), listed(handle, "resources/templates/list", "resourceTemplates")],
    { concurrency: "unbounded" }
  )
  return { resources: fitting(McpResource(), all), resourceTemplates: fitting(McpResourceTemplate(), templates) }
})

const noResources = { resources: [], resourceTemplates: [] }

/** Waits until the server has started. */
export const statusOf = Effect.fnUntraced(function* (
  handle: McpServerHandle,
  { full, isOfThread }: StatusOptions
): Effect.fn.Return<McpServerStatus> {
  yield* handle.settled
  const status = handle.status()
  const description = status._tag === "Ready" ? status.description : undefined
  const hasResources = description !== undefined && get(description.capabilities, "resources") !== undefined
  const tools = Object.entries(description?.tools ?? {}).flatMap(([name, tool]) =>
    fitting(McpTool(), [tool]).map((fit): readonly [string, typeof fit] => [name, fit])
  )
  return {
    name: handle.config.name,
    runtimeStatus: isOfThread ? runtimeStatus(handle) : null,
    pluginId: null,
    httpOrigin: originOf(handle),
    serverInfo: description === undefined ? null : infoOf(description.info),
    serverCapabilities: description?.capabilities ?? null,
    toolListMeta: description?.toolsMeta ?? null,
    tools: Object.fromEntries(tools),
    toolsError: status._tag === "Failed" ? status.error.problem : (description?.toolsProblem ?? null),
    ...(full && hasResources ? yield* resources(handle) : noResources),
    authStatus: yield* handle.authStatus
  }
})
