/**
 * The emitted type declarations of the library, and which of their names a user can import.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Emits the declarations into a folder, as the build does. */
export const emit = (folder: string): void => {
  const compiler = join(root, "node_modules/typescript/bin/tsc")
  execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", folder], { cwd: root })
}

/** An import or export from another file of the library. */
interface Edge {
  readonly kind: "export" | "import"
  /** Below the folder of declarations. */
  readonly from: string
  /** The imported names; for a namespace, the used members. */
  readonly names: ReadonlyArray<string>
  /** `export *`, with or without a name. */
  readonly isStar: boolean
}

interface Declarations {
  readonly edges: ReadonlyArray<Edge>
  /** Names exported here that other files declare. */
  readonly exported: ReadonlySet<string>
}

const clause =
  /^\s*(?<kind>import|export)\s+(?:type\s+)?(?:(?<star>\*(?:\s+as\s+(?<as>\w+))?)|\{(?<names>[^}]*)\})\s+from\s+"(?<from>\.[^"]+)"/gm

/** The original names of `A, type B, C as D`. */
const namesIn = (list: string): ReadonlyArray<string> =>
  list
    .split(",")
    .map((name) => name.trim().replace(/^type\s+/, ""))
    .map((name) => name.split(/\s+as\s+/)[0] ?? "")
    .filter((name) => name !== "")

const read = (folder: string, file: string): Declarations => {
  const text = readFileSync(join(folder, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
  const resolve = (specifier: string): string =>
    relative(folder, join(folder, dirname(file), specifier)).replace(/\.[jt]s$/, ".d.ts")
  const body = text.replaceAll(clause, "")
  const edges: Array<Edge> = []
  for (const { groups = {} } of text.matchAll(clause)) {
    const { as, from = "", kind, names = "", star } = groups
    const members = Array.from(body.matchAll(new RegExp(`\\b${as}\\.(\\w+)`, "g")), ([, member = ""]) => member)
    edges.push({
      kind: kind === "export" ? "export" : "import",
      from: resolve(from),
      names: star === undefined ? namesIn(names) : kind === "import" ? members : [],
      isStar: star !== undefined && kind === "export"
    })
  }
  for (const [, from = "", name = ""] of text.matchAll(/import\("(\.[^"]+)"\)\.(\w+)/g)) {
    edges.push({ kind: "import", from: resolve(from), names: [name], isStar: false })
  }
  const exported = Array.from(text.matchAll(/^export\s+(?:type\s+)?\{([^}]*)\}(?:;|\s*$)/gm), ([, list = ""]) =>
    namesIn(list)
  )
  return { edges, exported: new Set(exported.flat()) }
}

/** `file name`, for each name in a public declaration that no entry point exports. */
export const unnameable = (folder: string, entries: ReadonlyArray<string>): ReadonlyArray<string> => {
  const open = new Map<string, Declarations>()
  const named = new Set<string>()
  const visit = (file: string): void => {
    if (open.has(file)) return
    const declarations = read(folder, file)
    open.set(file, declarations)
    for (const { from, isStar, kind } of declarations.edges) if (kind === "export" && isStar) visit(from)
  }
  entries.forEach(visit)
  for (const { edges, exported } of open.values()) {
    for (const { from, kind, names } of edges) {
      for (const name of names) if (kind === "export" || exported.has(name)) named.add(`${from} ${name}`)
    }
  }
  const used = Array.from(open.values(), ({ edges }) => edges)
    .flat()
    .filter(({ from, kind }) => kind === "import" && !open.has(from))
    .flatMap(({ from, names }) => names.map((name) => `${from} ${name}`))
  return Array.from(new Set(used.filter((name) => !named.has(name)))).sort()
}
