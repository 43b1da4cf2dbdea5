/**
 * Describes the first mismatch between a value and a schema, with the released server's text.
 *
 * The release decodes a document front to back: it reports the first member with a wrong value, and only then missing
 * members, in the order of declaration. A schema's own issues have another order and lack the names of variants, so this
 * module walks the schema and the value together. It runs for invalid requests only.
 *
 * Annotations used: `identifier` (the release's name of a type), `expected` (of a number or string), `message` (the whole
 * text of a failed check), `variants` (when the order of a union differs from the release's), `untagged` (the name of a
 * union without a tag, on the union or on its members that share a tag of another one).
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"
import { invalidType, invalidValue, isInteger, missingField, unknownVariant } from "./SerdeText.ts"

/** The first mismatch of `value` with `ast`; `undefined` when none can be described. */
export const mismatch = (ast: SchemaAST.AST, value: unknown): string | undefined => {
  switch (ast._tag) {
    case "String":
      return typeof value === "string" ? failedCheck(ast, value) : invalidType(value, expected(ast) ?? "a string")
    case "Number":
      return numberMismatch(ast, value)
    case "Boolean":
      return typeof value === "boolean" ? undefined : invalidType(value, "a boolean")
    case "Null":
      return value === null ? undefined : invalidType(value, "unit")
    case "Literal":
      return value === ast.literal ? undefined : variantMismatch([String(ast.literal)], value)
    case "Arrays":
      return arrayMismatch(ast, value)
    case "Objects":
      return isTagged(ast) ? taggedMismatch(ast, [ast], value) : objectMismatch(ast, value)
    case "Union":
      return unionMismatch(ast, value)
    default:
      return undefined
  }
}

const expected = SchemaAST.resolveAt<string>("expected")
const variantsOf = SchemaAST.resolveAt<ReadonlyArray<string>>("variants")
const untaggedName = SchemaAST.resolveAt<string>("untagged")

const filters = (checks: ReadonlyArray<SchemaAST.Check<unknown>>): ReadonlyArray<SchemaAST.Filter<unknown>> =>
  checks.flatMap((check) => (check._tag === "Filter" ? [check] : filters(check.checks)))

const failedCheck = (ast: SchemaAST.AST, value: string | number): string | undefined => {
  const failed = filters(ast.checks ?? []).find((check) => check.run(value, ast, {}) !== undefined)
  if (failed === undefined) return undefined
  const message = failed.annotations?.["message"]
  return typeof message === "string" ? message : invalidValue(value, expected(ast) ?? "another")
}

const numberMismatch = (ast: SchemaAST.AST, value: unknown): string | undefined => {
  const expectation = expected(ast)
  if (typeof value !== "number") return invalidType(value, expectation ?? "f64")
  if (expectation !== undefined && !isInteger(value)) return invalidType(value, expectation)
  return failedCheck(ast, value)
}

const arrayMismatch = (ast: SchemaAST.Arrays, value: unknown): string | undefined => {
  if (!Array.isArray(value)) return invalidType(value, "a sequence")
  const [item] = ast.rest
  return item === undefined ? undefined : first(value, (element) => mismatch(item, element))
}

const first = <A>(values: ReadonlyArray<A>, describe: (value: A) => string | undefined): string | undefined => {
  for (const value of values) {
    const text = describe(value)
    if (text !== undefined) return text
  }
  return undefined
}

const structName = (ast: SchemaAST.AST): string => SchemaAST.resolveIdentifier(ast) ?? "Params"

const objectMismatch = (ast: SchemaAST.Objects, value: unknown): string | undefined => {
  const isRecord = ast.propertySignatures.length === 0
  if (Array.isArray(value) && !isRecord) {
    const count = ast.propertySignatures.length
    return `invalid length ${value.length}, expected struct ${structName(ast)} with ${count} element${count === 1 ? "" : "s"}`
  }
  const isMap = isRecord && SchemaAST.resolveIdentifier(ast) === undefined
  if (!Predicate.isObject(value)) return invalidType(value, isMap ? "a map" : `struct ${structName(ast)}`)
  const members = new Map(ast.propertySignatures.map((member) => [member.name, member.type]))
  const rest = ast.indexSignatures[0]?.type
  return (
    first(Object.keys(value), (key) => {
      const type = members.get(key) ?? rest
      return type === undefined ? undefined : mismatch(type, value[key])
    }) ??
    first(ast.propertySignatures, ({ name, type }) =>
      Object.hasOwn(value, name) || mayBeMissing(type) ? undefined : missingField(String(name))
    )
  )
}

/** Optional in a request: declared so, or filled in while decoding. */
const mayBeMissing = (ast: SchemaAST.AST): boolean => SchemaAST.isOptional(SchemaAST.toEncoded(ast))

const unionMismatch = (ast: SchemaAST.Union, value: unknown): string | undefined => {
  const members = ast.types.filter((member) => !SchemaAST.isNull(member))
  if (value === null && members.length < ast.types.length) return undefined
  const [only] = members
  if (only !== undefined && members.length === 1) return mismatch(only, value)
  if (members.every(isTagged)) return taggedMismatch(ast, members, value)
  if (members.every(isNamed) && untaggedName(ast) === undefined) return namedMismatch(ast, members, value)
  return members.some((member) => mismatch(member, value) === undefined)
    ? undefined
    : noVariant(SchemaAST.resolveIdentifier(ast))
}

const noVariant = (name: string | undefined): string =>
  `data did not match any variant of untagged enum ${name ?? "Params"}`

const tagOf = (ast: SchemaAST.Objects): SchemaAST.PropertySignature | undefined =>
  ast.propertySignatures.find((member) => member.name === "type")

const isTagged = (ast: SchemaAST.AST): ast is SchemaAST.Objects =>
  SchemaAST.isObjects(ast) && tagOf(ast)?.type._tag === "Literal"

const tagValue = (ast: SchemaAST.Objects): string => {
  const type = tagOf(ast)?.type
  return type?._tag === "Literal" ? String(type.literal) : ""
}

/** A union of objects with different `type` members; some may share a tag. */
const taggedMismatch = (
  ast: SchemaAST.AST,
  members: ReadonlyArray<SchemaAST.Objects>,
  value: unknown
): string | undefined => {
  if (!Predicate.isObject(value)) return invalidType(value, `internally tagged enum ${structName(ast)}`)
  if (!Object.hasOwn(value, "type")) {
    const untyped = members.find((member) => mayBeMissing(tagOf(member)?.type ?? member))
    return untyped === undefined ? missingField("type") : objectMismatch(untyped, value)
  }
  const tag = value["type"]
  if (typeof tag !== "string") return invalidType(tag, "variant identifier")
  const candidates = members.filter((member) => tagValue(member) === tag)
  const [candidate] = candidates
  if (candidate === undefined) {
    return unknownVariant(tag, variantsOf(ast) ?? [...new Set(members.map(tagValue))])
  }
  const texts = candidates.map((member) => objectMismatch(member, value))
  if (texts.includes(undefined)) return undefined
  return new Set(texts).size === 1 ? texts[0] : noVariant(untaggedName(candidate))
}

/** A name, or an object with the name as its only key. */
const isNamed = (ast: SchemaAST.AST): ast is SchemaAST.Literal | SchemaAST.Objects | SchemaAST.Union =>
  SchemaAST.isLiteral(ast) ||
  (SchemaAST.isUnion(ast) && ast.types.every(SchemaAST.isLiteral)) ||
  (SchemaAST.isObjects(ast) && ast.propertySignatures.length === 1 && ast.indexSignatures.length === 0)

const namedMismatch = (
  ast: SchemaAST.AST,
  members: ReadonlyArray<SchemaAST.Literal | SchemaAST.Objects | SchemaAST.Union>,
  value: unknown
): string | undefined => {
  const bare = members.flatMap((member) =>
    SchemaAST.isLiteral(member)
      ? [String(member.literal)]
      : SchemaAST.isUnion(member)
        ? member.types.flatMap((type) => (SchemaAST.isLiteral(type) ? [String(type.literal)] : []))
        : []
  )
  const carrying = new Map(
    members.flatMap((member) =>
      SchemaAST.isObjects(member)
        ? member.propertySignatures.map(({ name, type }) => [String(name), type] as const)
        : []
    )
  )
  const variants = variantsOf(ast) ?? [...bare, ...carrying.keys()]
  if (!Predicate.isObject(value))
    return typeof value === "string" && bare.includes(value)
      ? variantMismatch(bare, value)
      : bareMismatch(variants, carrying, value)
  const [name, ...others] = Object.keys(value)
  if (name === undefined || others.length > 0) return "invalid value: map, expected map with a single key"
  const content = carrying.get(name)
  if (content !== undefined) {
    return SchemaAST.isObjects(content) && !Predicate.isObject(value[name]) && !Array.isArray(value[name])
      ? invalidType(value[name], "struct variant")
      : mismatch(content, value[name])
  }
  return bare.includes(name) ? invalidType(value, `the string \`${name}\``) : unknownVariant(name, variants)
}

const bareMismatch = (
  variants: ReadonlyArray<string>,
  carrying: ReadonlyMap<string, SchemaAST.AST>,
  value: unknown
): string | undefined => {
  const content = typeof value === "string" ? carrying.get(value) : undefined
  if (content === undefined) return variantMismatch(variants, value)
  return `invalid type: unit variant, expected ${SchemaAST.isObjects(content) ? "struct" : "newtype"} variant`
}

const variantMismatch = (variants: ReadonlyArray<string>, value: unknown): string | undefined => {
  if (typeof value === "string") return variants.includes(value) ? undefined : unknownVariant(value, variants)
  return Predicate.isObject(value)
    ? "invalid value: map, expected map with a single key"
    : invalidType(value, "string or map")
}
