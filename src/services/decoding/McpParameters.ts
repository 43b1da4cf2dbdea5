/**
 * How the parameters of the requests about MCP servers are handled. See `ParameterDecisions`.
 *
 * @module
 */
import { type Decisions, ignored, used } from "./Decision.ts"

const apps = ignored("It selects the account of an app of the vendor's cloud, and this server has no apps.")
const events = ignored("Streams of events are refused.")

export const mcpParameters = {
  "config/mcpServer/reload": {},
  "mcpServerStatus/list": { cursor: used, limit: used, detail: used, threadId: used, serverName: used },
  "mcpServer/oauth/login": {
    name: used,
    threadId: used,
    clientRegistration: ignored(
      "A client without a configured id is registered as the authorization server allows it."
    ),
    scopes: used,
    timeoutSecs: used
  },
  "mcpServer/resource/read": {
    _meta: used,
    threadId: used,
    originCallId: apps,
    server: used,
    uri: used,
    connectorId: apps,
    target: apps
  },
  "mcpServer/tool/call": { threadId: used, server: used, tool: used, arguments: used, _meta: used },
  "mcpServer/event/stream/start": {
    threadId: events,
    server: events,
    subscriptionId: events,
    name: events,
    arguments: events,
    _meta: events
  },
  "mcpServer/event/stream/stop": { subscriptionId: events }
} satisfies Partial<Decisions>
