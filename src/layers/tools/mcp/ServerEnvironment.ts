/**
 * The environment of MCP servers that are child processes.
 *
 * A server receives a few variables that programs need, those that its settings name, and those that its settings set, as in
 * the release. Everything else, keys and tokens above all, stays in this process.
 *
 * @module
 */
import type { StdioServer } from "../../../services/mcp/McpServerConfig.ts"

const unix = [
  "HOME",
  "LOGNAME",
  "PATH",
  "SHELL",
  "USER",
  "__CF_USER_TEXT_ENCODING",
  "LANG",
  "LC_ALL",
  "TERM",
  "TMPDIR",
  "TZ"
]

const windows = [
  "PATH",
  "PATHEXT",
  "COMSPEC",
  "SYSTEMROOT",
  "SYSTEMDRIVE",
  "USERNAME",
  "USERDOMAIN",
  "USERPROFILE",
  "HOMEDRIVE",
  "HOMEPATH",
  "PROGRAMFILES",
  "PROGRAMFILES(X86)",
  "PROGRAMW6432",
  "PROGRAMDATA",
  "LOCALAPPDATA",
  "APPDATA",
  "TEMP",
  "TMP",
  "POWERSHELL",
  "PWSH"
]

/** The files of certificate authorities, by which programs trust an organisation's proxy. */
const certificates = [
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "CURL_CA_BUNDLE",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "CARGO_HTTP_CAINFO",
  "BUNDLE_SSL_CA_CERT",
  "npm_config_cafile",
  "NPM_CONFIG_CAFILE"
]

/** The environment of the process. */
export const environmentOf = (
  { env, envVars }: Pick<StdioServer, "env" | "envVars">,
  own: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform
): Record<string, string> => {
  const names = [...(platform === "win32" ? windows : unix), ...certificates, ...envVars]
  const inherited = names.flatMap((name): Array<[string, string]> => {
    const value = Object.hasOwn(own, name) ? own[name] : undefined
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries([...inherited, ...Object.entries(env)])
}
