import { chmodSync, rmSync } from "node:fs"
import { defineConfig, type Plugin } from "rolldown"
import { licenses } from "./scripts/Licenses.ts"

// Both builds write to one folder and may finish in any order, so it is emptied before they begin.
rmSync(new URL("dist", import.meta.url), { recursive: true, force: true })

/**
 * Node modules of which a start needs little. An import also loads their dependencies, such as web cryptography or the
 * promises of files, which takes a few milliseconds. With these replacements they are loaded on first use.
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

/** The first module checks the Node version before anything that an old Node does not support. */
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
 * Every start loads two files: one answers `initialize`, the other is the server. Each further file would cost as much to
 * find and link as to read.
 */
const startModules = (id: string, graph: Graph): string | null =>
  entry.test(id) ? null : isEarly(id, graph) ? "early" : isStart(id, graph) ? "start" : null

/**
 * Writes characters outside ASCII as escapes. V8 keeps a file with a single character outside Latin-1 in memory as two bytes per
 * character, which doubles what the files of a start take. An escape means the same in strings, templates and regular
 * expressions; only the raw text of a tagged template would differ.
 */
const asciiOnly: Plugin = {
  name: "ascii-only",
  generateBundle: (_options, bundle) => {
    for (const file of Object.values(bundle)) {
      if (file.type !== "chunk") continue
      file.code = file.code.replace(
        /[\u0080-\uffff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
      )
    }
  }
}

/** A package manager makes the program executable when it installs it; a checkout needs it too. */
const executable: Plugin = {
  name: "executable",
  writeBundle: () => chmodSync(new URL("dist/main.js", import.meta.url), 0o755)
}

const validators = "@modelcontextprotocol/client/_shims"

/**
 * The client of MCP brings a validator of JSON Schema for the structured results of tools. Spindle passes results on as the
 * server sent them, so the validator would be a third of the client for nothing.
 */
const noValidator: Plugin = {
  name: "no-validator",
  resolveId: (source) => (source === validators ? `\0${validators}` : null),
  load: (id) =>
    id === `\0${validators}`
      ? `export const CORS_IS_POSSIBLE = false
export class DefaultJsonSchemaValidator { getValidator() { return (data) => ({ valid: true, data, errorMessage: undefined }) } }`
      : null
}

/**
 * The program bundles its dependencies: it imports no package, and a start reads few and small files. The rest is loaded on
 * demand.
 */
const program = defineConfig({
  // An optional dependency with a native part.
  external: ["koffi"],
  input: { main: "src/main.ts" },
  platform: "node",
  plugins: [loadLate, noValidator, asciiOnly, licenses("THIRD-PARTY-LICENSES.txt"), executable],
  output: {
    dir: "dist",
    format: "esm",
    minify: true,
    codeSplitting: { groups: [{ debugName: "start", name: startModules }] },
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js"
  }
})

/**
 * The library shares Effect with the embedding program, as peer dependencies: the types of two copies do not match. It
 * contains its other dependencies, which are also in the program.
 */
const library = defineConfig({
  input: {
    index: "src/index.ts",
    LanguageModelProvider: "src/layers/models/LanguageModelProvider.ts",
    Toolkits: "src/layers/tools/Toolkits.ts",
    promise: "src/promise/index.ts",
    testing: "src/testing/index.ts"
  },
  platform: "node",
  plugins: [noValidator],
  external: [/^effect(\/|$)/, /^@effect\//, "koffi"],
  output: { dir: "dist", format: "esm", entryFileNames: "[name].js", chunkFileNames: "lib/[name]-[hash].js" }
})

export default [program, library]
