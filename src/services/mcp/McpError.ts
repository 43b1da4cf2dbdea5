/**
 * Errors of MCP servers: a server that does not start, and a request that it does not serve.
 *
 * The texts of the release are facts that clients and models read. A text repeats what the server wrote up to a limit.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/** Maximum number of characters of a server's text in an error. */
const MaxEcho = 2000

/** The text of a server within the limit. */
export const echo = (text: string): string => (text.length > MaxEcho ? `${text.slice(0, MaxEcho)}…` : text)

/** A duration as the release writes it: whole seconds, or milliseconds below a second. */
export const durationText = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)}ms` : `${Math.floor(milliseconds / 1000)}s`

/**
 * A request that an MCP server did not serve.
 *
 * - `refused`: the server answered with an error
 * - `closed`: the connection ended first
 * - `timeout`: no answer in time. The server was told to stop
 * - `invalid`: the answer does not have the form that MCP defines
 * - `unauthorized`: a login is needed first
 * - `unavailable`: there is no connection, or the request could not be sent
 */
export class McpError extends Schema.TaggedError<McpError>()("McpError", {
  reason: Schema.Literals(["refused", "closed", "timeout", "invalid", "unavailable", "unauthorized"]),
  /** The problem, as the release writes it. */
  detail: Schema.String,
  /** The code of the server's error. */
  code: Schema.optionalKey(Schema.Int),
  /** The data of the server's error. */
  data: Schema.optionalKey(Schema.Json),
  /** The message of the server's error. */
  serverMessage: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.detail
  }
}

/** An MCP server that did not start. */
export class McpStartError extends Schema.TaggedError<McpStartError>()("McpStartError", {
  server: Schema.String,
  /** The problem, without the server's name. */
  detail: Schema.String,
  /** Set when the server did not become ready in time: the time limit in milliseconds. */
  timeoutMs: Schema.optionalKey(Schema.Number),
  /** A login is needed first. */
  needsLogin: Schema.optionalKey(Schema.Boolean)
}) {
  /** The problem, for a client that asks about this server. */
  get problem(): string {
    return this.timeoutMs === undefined ? `MCP startup failed: ${this.detail}` : this.message
  }

  override get message(): string {
    const { detail, server, timeoutMs } = this
    if (timeoutMs === undefined) return `MCP client for \`${server}\` failed to start: MCP startup failed: ${detail}`
    const seconds = Math.floor(timeoutMs / 1000)
    return `MCP client for \`${server}\` timed out after ${seconds} seconds. Add or adjust \`startup_timeout_sec\` in your config.toml:\n[mcp_servers.${server}]\nstartup_timeout_sec = XX`
  }
}

/** A login at an MCP server that did not succeed. */
export class McpLoginError extends Schema.TaggedError<McpLoginError>()("McpLoginError", {
  server: Schema.String,
  /** The problem. */
  detail: Schema.String
}) {
  override get message(): string {
    return `failed to login to MCP server '${this.server}': ${this.detail}`
  }
}

/** Required servers did not start. The thread does not start. */
export class McpServersRequired extends Schema.TaggedError<McpServersRequired>()("McpServersRequired", {
  /** Each server with its problem. */
  detail: Schema.String
}) {
  override get message(): string {
    return `error creating thread: Fatal error: Failed to initialize session: required MCP servers failed to initialize: ${this.detail}`
  }
}
