/**
 * The TypeScript blocks of the doc comments and of the documents, as programs that the compiler can check.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { declared, namespaces, parse, root } from "./PublicApi.ts"

export interface Snippet {
  /** The file below the root, and the line of the block. */
  readonly place: string
  readonly code: string
}

/** The blocks of a text. In a doc comment, each line has the comment's margin. */
export const blocksIn = (file: string, text: string): ReadonlyArray<Snippet> =>
  Array.from(text.matchAll(/^(?<margin>[ \t]*\*? ?)```ts\n(?<code>.*?)^[ \t]*\*? ?```$/gms), ({ groups, index }) => {
    const margin = (groups?.["margin"] ?? "").trimEnd()
    const lines = (groups?.["code"] ?? "").split("\n")
    return {
      place: `${file}:${text.slice(0, index).split("\n").length}`,
      code: lines
        .map((line) => (line.startsWith(margin) ? line.slice(margin.length).replace(/^ /, "") : line))
        .join("\n")
    }
  })

/** Files below a folder, with their paths below the root. */
const filesIn = (folder: string, extension: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(extension))
    .map((file) => join(folder, file))

/** Every block of the sources and of the documents. */
export const snippets = (): ReadonlyArray<Snippet> =>
  ["README.md", ...filesIn("docs", ".md"), ...filesIn("src", ".ts")].flatMap((file) =>
    blocksIn(file, readFileSync(join(root, file), "utf8"))
  )

/** The package that exports a namespace; undefined for other names. */
const packageOf = (name: string, own: ReadonlySet<string>): string | undefined => {
  if (own.has(name)) return "spindle-app-server"
  if (existsSync(join(root, `node_modules/@effect/platform-node/dist/${name}.d.ts`))) return "@effect/platform-node"
  return existsSync(join(root, `node_modules/effect/dist/${name}.d.ts`)) ? "effect" : undefined
}

/** The names that a block declares. They are exported, so that the compiler does not report them as unused. */
const exportsOf = (code: string): string => {
  const names = parse("block.ts", code).body.flatMap((statement) =>
    statement.type.endsWith("Declaration") && !/^(?:Import|Export)/.test(statement.type)
      ? declared(statement).map(([name]) => name)
      : []
  )
  return `export { ${names.filter((name) => name !== "").join(", ")} }`
}

/** A block as a module. A block without imports is a part of a program: it gets the imports of the namespaces that it uses. */
export const moduleOf = ({ code }: Snippet): string => {
  if (/^import /m.test(code)) return `${code}\n${exportsOf(code)}`
  const own = new Set(namespaces())
  const used = new Set(Array.from(code.matchAll(/\b([A-Z]\w*)\./g), ([, name = ""]) => name))
  const imports = Array.from(used).flatMap((name) => {
    const from = packageOf(name, own)
    return from === undefined ? [] : [`import { ${name} } from "${from}"`]
  })
  return [...imports, code, exportsOf(code)].join("\n")
}
