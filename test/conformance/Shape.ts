/**
 * Normalizes what a JSON Schema accepts, independent of dialect and style, and finds differences between two schemas.
 *
 * Names, presence, null, types, enum values and number ranges are compared at any depth. Descriptions, defaults, text
 * formats and unknown members are not compared.
 *
 * @module
 */

/** A schema with the definitions for its references. */
export interface Node {
  readonly schema: unknown
  readonly definitions: Readonly<Record<string, unknown>>
}

/**
 * `sent`: the server sends it, so ours may be narrower (always present where the release may omit it). `taken`: a client
 * sends it, so ours must accept the same.
 */
export type Direction = "sent" | "taken"

interface Property {
  readonly node: Node
  readonly required: boolean
}

interface ObjectShape {
  readonly properties: ReadonlyMap<string, Property>
  /** The schema of additional members. */
  readonly rest: Node | undefined
}

interface NumberShape {
  readonly integer: boolean
  readonly minimum: number
  readonly maximum: number
}

interface Shape {
  any: boolean
  null: boolean
  boolean: boolean
  /** `undefined`: no text. `"any"`: every text. */
  text: "any" | ReadonlySet<string> | undefined
  number: NumberShape | undefined
  items: ReadonlyArray<Node>
  objects: ReadonlyArray<ObjectShape>
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const nothing = (): Shape => ({
  any: false,
  null: false,
  boolean: false,
  text: undefined,
  number: undefined,
  items: [],
  objects: []
})

/** The ranges of Rust's integers, limited to what JavaScript represents exactly. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 0xff],
  uint16: [0, 0xffff],
  uint32: [0, 0xffff_ffff],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  uint: [0, Number.MAX_SAFE_INTEGER],
  int32: [-0x8000_0000, 0x7fff_ffff]
}

const numberOf = (schema: Json, integer: boolean): NumberShape => {
  const limit = integer ? Number.MAX_SAFE_INTEGER : Infinity
  const [from, to] = ranges[String(schema["format"])] ?? [-limit, limit]
  let minimum = from
  let maximum = to
  for (const part of [schema, ...listOf(schema["allOf"])]) {
    if (!isObject(part)) continue
    if (typeof part["minimum"] === "number") minimum = Math.max(minimum, part["minimum"])
    if (typeof part["maximum"] === "number") maximum = Math.min(maximum, part["maximum"])
  }
  return { integer, minimum, maximum }
}

const objectOf = (schema: Json, definitions: Node["definitions"]): ObjectShape => {
  const required = new Set(listOf(schema["required"]))
  const properties = new Map<string, Property>()
  for (const [name, property] of Object.entries(isObject(schema["properties"]) ? schema["properties"] : {})) {
    properties.set(name, { node: { schema: property, definitions }, required: required.has(name) })
  }
  const rest = schema["additionalProperties"]
  if (isObject(rest)) return { properties, rest: { schema: rest, definitions } }
  return { properties, rest: properties.size === 0 ? { schema: true, definitions } : undefined }
}

const union = (parts: ReadonlyArray<Shape>): Shape => {
  const all = nothing()
  for (const part of parts) {
    all.any ||= part.any
    all.null ||= part.null
    all.boolean ||= part.boolean
    all.number ??= part.number
    all.items = [...all.items, ...part.items]
    all.objects = [...all.objects, ...part.objects]
    if (all.text === "any" || part.text === "any") all.text = "any"
    else if (part.text !== undefined) all.text = new Set([...(all.text ?? []), ...part.text])
  }
  return all
}

const ofType = (type: unknown, schema: Json, definitions: Node["definitions"]): Shape => {
  const shape = nothing()
  if (type === "null") shape.null = true
  if (type === "boolean") shape.boolean = true
  if (type === "string") shape.text = "any"
  if (type === "integer" || type === "number") shape.number = numberOf(schema, type === "integer")
  if (type === "array") shape.items = [{ schema: schema["items"] ?? true, definitions }]
  if (type === "object") shape.objects = [objectOf(schema, definitions)]
  return shape
}

const words = (values: ReadonlyArray<unknown>): Shape => ({
  ...nothing(),
  null: values.includes(null),
  boolean: values.some((value) => typeof value === "boolean"),
  text: new Set(values.filter((value) => typeof value === "string"))
})

/** Members that are declared beside a union belong to each of its objects. */
const spread = (shape: Shape, base: ObjectShape): Shape => ({
  ...shape,
  objects: shape.objects.map((object) => ({
    properties: new Map([...base.properties, ...object.properties]),
    rest: object.rest
  }))
})

const shapeOf = ({ schema, definitions }: Node): Shape => {
  if (!isObject(schema)) return { ...nothing(), any: schema === true }
  const inner = (part: unknown): Shape => shapeOf({ schema: part, definitions })
  if (typeof schema["$ref"] === "string") return inner(definitions[schema["$ref"].split("/").at(-1) ?? ""])
  const alternatives = schema["anyOf"] ?? schema["oneOf"]
  if (Array.isArray(alternatives)) {
    const all = union(alternatives.map(inner))
    return isObject(schema["properties"]) ? spread(all, objectOf(schema, definitions)) : all
  }
  if (Array.isArray(schema["enum"])) return words(schema["enum"])
  if ("const" in schema) return words([schema["const"]])
  if (schema["type"] === undefined) {
    const [only] = listOf(schema["allOf"])
    return only === undefined ? { ...nothing(), any: true } : inner(only)
  }
  const types = Array.isArray(schema["type"]) ? schema["type"] : [schema["type"]]
  return union(types.map((type) => ofType(type, schema, definitions)))
}

/** The only text that a value can be, if there is just one. */
const onlyWord = ({ null: nullable, text }: Shape): string | undefined =>
  text !== undefined && text !== "any" && text.size === 1 && !nullable ? [...text][0] : undefined

/** Splits an object with several `type` values into one object for each. */
const split = (object: ObjectShape): ReadonlyArray<ObjectShape> => {
  const type = object.properties.get("type")
  const words = type?.required === true ? shapeOf(type.node).text : undefined
  if (type === undefined || words === undefined || words === "any" || words.size < 2) return [object]
  return [...words].map((word) => ({
    ...object,
    properties: new Map(object.properties).set("type", { ...type, node: { ...type.node, schema: { const: word } } })
  }))
}

/** The key of an object in a union: its constant members, or else the names of all members. */
const tagOf = (object: ObjectShape): string => {
  const tags: Array<string> = []
  for (const [name, property] of object.properties) {
    const word = onlyWord(shapeOf(property.node))
    if (word !== undefined) tags.push(`${name}=${word}`)
  }
  return tags.length === 0 ? namesOf(object) : tags.sort().join("&")
}

const namesOf = (object: ObjectShape): string => [...object.properties.keys()].sort().join()

const byTag = (objects: ReadonlyArray<ObjectShape>): Map<string, Array<ObjectShape>> => {
  const groups = new Map<string, Array<ObjectShape>>()
  for (const object of objects) {
    const tag = objects.length === 1 ? "" : tagOf(object)
    groups.set(tag, [...(groups.get(tag) ?? []), object])
  }
  return groups
}

const list = (text: Shape["text"]): string =>
  text === undefined ? "no text" : text === "any" ? "any text" : [...text].sort().join(" | ")

/** Where `ours` accepts something else than `theirs`, one line each; empty when they agree. */
export const differences = (theirs: Node, ours: Node, direction: Direction): ReadonlyArray<string> => {
  const found: Array<string> = []
  const seen = new Map<unknown, Set<unknown>>()

  const compare = (path: string, theirNode: Node, ourNode: Node): void => {
    const met = seen.get(theirNode.schema)
    if (isObject(theirNode.schema)) {
      if (met?.has(ourNode.schema)) return
      seen.set(theirNode.schema, (met ?? new Set()).add(ourNode.schema))
    }
    const their = shapeOf(theirNode)
    const our = shapeOf(ourNode)
    const report = (what: string) => found.push(`${path || "(all)"}: ${what}`)
    if (their.any || our.any) {
      if (their.any !== our.any) report(their.any ? "anything in the release" : "anything here")
      return
    }
    if (their.boolean !== our.boolean) report(their.boolean ? "a boolean in the release" : "a boolean here")
    if (list(their.text) !== list(our.text)) report(`${list(their.text)} in the release, ${list(our.text)} here`)
    compareNumbers(report, their.number, our.number)
    compareItems(path, report, their.items, our.items)
    compareObjects(path, report, their.objects.flatMap(split), our.objects.flatMap(split))
  }

  const compareNumbers = (report: (what: string) => void, their?: NumberShape, our?: NumberShape): void => {
    if (their === undefined || our === undefined) {
      if (their !== our) report(their === undefined ? "a number here" : "a number in the release")
      return
    }
    if (their.integer !== our.integer) report(their.integer ? "an integer in the release" : "an integer here")
    const inside = our.minimum >= their.minimum && our.maximum <= their.maximum
    const same = our.minimum === their.minimum && our.maximum === their.maximum
    if (direction === "sent" ? !inside : !same) {
      report(`${their.minimum}..${their.maximum} in the release, ${our.minimum}..${our.maximum} here`)
    }
  }

  const compareItems = (
    path: string,
    report: (what: string) => void,
    their: ReadonlyArray<Node>,
    our: ReadonlyArray<Node>
  ): void => {
    const [theirItem, ourItem] = [their[0], our[0]]
    if (theirItem !== undefined && ourItem !== undefined) compare(`${path}[]`, theirItem, ourItem)
    else if (theirItem !== ourItem) report(theirItem === undefined ? "a list here" : "a list in the release")
  }

  const compareObjects = (
    path: string,
    report: (what: string) => void,
    their: ReadonlyArray<ObjectShape>,
    our: ReadonlyArray<ObjectShape>
  ): void => {
    const single = their.length === 1 && our.length === 1
    const theirGroups = single ? new Map([["", [...their]]]) : byTag(their)
    const ourGroups = single ? new Map([["", [...our]]]) : byTag(our)
    for (const tag of new Set([...theirGroups.keys(), ...ourGroups.keys()])) {
      const left = (theirGroups.get(tag) ?? []).toSorted((a, b) => namesOf(a).localeCompare(namesOf(b)))
      const right = (ourGroups.get(tag) ?? []).toSorted((a, b) => namesOf(a).localeCompare(namesOf(b)))
      const at = tag === "" ? path : `${path}<${tag}>`
      if (left.length !== right.length) report(`${left.length} of <${tag}> in the release, ${right.length} here`)
      left.forEach((object, index) => {
        const other = right[index]
        if (other !== undefined) compareObject(at, object, other)
      })
    }
  }

  const compareObject = (path: string, their: ObjectShape, our: ObjectShape): void => {
    for (const name of new Set([...their.properties.keys(), ...our.properties.keys()])) {
      const at = `${path}.${name}`
      const left = their.properties.get(name)
      const right = our.properties.get(name)
      if (left === undefined) found.push(`${at}: not in the release`)
      else if (right === undefined) found.push(`${at}: missing here`)
      else compareProperty(at, left, right)
    }
    if (their.rest !== undefined && our.rest !== undefined) compare(`${path}.*`, their.rest, our.rest)
    else if (their.rest !== our.rest) found.push(`${path}.*: ${their.rest ? "a map in the release" : "a map here"}`)
  }

  const compareProperty = (path: string, their: Property, our: Property): void => {
    const theirNull = isNullable(their.node)
    const ourNull = isNullable(our.node)
    const describe = (presence: boolean, nullable: boolean) =>
      `${presence ? "required" : "optional"}${nullable ? ", nullable" : ""}`
    // Where the release may omit a member or send null, either is valid; a third form is not.
    const narrower = direction === "sent" && !their.required && (our.required ? ourNull || !theirNull : true)
    if ((their.required !== our.required || theirNull !== ourNull) && !(narrower && (theirNull || !ourNull))) {
      found.push(
        `${path}: ${describe(their.required, theirNull)} in the release, ${describe(our.required, ourNull)} here`
      )
    }
    compare(path, their.node, our.node)
  }

  compare("", theirs, ours)
  return found
}

const isNullable = (node: Node): boolean => {
  const shape = shapeOf(node)
  return shape.null || shape.any
}
