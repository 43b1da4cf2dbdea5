/**
 * The MCP servers of a configuration, as data.
 *
 * Owns what the settings of `mcp_servers.<name>` mean, with their defaults, and which servers the organisation's
 * requirements allow. The settings were checked by `config/McpServerSettings`; a value that does not fit counts as not set.
 * Does not own connections.
 *
 * @module
 */
import type { EffectiveConfig } from "../config/Config.ts"
import { get, getNumber, getTable, getText, isTable, type Table, type Value } from "../config/Table.ts"

/** When a call needs approval: when the tool can change something, always, unless it only reads, or never. */
export type ApprovalMode = "auto" | "prompt" | "writes" | "approve"

/** A server that is a child process. */
export interface StdioServer {
  readonly type: "stdio"
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** Set in the environment of the process. The values may be secrets. */
  readonly env: Readonly<Record<string, string>>
  /** Variables of this server's environment that the process receives in addition to the default ones. */
  readonly envVars: ReadonlyArray<string>
  /** Absolute path, or relative to the thread's folder. Null for the thread's folder. */
  readonly cwd: string | null
}

/** A server that is reached by streamable HTTP. */
export interface HttpServer {
  readonly type: "http"
  readonly url: string
  /** The environment variable with the bearer token. */
  readonly bearerTokenEnvVar: string | null
  /** The values may be secrets. */
  readonly headers: Readonly<Record<string, string>>
  /** Header name to the environment variable with its value. The header is left out when the variable is not set. */
  readonly envHeaders: Readonly<Record<string, string>>
  /** The scopes that a login requests. Null for those that the server names. */
  readonly scopes: ReadonlyArray<string> | null
  /** The id of a client that is registered at the authorization server. Null to register one. */
  readonly oauthClientId: string | null
}

/** A configured server. */
export interface McpServerConfig {
  readonly name: string
  readonly transport: StdioServer | HttpServer
  /** False: the server is not started. */
  readonly enabled: boolean
  /** True: a thread does not start without the server. */
  readonly required: boolean
  /** Milliseconds from the start until the tools are known. Default: 30 000. */
  readonly startupTimeoutMs: number
  /** Milliseconds for one call. Default: 300 000. */
  readonly toolTimeoutMs: number
  /** The tools that are offered; null for all. */
  readonly enabledTools: ReadonlyArray<string> | null
  readonly disabledTools: ReadonlyArray<string>
  readonly defaultApproval: ApprovalMode
  readonly toolApproval: ReadonlyMap<string, ApprovalMode>
}

/** Default of `startup_timeout_sec`, in milliseconds. */
export const DefaultStartupTimeout = 30_000

/** Default of `tool_timeout_sec`, in milliseconds. */
export const DefaultToolTimeout = 300_000

/** Default of `mcp_optional_startup_grace_ms`: how long the first model request waits for servers that are not required. */
export const DefaultGrace = 1000

/** Timers of Node hold at most this many milliseconds. */
const MaxTimeout = 2 ** 31 - 1

const texts = (value: Value | undefined): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : []

const textsOrNull = (value: Value | undefined): ReadonlyArray<string> | null =>
  Array.isArray(value) ? texts(value) : null

const record = (table: Table | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(table ?? {}).flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : []))
  )

const modes: ReadonlyArray<Value> = ["auto", "prompt", "writes", "approve"] satisfies ReadonlyArray<ApprovalMode>

const isMode = (value: Value | undefined): value is ApprovalMode => value !== undefined && modes.includes(value)

const milliseconds = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Math.min(Math.round(seconds * 1000), MaxTimeout)

/** Variables with the source `remote` belong to another machine's environment. */
const variableNames = (value: Value | undefined): ReadonlyArray<string> =>
  (Array.isArray(value) ? value : []).flatMap((variable) => {
    if (typeof variable === "string") return [variable]
    if (!isTable(variable) || get(variable, "source") === "remote") return []
    return getText(variable, "name") ?? []
  })

const transportOf = (server: Table): McpServerConfig["transport"] | undefined => {
  const command = getText(server, "command")
  if (command !== undefined) {
    return {
      type: "stdio",
      command,
      args: texts(get(server, "args")),
      env: record(getTable(server, "env")),
      envVars: variableNames(get(server, "env_vars")),
      cwd: getText(server, "cwd") ?? null
    }
  }
  const url = getText(server, "url")
  if (url === undefined) return undefined
  return {
    type: "http",
    url,
    bearerTokenEnvVar: getText(server, "bearer_token_env_var") ?? null,
    headers: record(getTable(server, "http_headers")),
    envHeaders: record(getTable(server, "env_http_headers")),
    scopes: textsOrNull(get(server, "scopes")),
    oauthClientId: getText(getTable(server, "oauth") ?? {}, "client_id") ?? null
  }
}

const toolModes = (tools: Table | undefined): ReadonlyMap<string, ApprovalMode> =>
  new Map(
    Object.entries(tools ?? {}).flatMap(([tool, settings]): Array<[string, ApprovalMode]> => {
      const mode = isTable(settings) ? get(settings, "approval_mode") : undefined
      return isMode(mode) ? [[tool, mode]] : []
    })
  )

const serverOf = (name: string, server: Table): McpServerConfig | undefined => {
  const transport = transportOf(server)
  if (transport === undefined) return undefined
  const mode = get(server, "default_tools_approval_mode")
  return {
    name,
    transport,
    enabled: get(server, "enabled") !== false,
    required: get(server, "required") === true,
    startupTimeoutMs:
      milliseconds(getNumber(server, "startup_timeout_sec")) ??
      getNumber(server, "startup_timeout_ms") ??
      DefaultStartupTimeout,
    toolTimeoutMs: milliseconds(getNumber(server, "tool_timeout_sec")) ?? DefaultToolTimeout,
    enabledTools: textsOrNull(get(server, "enabled_tools")),
    disabledTools: texts(get(server, "disabled_tools")),
    defaultApproval: isMode(mode) ? mode : "auto",
    toolApproval: toolModes(getTable(server, "tools"))
  }
}

/** Whether a requirement of the organisation names this server. What is not understood allows nothing. */
const isIdentified = ({ name, transport }: McpServerConfig, requirements: Table): boolean => {
  const identity = getTable(getTable(requirements, name) ?? {}, "identity")
  if (identity === undefined || Object.keys(identity).length !== 1) return false
  return transport.type === "stdio"
    ? get(identity, "command") === transport.command
    : get(identity, "url") === transport.url
}

/**
 * The configured servers, in the order of the configuration. A server that the requirements do not allow is disabled. Without
 * a requirement about MCP servers, all are allowed.
 */
export const serversOf = ({
  requirementMcpServers: requirements,
  settings
}: Pick<EffectiveConfig, "requirementMcpServers" | "settings">): ReadonlyArray<McpServerConfig> => {
  const servers = settings["mcp_servers"]
  if (!isTable(servers)) return []
  return Object.entries(servers).flatMap(([name, settings]) => {
    const server = isTable(settings) ? serverOf(name, settings) : undefined
    if (server === undefined) return []
    const allowed = requirements === null || (isTable(requirements) && isIdentified(server, requirements))
    return [allowed ? server : { ...server, enabled: false }]
  })
}

/** How long the first model request waits for servers that are not required, in milliseconds. */
export const graceOf = ({ settings }: Pick<EffectiveConfig, "settings">): number => {
  const grace = settings["mcp_optional_startup_grace_ms"]
  return typeof grace === "number" ? Math.min(grace, MaxTimeout) : DefaultGrace
}
