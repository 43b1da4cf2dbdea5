/**
 * Calls of a client to MCP servers without the model: lists, resources, tools, events and logins.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, JsonObject, named, nullable, optional, page, pageOf } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { McpServerStatus } from "./McpServer.ts"

/** `detail` is `full` by default; `threadId`: with the connections of this thread. */
export const ListMcpServerStatusParams = lazy(() =>
  named("ListMcpServerStatusParams", {
    ...page,
    detail: optional(Schema.Literals(["full", "toolsAndAuthOnly"])),
    threadId: optional(Schema.String),
    serverName: optional(Schema.String)
  })
)
export type ListMcpServerStatusParams = Of<typeof ListMcpServerStatusParams>

export const ListMcpServerStatusResponse = lazy(() => pageOf(McpServerStatus()))
export type ListMcpServerStatusResponse = Of<typeof ListMcpServerStatusResponse>

/** `clientRegistration` is found out by default. */
export const McpServerOauthLoginParams = lazy(() =>
  named("McpServerOauthLoginParams", {
    name: Schema.String,
    threadId: optional(Schema.String),
    clientRegistration: optional(Schema.Literals(["auto", "cimd", "dcr"])),
    scopes: optional(Schema.Array(Schema.String)),
    timeoutSecs: optional(I64)
  })
)
export type McpServerOauthLoginParams = Of<typeof McpServerOauthLoginParams>

/** The page for the user. `mcpServer/oauthLogin/completed` reports the end under `loginId`. */
export const McpServerOauthLoginResponse = lazy(() =>
  Schema.Struct({ authorizationUrl: Schema.String, loginId: optional(Schema.String) })
)
export type McpServerOauthLoginResponse = Of<typeof McpServerOauthLoginResponse>

/** The account of an app that a resource is read with; a `linkId` of null means without one. */
export const McpResourceReadTarget = lazy(() =>
  named("McpResourceReadTarget", { connectorId: Schema.String, linkId: nullable(Schema.String) })
)
export type McpResourceReadTarget = Of<typeof McpResourceReadTarget>

/** `originCallId`: the tool call that named the resource; it selects the app. */
export const McpResourceReadParams = lazy(() =>
  named("McpResourceReadParams", {
    _meta: optional(JsonObject),
    threadId: optional(Schema.String),
    originCallId: optional(Schema.String),
    server: Schema.String,
    uri: Schema.String,
    connectorId: optional(Schema.String),
    target: optional(McpResourceReadTarget())
  })
)
export type McpResourceReadParams = Of<typeof McpResourceReadParams>

/** One part of a resource: text, or bytes as base64. */
export const McpResourceContent = lazy(() =>
  Schema.Union([
    Schema.Struct({
      uri: Schema.String,
      mimeType: optional(Schema.String),
      text: Schema.String,
      _meta: absent(Schema.Json)
    }),
    Schema.Struct({
      uri: Schema.String,
      mimeType: optional(Schema.String),
      blob: Schema.String,
      _meta: absent(Schema.Json)
    })
  ])
)
export type McpResourceContent = Of<typeof McpResourceContent>

export const McpResourceReadResponse = lazy(() =>
  Schema.Struct({
    contents: Schema.Array(McpResourceContent()),
    originCallId: nullable(Schema.String)
  })
)
export type McpResourceReadResponse = Of<typeof McpResourceReadResponse>

/** The thread's connection to the server is used. */
export const McpServerToolCallParams = lazy(() =>
  named("McpServerToolCallParams", {
    threadId: Schema.String,
    server: Schema.String,
    tool: Schema.String,
    arguments: absent(Schema.Json),
    _meta: absent(Schema.Json)
  })
)
export type McpServerToolCallParams = Of<typeof McpServerToolCallParams>

/** The tool's result, passed on unchanged. */
export const McpServerToolCallResponse = lazy(() =>
  Schema.Struct({
    content: Schema.Array(Schema.Json),
    structuredContent: absent(Schema.Json),
    isError: optional(Schema.Boolean),
    _meta: absent(Schema.Json)
  })
)
export type McpServerToolCallResponse = Of<typeof McpServerToolCallResponse>

/** The client chooses `subscriptionId`; the events have it until the stream is stopped. */
export const McpServerEventStreamStartParams = lazy(() =>
  named("McpServerEventStreamStartParams", {
    threadId: Schema.String,
    server: Schema.String,
    subscriptionId: Schema.String,
    name: Schema.String,
    arguments: Schema.Json,
    _meta: absent(Schema.Json)
  })
)
export type McpServerEventStreamStartParams = Of<typeof McpServerEventStreamStartParams>

export const McpServerEventStreamStopParams = lazy(() =>
  named("McpServerEventStreamStopParams", { subscriptionId: Schema.String })
)
export type McpServerEventStreamStopParams = Of<typeof McpServerEventStreamStopParams>
