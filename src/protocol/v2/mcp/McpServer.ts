/**
 * What an MCP server offers: its identity, tools and resources, as the server describes them.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The server's name and presentation. */
export const McpServerInfo = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    title: nullable(Schema.String),
    version: Schema.String,
    description: nullable(Schema.String),
    icons: nullable(Schema.Array(Schema.Json)),
    websiteUrl: nullable(Schema.String)
  })
)
export type McpServerInfo = Of<typeof McpServerInfo>

/** A tool; its schemas are JSON Schema. */
export const McpTool = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    title: optional(Schema.String),
    description: optional(Schema.String),
    inputSchema: Schema.Json,
    outputSchema: absent(Schema.Json),
    annotations: absent(Schema.Json),
    icons: optional(Schema.Array(Schema.Json)),
    _meta: absent(Schema.Json)
  })
)
export type McpTool = Of<typeof McpTool>

/** A resource; `size` is in bytes. */
export const McpResource = lazy(() =>
  Schema.Struct({
    annotations: absent(Schema.Json),
    description: optional(Schema.String),
    mimeType: optional(Schema.String),
    name: Schema.String,
    size: optional(I64),
    title: optional(Schema.String),
    uri: Schema.String,
    icons: optional(Schema.Array(Schema.Json)),
    _meta: absent(Schema.Json)
  })
)
export type McpResource = Of<typeof McpResource>

/** The pattern of a family of resources. */
export const McpResourceTemplate = lazy(() =>
  Schema.Struct({
    annotations: absent(Schema.Json),
    uriTemplate: Schema.String,
    name: Schema.String,
    title: optional(Schema.String),
    description: optional(Schema.String),
    mimeType: optional(Schema.String)
  })
)
export type McpResourceTemplate = Of<typeof McpResourceTemplate>

/** How the client is authenticated at the server. */
export const McpAuthStatus = lazy(() =>
  Schema.Literals(["unknown", "unsupported", "notLoggedIn", "bearerToken", "oAuth"])
)
export type McpAuthStatus = Of<typeof McpAuthStatus>

/** The state of a thread's connection to the server. */
export const McpServerConnectionStatus = lazy(() =>
  Schema.Literals(["notStarted", "starting", "connected", "authenticationRequired", "failed", "cancelled", "disabled"])
)
export type McpServerConnectionStatus = Of<typeof McpServerConnectionStatus>

/**
 * A configured server. `runtimeStatus` is null when it is not known. `tools` is keyed by name, and `toolsError` explains why it is
 * incomplete. `httpOrigin` is null for a server that is no HTTP endpoint.
 */
export const McpServerStatus = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    runtimeStatus: nullable(McpServerConnectionStatus()),
    pluginId: nullable(Schema.String),
    httpOrigin: nullable(Schema.String),
    serverInfo: nullable(McpServerInfo()),
    serverCapabilities: Schema.Json,
    toolListMeta: Schema.Json,
    tools: Schema.Record(Schema.String, McpTool()),
    toolsError: nullable(Schema.String),
    resources: Schema.Array(McpResource()),
    resourceTemplates: Schema.Array(McpResourceTemplate()),
    authStatus: McpAuthStatus()
  })
)
export type McpServerStatus = Of<typeof McpServerStatus>
