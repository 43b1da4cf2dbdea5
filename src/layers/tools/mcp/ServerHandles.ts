/**
 * MCP servers for requests of clients, which need no turn.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { McpServerConfig } from "../../../services/mcp/McpServerConfig.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import type { McpServerHandle, McpServerStatus } from "../../../services/mcp/McpServers.ts"
import { offered } from "./McpTools.ts"
import type { OnElicitation } from "./Session.ts"
import type { SharedServer } from "./SharedServer.ts"

/** There is no turn in which the user could be asked. */
const declining: OnElicitation = () => Effect.succeed({ action: "decline" })

const statusOf = (config: McpServerConfig, shared: SharedServer | undefined): McpServerStatus => {
  if (shared === undefined) return { _tag: "Disabled" }
  const state = shared.state()
  if (state._tag !== "Ready") return state
  const { capabilities, info, toolsMeta, toolsProblem } = state.server
  const tools = Object.fromEntries(offered(config, state.server))
  return { _tag: "Ready", description: { info, capabilities, tools, toolsMeta, toolsProblem } }
}

/** A server of a thread. `shared` is undefined for a disabled one. */
export const handleOf = (
  threadId: string,
  config: McpServerConfig,
  shared: SharedServer | undefined,
  authStatus: McpServerHandle["authStatus"]
): McpServerHandle => {
  const caller = { threadId, elicit: declining }
  const unknown = Effect.fail(new McpError({ reason: "unavailable", detail: `unknown MCP server '${config.name}'` }))
  return {
    config,
    authStatus,
    status: () => statusOf(config, shared),
    settled: shared === undefined ? Effect.void : Effect.asVoid(shared.settled),
    request: (method, params) =>
      shared === undefined ? unknown : shared.request({ method, params, timeoutMs: config.toolTimeoutMs }, caller),
    list: (method, member) => {
      const state = shared?.state()
      return state?._tag === "Ready" ? state.server.session.listAll(method, member, config.toolTimeoutMs) : unknown
    }
  }
}
