/**
 * The declarations that users of the package can reach, with their doc comments, read from the sources.
 *
 * TypeScript 7 has no API for programs, so the sources are parsed by the bundler's parser. It knows no types: an annotation is
 * judged by its text.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { parseSync } from "rolldown/utils"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** What a declaration is, as far as the rules differ. */
export type Kind = "declaration" | "member" | "option"

export interface Documented {
  /** The file below the root, and the line. */
  readonly place: string
  /** The name after those of the enclosing declarations, separated by dots. */
  readonly name: string
  readonly kind: Kind
  /** The text of its doc comment; undefined without one. */
  readonly doc: string | undefined
  /** The doc comment of the declaration around it. */
  readonly around: string | undefined
  /** The text of its type annotation, empty without one. */
  readonly type: string
  readonly optional: boolean
}

/** A node of the syntax tree: what the walk reads of it. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [property: string]: unknown
}

export interface Source {
  /** Below the root. */
  readonly file: string
  readonly text: string
  readonly body: ReadonlyArray<Node>
  /** Doc comments by the offset of the token that follows. */
  readonly docs: ReadonlyMap<number, string>
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

const nodeAt = (node: Node, ...path: ReadonlyArray<string>): Node | undefined => {
  let at: unknown = node
  for (const step of path) at = isNode(at) ? at[step] : undefined
  return isNode(at) ? at : undefined
}

const nodesAt = (node: Node | undefined, property: string): ReadonlyArray<Node> => {
  const value = node?.[property]
  return Array.isArray(value) ? value.filter(isNode) : []
}

const nameOf = (node: Node | undefined): string => {
  const name = node?.["name"] ?? node?.["value"]
  return typeof name === "string" ? name : ""
}

/** Parses a source file. */
export const parse = (file: string, text: string): Source => {
  const { comments, errors, program } = parseSync(file, text, { astType: "ts", lang: "ts" })
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message ?? ""}`)
  const docs = new Map<number, string>()
  for (const { end, start, type, value } of comments) {
    if (type !== "Block" || !value.startsWith("*")) continue
    const following = end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0)
    docs.set(following, text.slice(start, end))
  }
  const body: ReadonlyArray<unknown> = program.body
  return { file, text, docs, body: body.filter(isNode) }
}

const line = ({ text }: Source, offset: number): number => text.slice(0, offset).split("\n").length

const numeric = /^(?:number|Duration\.Input|Duration\.Duration)\b/

/** Whether a member takes or has a number or a duration. */
export const isNumeric = ({ type }: Documented): boolean => numeric.test(type)

const membersIn = (source: Source, node: Node, path: string, around: string | undefined): ReadonlyArray<Documented> => {
  if (node.type === "TSTypeLiteral" || node.type === "TSInterfaceBody") {
    const members = nodesAt(node, node.type === "TSTypeLiteral" ? "members" : "body")
    return members.flatMap((member) => memberOf(source, member, path, around))
  }
  // The names of a function's parameters belong to its own comment; its options are members.
  return Object.entries(node)
    .filter(([property]) => property !== "body" || node.type === "TSInterfaceDeclaration")
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
    .flatMap((child) => membersIn(source, child, path, around))
}

const memberOf = (
  source: Source,
  member: Node,
  path: string,
  around: string | undefined
): ReadonlyArray<Documented> => {
  const annotation = nodeAt(member, "typeAnnotation", "typeAnnotation")
  const name = `${path}.${nameOf(nodeAt(member, "key"))}`
  const doc = source.docs.get(member.start)
  const optional = member["optional"] === true
  const type = annotation === undefined ? "" : source.text.slice(annotation.start, annotation.end)
  const isFunction = member.type === "TSMethodSignature" || annotation?.type === "TSFunctionType"
  const own: Documented = {
    place: `${source.file}:${line(source, member.start)}`,
    name,
    kind: /Options\b/.test(path) || optional || isFunction ? "option" : "member",
    doc,
    around,
    type,
    optional
  }
  if (member.type !== "TSPropertySignature" && member.type !== "TSMethodSignature") return []
  if (doc?.includes("@internal") ?? false) return []
  return [own, ...(annotation === undefined ? [] : membersIn(source, annotation, name, doc ?? around))]
}

/** The methods and properties of a class that users may call. What overrides a method has its comment. */
const methodsOf = (source: Source, node: Node, path: string): ReadonlyArray<Documented> =>
  nodesAt(nodeAt(node, "body"), "body")
    .filter(
      ({ accessibility, kind, override, type }) =>
        type === "MethodDefinition" && kind !== "constructor" && accessibility !== "private" && override !== true
    )
    .filter((method) => nodeAt(method, "key")?.type !== "PrivateIdentifier")
    .map((method) => ({
      place: `${source.file}:${line(source, method.start)}`,
      name: `${path}.${nameOf(nodeAt(method, "key"))}`,
      kind: "option",
      doc: source.docs.get(method.start),
      around: undefined,
      type: "",
      optional: false
    }))

/** The name and the node of each thing that a statement declares. */
export const declared = (declaration: Node): ReadonlyArray<readonly [string, Node]> =>
  declaration.type === "VariableDeclaration"
    ? nodesAt(declaration, "declarations").map((one) => [nameOf(nodeAt(one, "id")), one] as const)
    : [[nameOf(nodeAt(declaration, "id")), declaration] as const]

const declarationsOf = (source: Source, statement: Node, documented: Set<string>): ReadonlyArray<Documented> => {
  const declaration = nodeAt(statement, "declaration")
  if (declaration === undefined) return []
  const doc = source.docs.get(statement.start)
  if (doc?.includes("@internal") ?? false) return []
  return declared(declaration).flatMap(([name, node]) => {
    // A type that accompanies a value of its name, and the further overloads, share its comment.
    if (doc === undefined && documented.has(name)) return []
    documented.add(name)
    const place = `${source.file}:${line(source, statement.start)}`
    const own: Documented = { place, name, kind: "declaration", doc, around: undefined, type: "", optional: false }
    return [own, ...membersIn(source, node, name, doc), ...methodsOf(source, node, name)]
  })
}

/** The exported declarations of a source, with their members. */
export const declarations = (source: Source): ReadonlyArray<Documented> => {
  const documented = new Set<string>()
  return source.body
    .filter(({ type }) => type === "ExportNamedDeclaration")
    .flatMap((statement) => declarationsOf(source, statement, documented))
}

const load = (path: string): Source => parse(relative(root, path), readFileSync(path, "utf8"))

/** The doc comment at the top of a source. */
export const header = ({ docs, text }: Source): string | undefined =>
  /^(?:#!.*\n)?\s*\/\*\*/.test(text) ? Array.from(docs.values())[0] : undefined

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly "spindle-source": string }>>
}

/** The sources of the entry points of `package.json`. */
export const entryPoints = (): ReadonlyArray<Source> => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest
  return Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [load(join(root, entry["spindle-source"]))]
  )
}

/** The names by which the first entry point exports its modules. */
export const namespaces = (): ReadonlyArray<string> =>
  (entryPoints()[0]?.body ?? []).map((statement) => nameOf(nodeAt(statement, "exported"))).filter((name) => name !== "")

/** Everything that users can name: the exports of the entry points, directly or through other modules. */
export const publicApi = (): ReadonlyArray<Documented> => {
  const sources = new Map<string, ReadonlyArray<Documented>>()
  const api = new Map<string, Documented>()
  /** Without names, all exports of the source are public. */
  const visit = (source: Source, names: ReadonlySet<string> | undefined): void => {
    const exported = sources.get(source.file) ?? declarations(source)
    sources.set(source.file, exported)
    for (const one of exported) {
      if (names?.has(one.name.split(".")[0] ?? "") ?? true) api.set(`${one.place} ${one.name}`, one)
    }
    for (const statement of source.body) {
      const specifier = nameOf(nodeAt(statement, "source"))
      if (!statement.type.startsWith("Export") || !specifier.startsWith(".")) continue
      const named = nodesAt(statement, "specifiers").map((one) => nameOf(nodeAt(one, "local")))
      const next = load(join(root, dirname(source.file), specifier))
      visit(next, statement.type === "ExportAllDeclaration" ? undefined : new Set(named))
    }
  }
  for (const entry of entryPoints()) visit(entry, undefined)
  return Array.from(api.values())
}
