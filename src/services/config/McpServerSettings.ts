/**
 * `mcp_servers.<name>`: the grammar of an MCP server's settings, and the rules that a grammar cannot express.
 *
 * A server has either a `command` or a `url`; a setting of the other kind is an error, as in the release. Does not own what
 * the settings mean: that is `services/mcp/McpServerConfig`.
 *
 * @module
 */
import {
  anything,
  flag,
  list,
  literals,
  map,
  optional,
  type Problem,
  seconds,
  section,
  type SettingType,
  text,
  u64,
  unset
} from "./SettingType.ts"
import { get, getTable, isTable, type Table, type Value } from "./Table.ts"

/** When calls of a server's tools need approval. */
export const approvalMode = literals("auto", "prompt", "writes", "approve")

/** A server, under `mcp_servers`. */
export const mcpServer: SettingType = section({
  command: unset(text),
  args: unset(list(text)),
  env: unset(map(text)),
  env_vars: unset(anything),
  cwd: unset(text),
  url: unset(text),
  bearer_token: unset(text),
  bearer_token_env_var: unset(text),
  http_headers: unset(map(text)),
  env_http_headers: unset(map(text)),
  environment_id: optional(text, "local"),
  experimental_environment: unset(text),
  enabled: optional(flag, true),
  required: unset(flag),
  startup_timeout_sec: unset(seconds),
  startup_timeout_ms: unset(u64),
  tool_timeout_sec: optional(seconds),
  supports_parallel_tool_calls: unset(flag),
  default_tools_approval_mode: unset(approvalMode),
  enabled_tools: unset(list(text)),
  disabled_tools: unset(list(text)),
  scopes: unset(list(text)),
  oauth: unset(anything),
  oauth_resource: unset(text),
  auth: unset(literals("oauth", "chatgpt", "ema_auth")),
  tools: unset(map(section({ approval_mode: unset(approvalMode) })))
})

/** Settings of the other kind of server, in the order in which the release complains about them. */
const notForCommands = [
  "url",
  "bearer_token_env_var",
  "bearer_token",
  "http_headers",
  "env_http_headers",
  "oauth",
  "oauth_resource",
  "auth"
]
const notForUrls = ["args", "env", "env_vars", "cwd", "bearer_token"]

const transportProblem = (server: Table): string | undefined => {
  const has = (key: string) => (get(server, key) ?? null) !== null
  if (has("command")) {
    const key = notForCommands.find(has)
    return key === undefined ? undefined : `${key} is not supported for stdio`
  }
  if (!has("url")) return "invalid transport"
  const key = notForUrls.find(has)
  return key === undefined ? undefined : `${key} is not supported for streamable_http`
}

const sources: ReadonlySet<Value> = new Set(["local", "remote"])

const variablesProblem = (
  variables: Value | undefined
): (Omit<Problem, "path"> & { readonly inside: boolean }) | undefined => {
  if (variables === undefined) return undefined
  const unmatched = { detail: "data did not match any variant of untagged enum McpServerEnvVar", inside: true }
  if (!Array.isArray(variables)) return { detail: "invalid type: expected a sequence", inside: true }
  for (const variable of variables) {
    if (typeof variable === "string") continue
    if (!isTable(variable) || typeof get(variable, "name") !== "string") return unmatched
    const source = get(variable, "source")
    if (source === undefined || source === null || sources.has(source)) continue
    if (typeof source !== "string") return unmatched
    const detail = `unsupported env_vars source \`${source.slice(0, 32)}\`; expected \`local\` or \`remote\``
    return { detail, inside: false }
  }
  return undefined
}

/** The first problem of a server whose settings have the right types. */
const serverProblem = (name: string, server: Table): Problem | undefined => {
  const path = ["mcp_servers", name]
  const variables = variablesProblem(get(server, "env_vars"))
  if (variables !== undefined) {
    return { path: variables.inside ? [...path, "env_vars"] : path, detail: variables.detail }
  }
  const detail = transportProblem(server)
  return detail === undefined ? undefined : { path, detail }
}

/** The first problem of the merged settings that the grammar does not find. */
export const checkMcpServers = (merged: Table): Problem | undefined => {
  for (const [name, server] of Object.entries(getTable(merged, "mcp_servers") ?? {})) {
    const problem = isTable(server) ? serverProblem(name, server) : undefined
    if (problem !== undefined) return problem
  }
  return undefined
}
