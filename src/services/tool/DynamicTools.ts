/**
 * The tools that a client may declare for a thread (`dynamicTools` of `thread/start`).
 *
 * Owns their rules and the error texts, which are those of the release. Loaded with the first thread that has such tools.
 *
 * @module
 */
import type { DynamicToolSpec } from "../../protocol/v2/thread/Requests.ts"

/** Maximum number of tools that a client may declare for one thread, those in namespaces included. */
export const MaxDynamicTools = 512

const MaxName = 128
const MaxNamespace = 64
const MaxNamespaceDescription = 1024

/** Names that the Responses API uses itself. */
const reservedNamespaces: ReadonlySet<string> = new Set([
  "api_tool",
  "browser",
  "computer",
  "container",
  "file_search",
  "functions",
  "image_gen",
  "multi_tool_use",
  "python",
  "python_user_visible",
  "submodel_delegator",
  "terminal",
  "tool_search",
  "web"
])

type Namespace = Extract<DynamicToolSpec, { readonly type: "namespace" }>
type Function = Exclude<DynamicToolSpec, Namespace>

const callable = /^[a-zA-Z0-9_-]+$/

const isReserved = (name: string): boolean => name === "mcp" || name.startsWith("mcp__")

const nameProblem = (name: string, kind: "name" | "namespace", max: number): string | undefined => {
  const subject = `dynamic tool ${kind}`
  if (name.trim() === "") return `${subject} must not be empty`
  if (name.trim() !== name) return `${subject} has leading/trailing whitespace: ${cut(name)}`
  if (!callable.test(name)) return `${subject} must match ^[a-zA-Z0-9_-]+$ to match Responses API: ${cut(name)}`
  if (name.length > max) return `${subject} must be at most ${max} characters to match Responses API: ${cut(name)}`
  return isReserved(name) ? `${subject} is reserved: ${name}` : undefined
}

/** Maximum number of characters of a client's text in an error. */
const MaxEcho = 256

const cut = (text: string): string => text.slice(0, MaxEcho)

const unexpected = (value: unknown): string => {
  if (value === null) return "null"
  return typeof value === "string" ? `string ${JSON.stringify(cut(value))}` : typeof value
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What is wrong with a JSON Schema as far as it is checked: its own form and that of its properties. */
const schemaProblem = (schema: unknown): string | undefined => {
  if (typeof schema === "boolean") return undefined
  if (Array.isArray(schema)) return `invalid length ${schema.length}, expected struct JsonSchema with 15 elements`
  if (!isRecord(schema)) return `invalid type: ${unexpected(schema)}, expected struct JsonSchema`
  const { properties } = schema
  return properties === undefined || properties === null || isRecord(properties)
    ? undefined
    : `invalid type: ${Array.isArray(properties) ? "sequence" : unexpected(properties)}, expected a map`
}

const toolProblem = ({ deferLoading, inputSchema, name }: Function, namespace: string | null): string | undefined => {
  const named = nameProblem(name, "name", MaxName)
  if (named !== undefined) return named
  if (deferLoading === true && namespace === null) return `deferred dynamic tool must include a namespace: ${name}`
  const schema = schemaProblem(inputSchema)
  return schema === undefined ? undefined : `dynamic tool input schema is not supported for ${name}: ${schema}`
}

const duplicate = (names: ReadonlyArray<string>): string | undefined => {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

const namespaceProblem = ({ description, name, tools }: Namespace): string | undefined => {
  const named = nameProblem(name, "namespace", MaxNamespace)
  if (named !== undefined) return named
  if (reservedNamespaces.has(name)) {
    return `dynamic tool namespace collides with a reserved Responses API namespace: ${name}`
  }
  if (tools.length === 0) return `dynamic tool namespace must contain at least one tool: ${name}`
  if (description.length > MaxNamespaceDescription) {
    return `dynamic tool namespace description must be at most ${MaxNamespaceDescription} characters`
  }
  const twice = duplicate(tools.map((tool) => tool.name))
  if (twice !== undefined) return `duplicate dynamic tool name in namespace ${name}: ${cut(twice)}`
  return first(tools, (tool) => toolProblem(tool, name))
}

const first = <A>(values: ReadonlyArray<A>, problem: (value: A) => string | undefined): string | undefined => {
  for (const value of values) {
    const found = problem(value)
    if (found !== undefined) return found
  }
  return undefined
}

const isNamespace = (spec: DynamicToolSpec): spec is Namespace => spec.type === "namespace"

/** Why a client may not declare these tools; undefined when it may. */
export const problemIn = (specs: ReadonlyArray<DynamicToolSpec>): string | undefined => {
  const count = specs.reduce((sum, spec) => sum + (isNamespace(spec) ? spec.tools.length : 1), 0)
  if (count > MaxDynamicTools) return `at most ${MaxDynamicTools} dynamic tools may be declared`
  const namespaces = duplicate(specs.flatMap((spec) => (isNamespace(spec) ? [spec.name] : [])))
  const tools = duplicate(specs.flatMap((spec) => (isNamespace(spec) ? [] : [spec.name])))
  const problem = first(specs, (spec) => (isNamespace(spec) ? namespaceProblem(spec) : toolProblem(spec, null)))
  if (problem !== undefined) return problem
  if (tools !== undefined) return `duplicate dynamic tool name: ${cut(tools)}`
  return namespaces === undefined ? undefined : `duplicate dynamic tool namespace: ${cut(namespaces)}`
}
