/**
 * The schema of an MCP tool's arguments in the form that model servers accept.
 *
 * Keywords that model servers do not know are left out, as in the release. A schema that is not an object, or too large,
 * becomes one that accepts any object: the MCP server checks the arguments itself.
 *
 * @module
 */
import { isTooDeepValue } from "../../../protocol/jsonrpc/JsonText.ts"
import { get, isTable, type Table, type Value } from "../../../services/config/Table.ts"

/** Maximum size of a schema as JSON text, in UTF-16 units. */
const MaxSchema = 64 * 1024

const kept = ["$ref", "description", "enum", "const", "required", "$defs", "definitions"] as const

const scalars: ReadonlySet<Value> = new Set(["string", "number", "boolean", "integer", "object", "array", "null"])

const tableOf = (table: Table, convert: (value: Value) => Value): Table =>
  Object.fromEntries(Object.entries(table).map(([key, value]) => [key, convert(value)]))

/** The type of a schema without one. */
const inferred = (schema: Table): Value | undefined => {
  const has = (...names: ReadonlyArray<string>) => names.some((name) => get(schema, name) !== undefined)
  if (has("$ref", "anyOf", "oneOf", "allOf")) return undefined
  if (has("properties", "required", "additionalProperties")) return "object"
  if (has("items", "prefixItems")) return "array"
  if (has("enum", "const", "format")) return "string"
  if (has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) return "number"
  return undefined
}

const typeOf = (schema: Table): Value | undefined => {
  const type = get(schema, "type")
  if (Array.isArray(type)) return type.filter((one) => scalars.has(one))
  return type !== undefined && scalars.has(type) ? type : inferred(schema)
}

const hasType = (type: Value | undefined, name: string): boolean =>
  type === name || (Array.isArray(type) && type.includes(name))

/** The members of a schema that are schemas themselves. */
const partsOf = (schema: Table, type: Value | undefined): Table => {
  const out: Record<string, Value> = {}
  const properties = get(schema, "properties")
  if (isTable(properties)) out["properties"] = tableOf(properties, converted)
  else if (hasType(type, "object")) out["properties"] = {}
  const items = get(schema, "items")
  if (isTable(items)) out["items"] = converted(items)
  else if (hasType(type, "array")) out["items"] = { type: "string" }
  const additional = get(schema, "additionalProperties")
  if (additional !== undefined) out["additionalProperties"] = isTable(additional) ? converted(additional) : additional
  for (const key of ["anyOf", "oneOf", "allOf"]) {
    const options = get(schema, key)
    if (Array.isArray(options)) out[key] = options.map(converted)
  }
  return out
}

const converted = (schema: Value): Value => {
  // `true` and `false` accept anything and nothing.
  if (!isTable(schema)) return { type: "string" }
  const type = typeOf(schema)
  const plain = kept.flatMap((key): Array<[string, Value]> => {
    const value = get(schema, key)
    if (value === undefined) return []
    if (key === "const") return [["enum", [value]]]
    return [[key, key === "$defs" || key === "definitions" ? (isTable(value) ? tableOf(value, converted) : {}) : value]]
  })
  return { ...(type === undefined ? {} : { type }), ...Object.fromEntries(plain), ...partsOf(schema, type) }
}

const anyObject: Table = { type: "object", properties: {} }

/** The parameters of a tool, from its `inputSchema`. */
export const parametersOf = (inputSchema: unknown): Readonly<Record<string, unknown>> => {
  if (!isTable(inputSchema) || isTooDeepValue(inputSchema)) return anyObject
  const type = get(inputSchema, "type")
  if (type !== undefined && type !== "object") return anyObject
  const schema = converted({ ...inputSchema, type: "object" })
  return isTable(schema) && JSON.stringify(schema).length <= MaxSchema ? schema : anyObject
}
