/**
 * The names of MCP tools for the model.
 *
 * Servers and tools have names that model servers refuse, and different names may become the same. Every character other
 * than letters, digits and `_` becomes `_`. Names that then collide, or are too long, get a digest of the original name, as
 * in the release, so that a name always means the same tool.
 *
 * @module
 */
import { createHash } from "node:crypto"

/** Maximum length of a name that model servers accept. */
const MaxLength = 64

const Prefix = "mcp__"

const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12)

const plain = (name: string): string => {
  const cleaned = name.replaceAll(/[^A-Za-z0-9_]/gu, "_")
  return cleaned === "" ? "_" : cleaned
}

const marked = (name: string, original: string): string => `${name.slice(0, MaxLength - 13)}_${digest(original)}`

/** A callable name for each of the given ones, in their order. `prefix` is a part of each. */
const callable = (originals: ReadonlyArray<string>, prefix: string): ReadonlyArray<string> => {
  const names = originals.map((original) => `${prefix}${plain(original)}`)
  const uses = new Map<string, number>()
  for (const name of names) uses.set(name, (uses.get(name) ?? 0) + 1)
  return names.map((name, index) =>
    name.length > MaxLength || (uses.get(name) ?? 0) > 1 ? marked(name, `${prefix}${originals[index]}`) : name
  )
}

/** The namespace of each server. */
export const namespacesOf = (servers: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const names = callable(servers, Prefix)
  return new Map(servers.map((server, index) => [server, names[index] ?? ""]))
}

/** The name of each tool of a server. Of tools with the same name, the first one counts. */
export const toolNamesOf = (tools: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const different = [...new Set(tools)]
  const names = callable(different, "")
  return new Map(different.map((tool, index) => [tool, names[index] ?? ""]))
}
