import { rmSync } from "node:fs"
import { defineConfig, type Plugin } from "rolldown"

// Both builds write into one folder, and either may be the first to finish: it is emptied before they begin.
rmSync(new URL("dist", import.meta.url), { recursive: true, force: true })

/**
 * Modules of Node that a start needs little of. Importing one loads all that hangs on it, web cryptography or the
 * promises of files, some milliseconds of a start; asked for like this they are loaded when they are used, if ever.
 */
const lateModules: ReadonlyMap<string, string> = new Map([
  ["node:process", "export default globalThis.process"],
  ["node:crypto", late("node:crypto", "createHash", "randomBytes", "randomUUID", "timingSafeEqual")],
  ["node:url", late("node:url", "fileURLToPath", "pathToFileURL")]
])

function late(module: string, ...functions: ReadonlyArray<string>): string {
  return functions
    .map((name) => `export const ${name} = (...args) => process.getBuiltinModule("${module}").${name}(...args)`)
    .join("\n")
}

/** The first module looks at the Node it runs on, before anything that a too old one does not have. */
const entry = /\/src\/main\.ts$/

const loadLate: Plugin = {
  name: "load-late",
  resolveId: (source, importer) =>
    lateModules.has(source) && importer !== undefined && !entry.test(importer) ? `\0late:${source}` : null,
  load: (id) => (id.startsWith("\0late:") ? lateModules.get(id.slice("\0late:".length)) : null)
}

interface Graph {
  readonly getModuleInfo: (id: string) => { readonly importedIds: ReadonlyArray<string> } | null
}

/** The modules that a module imports, itself included. */
const reachable = (path: string) => {
  const modules = new Set<string>()
  const visit = (graph: Graph, id: string): void => {
    if (modules.has(id)) return
    modules.add(id)
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) visit(graph, imported)
  }
  return (id: string, graph: Graph): boolean => {
    if (modules.size === 0) visit(graph, new URL(path, import.meta.url).pathname)
    return modules.has(id)
  }
}

const isEarly = reachable("src/program/EarlyAnswer.ts")
const isStart = reachable("src/program/Main.ts")

/**
 * What every start loads is two files: one answers `initialize`, the other is the server. Finding and linking another file
 * takes as long as reading it.
 */
const startModules = (id: string, graph: Graph): string | null =>
  entry.test(id) ? null : isEarly(id, graph) ? "early" : isStart(id, graph) ? "start" : null

/** The program carries what it needs and loads the rest on demand; a start reads few and small files. */
const program = defineConfig({
  input: { main: "src/main.ts" },
  platform: "node",
  plugins: [loadLate],
  output: {
    dir: "dist",
    format: "esm",
    minify: true,
    codeSplitting: { groups: [{ debugName: "start", name: startModules }] },
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js"
  }
})

/** The library shares Effect with the program that embeds it: services are found by the identity of their keys. */
const library = defineConfig({
  input: {
    index: "src/index.ts",
    LanguageModelProvider: "src/layers/models/LanguageModelProvider.ts",
    testing: "src/testing/index.ts"
  },
  platform: "node",
  external: [/^effect(\/|$)/, /^@effect\//],
  output: { dir: "dist", format: "esm", entryFileNames: "[name].js", chunkFileNames: "lib/[name]-[hash].js" }
})

export default [program, library]
