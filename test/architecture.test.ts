import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const source = fileURLToPath(new URL("../src", import.meta.url))

/** The layers, each with those that it may import in addition to itself. */
const rooms: Readonly<Record<string, ReadonlyArray<string>>> = {
  main: ["program"],
  index: ["layers", "services", "protocol"],
  program: ["layers", "services", "protocol"],
  layers: ["services", "protocol"],
  services: ["protocol"],
  promise: ["layers", "services", "protocol"],
  testing: ["services", "protocol"],
  protocol: []
}

/** The ports with several adapters; an adapter is everything below `layers/<port>s/`. */
const ports = new Set(["clients", "files", "models", "sandboxes", "stores", "tools", "transports"])

/**
 * The folders of `services`, each with those that it may import in addition to itself. The table has no cycle. The client
 * SDK imports the outgoing queue and its messages, never the engine.
 */
const concepts: Readonly<Record<string, ReadonlyArray<string>>> = {
  decoding: [],
  network: [],
  file: [],
  config: ["decoding"],
  skill: ["config"],
  sandbox: [],
  observability: [],
  account: ["config"],
  tool: ["config"],
  hook: ["config"],
  model: ["config", "tool"],
  routing: ["observability"],
  client: ["observability", "routing"],
  mcp: ["config", "tool"],
  thread: ["config", "hook", "mcp", "model", "observability", "routing", "tool"],
  connection: ["client", "config", "decoding", "mcp", "observability", "routing", "thread", "tool"]
}

/** The files of `protocol` that combine the resources. */
const tables = new Set(["Methods.ts", "Protocol.ts", "ReleasedRequests.ts", "ReleasedTable.ts", "UnservedRequests.ts"])

/**
 * The parts of `protocol`, each with those that it may import. The files outside of folders define the vocabulary of
 * declarations.
 */
const protocolParts: Readonly<Record<string, ReadonlyArray<string>>> = {
  jsonrpc: [],
  words: [],
  extensions: ["jsonrpc"],
  v2: ["words", "jsonrpc"],
  tables: ["v2", "words", "jsonrpc"]
}

/** What the client SDK may import of `services/routing`. */
const sharedWithClients = new Set(["services/routing/OutboundMessage.ts", "services/routing/TieredQueue.ts"])

const MaxLines = 400

interface File {
  /** Below `src`. */
  readonly path: string
  readonly text: string
  readonly imports: ReadonlyArray<string>
}

const importsIn = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*"([^"]+)"/gm), ([, specifier = ""]) => specifier)

const files: ReadonlyArray<File> = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => {
    const text = readFileSync(join(source, path), "utf8")
    return { path, text, imports: importsIn(text) }
  })

/** Relative imports, as paths below `src`. */
const neighbours = (file: File): ReadonlyArray<string> =>
  file.imports
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => relative(source, join(source, dirname(file.path), specifier)))

const roomOf = (path: string): string => (path.split("/")[0] ?? "").replace(/\.ts$/, "")

const portOf = (path: string): string | undefined => {
  const [room, port = ""] = path.split("/")
  return room === "layers" && ports.has(port) ? port : undefined
}

/** `file -> forbidden import`, for every violation. */
const offences = (isOffence: (from: string, to: string) => boolean): ReadonlyArray<string> =>
  files.flatMap((file) =>
    neighbours(file)
      .filter((to) => isOffence(file.path, to))
      .map((to) => `${file.path} -> ${to}`)
  )

describe("the source", () => {
  it("is parsed, including its imports", () => {
    assert.isAbove(files.length, 100)
    assert.include(neighbours({ path: "a/b.ts", text: "", imports: ["../c/d.ts", "effect/Effect"] }), "c/d.ts")
    assert.deepStrictEqual(importsIn('import "a"\nimport { b } from "b"\nexport * from "c"\nawait import("d")'), [
      "a",
      "b",
      "c",
      "d"
    ])
  })

  it("has only the known layers", () => {
    assert.deepStrictEqual(Array.from(new Set(files.map(({ path }) => roomOf(path)))).sort(), Object.keys(rooms).sort())
  })

  it("has dependencies in one direction: main, program, layers, services, protocol", () => {
    assert.deepStrictEqual(
      offences((from, to) => roomOf(from) !== roomOf(to) && !rooms[roomOf(from)]?.includes(roomOf(to))),
      []
    )
  })

  it("has a protocol of envelope, resources and tables, with dependencies in one direction", () => {
    const partOf = (path: string) => {
      const [room, folder = "", resource] = path.split("/")
      if (room !== "protocol") return undefined
      return resource === undefined ? (tables.has(folder) ? "tables" : "words") : folder
    }
    assert.deepStrictEqual(
      offences((from, to) => {
        const [part, other] = [partOf(from), partOf(to)]
        return part !== undefined && other !== undefined && part !== other && !protocolParts[part]?.includes(other)
      }),
      []
    )
  })

  it("has a folder in services for every concept, and no file outside of folders", () => {
    const folders = files
      .filter(({ path }) => path.startsWith("services/"))
      .map(({ path }) => path.split("/").slice(1, -1)[0] ?? path)
    assert.deepStrictEqual(Array.from(new Set(folders)).sort(), Object.keys(concepts).sort())
  })

  it("has folders of services that import only the allowed ones, without a cycle", () => {
    const conceptOf = (path: string) => (path.startsWith("services/") ? (path.split("/")[1] ?? "") : undefined)
    assert.deepStrictEqual(
      offences((from, to) => {
        const [concept, other] = [conceptOf(from), conceptOf(to)]
        if (concept === undefined || other === undefined || concept === other) return false
        return !concepts[concept]?.includes(other)
      }),
      []
    )
    const below = (concept: string): ReadonlyArray<string> =>
      (concepts[concept] ?? []).flatMap((other) => [other, ...below(other)])
    assert.deepStrictEqual(
      Object.keys(concepts).filter((concept) => below(concept).includes(concept)),
      []
    )
  })

  it("has a client SDK that imports the outgoing queue and its messages, and nothing else of the engine", () => {
    assert.deepStrictEqual(
      offences(
        (from, to) =>
          from.startsWith("services/client/") && to.startsWith("services/routing/") && !sharedWithClients.has(to)
      ),
      []
    )
  })

  it("has no import cycle", () => {
    const state = new Map<string, "open" | "done">()
    const cycles: Array<string> = []
    const visit = (path: string, trail: ReadonlyArray<string>): void => {
      const file = files.find((one) => one.path === path)
      if (file === undefined || state.get(path) === "done") return
      if (state.get(path) === "open") {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "))
        return
      }
      state.set(path, "open")
      for (const next of neighbours(file)) visit(next, [...trail, path])
      state.set(path, "done")
    }
    for (const { path } of files) visit(path, [])
    assert.deepStrictEqual(cycles, [])
  })

  it("has adapters that do not import adapters of another port", () => {
    assert.deepStrictEqual(
      offences((from, to) => {
        const [port, other] = [portOf(from), portOf(to)]
        return port !== undefined && other !== undefined && port !== other
      }),
      []
    )
  })

  it("imports Effect module by module", () => {
    const barrels = files.flatMap(({ imports, path }) =>
      imports
        .filter((specifier) => /^(?:effect|@effect\/[\w-]+)$/.test(specifier))
        .map((specifier) => `${path} -> ${specifier}`)
    )
    assert.deepStrictEqual(barrels, [])
  })

  it("has files of limited length", () => {
    const long = files
      .map(({ path, text }) => ({ path, lines: text.split("\n").length }))
      .filter(({ lines }) => lines > MaxLines)
    assert.deepStrictEqual(long, [])
  })

  it("describes every file in its header", () => {
    const silent = files
      .filter(({ text }) => !/^(?:#!.*\n)?\/\*\*[\s\S]*?@module(?: spindle-app-server\S*)?\s+\*\//.test(text))
      .map(({ path }) => path)
    assert.deepStrictEqual(silent, [])
  })

  /** The modules that importing `path` loads, Effect's and Node's among them. */
  const loadedBy = (path: string): ReadonlySet<string> => {
    const loaded = new Set<string>()
    const visit = (path: string): void => {
      if (loaded.has(path)) return
      loaded.add(path)
      const file = files.find((one) => one.path === path)
      if (file === undefined) return
      // Dynamic imports are loaded when they are called; type imports are not loaded.
      const text = file.text.replaceAll(/\bimport\(|^(?:import|export) type [^"]*"[^"]*"/gm, "")
      const now: File = { ...file, text, imports: importsIn(text) }
      for (const name of now.imports.filter((specifier) => !specifier.startsWith("."))) loaded.add(name)
      neighbours(now).forEach(visit)
    }
    visit(path)
    return loaded
  }

  it("does not load the command-line parser, an HTTP client or effect/ai to serve standard input and output", () => {
    const loaded = Array.from(loadedBy("program/Main.ts"))
    assert.deepStrictEqual(
      loaded.filter((name) => /^effect\/(?:ai|cli|http)\b/.test(name)),
      []
    )
    assert.isAbove(loaded.length, 50)
  })

  it("does not load requests that are not served, for standard input and output or for sockets", () => {
    for (const path of ["program/Main.ts", "program/ServeSockets.ts"]) {
      const loaded = loadedBy(path)
      assert.deepStrictEqual(
        Array.from(loaded).filter((name) => /Unserved|ReleasedTable/.test(name)),
        []
      )
      assert.isTrue(loaded.has("protocol/Methods.ts"))
    }
  })

  it("does not load an HTTP server of Effect's to listen for WebSockets", () => {
    const loaded = Array.from(loadedBy("program/ServeSockets.ts"))
    assert.deepStrictEqual(
      loaded.filter((name) => /^effect\/http\b|NodeHttp/.test(name)),
      []
    )
    assert.include(loaded, "layers/transports/HttpUpgrade.ts")
  })

  it("answers initialize with Node's own modules and a few of its own", () => {
    const loaded = Array.from(loadedBy("program/EarlyAnswer.ts"))
    assert.deepStrictEqual(
      loaded.filter((name) => !name.startsWith("node:") && !name.endsWith(".ts")),
      []
    )
    assert.isBelow(loaded.length, 20)
  })
})
