/**
 * The released server's own description of the protocol, printed by its binary.
 *
 * The binary is `CODEX_BIN`, or the npm package in a cache folder (`CONFORMANCE_DIR`, by default below the user's cache), into
 * which it is installed once together with a JSON Schema validator and what other conformance runs need.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"

/** A JSON Schema document (draft 7) as the release prints it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly definitions?: Readonly<Record<string, JsonSchema>>
}

/** A method of one of the released unions. `params` can stand alone: it brings its definitions. */
export interface ReleasedMethod {
  readonly params: JsonSchema
  /** The name of the parameter type, `undefined` for methods without parameters. */
  readonly paramsName: string | undefined
}

/** What a request needs the experimental capability for: itself, or some of its parameters. */
export interface Experimental {
  readonly method: boolean
  readonly fields: ReadonlyArray<string>
}

/** Says what is wrong with a value, or nothing. */
export type Validate = (value: unknown) => string | undefined

const packages = ["@openai/codex@0.169.0", "ajv@8", "ws@8", "@modelcontextprotocol/server-everything"]

const cache = process.env["CONFORMANCE_DIR"] ?? join(homedir(), ".cache", "spindle-conformance")

const install = (): void => {
  if (existsSync(join(cache, "node_modules", "ajv"))) return
  mkdirSync(cache, { recursive: true })
  execFileSync("npm", ["init", "-y"], { cwd: cache, stdio: "ignore" })
  execFileSync("npm", ["install", "--no-audit", "--no-fund", ...packages], { cwd: cache, stdio: "ignore" })
}

/** The released program, installed where it is not given. */
export const binary = (): string => {
  const named = process.env["CODEX_BIN"]
  if (named !== undefined) return named
  install()
  return join(cache, "node_modules", ".bin", "codex")
}

/** Everything, or what a client gets without the experimental capability. */
type Surface = "all" | "stable"

const folders: Readonly<Record<Surface, string>> = { all: "schema", stable: "schema-stable" }

/** Prints the schema with a home folder of its own: the binary would write into the user's. */
const generate = (binary: string, out: string, surface: Surface): void => {
  const home = mkdtempSync(join(tmpdir(), "spindle-conformance-"))
  try {
    const all = surface === "all" ? ["--experimental"] : []
    execFileSync(binary, ["app-server", "generate-json-schema", ...all, "--out", out], {
      env: { ...process.env, CODEX_HOME: home },
      stdio: "ignore"
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

const read = (folder: string): Map<string, JsonSchema> => {
  const documents = new Map<string, JsonSchema>()
  for (const below of [".", "v1", "v2"]) {
    for (const file of readdirSync(join(folder, below))) {
      if (!file.endsWith(".json")) continue
      const text = readFileSync(join(folder, below, file), "utf8")
      documents.set(file.slice(0, -".json".length), JSON.parse(text) as JsonSchema)
    }
  }
  return documents
}

/** All documents by the name of their type. */
const documents = (surface: Surface): Map<string, JsonSchema> => {
  if (process.env["CODEX_BIN"] === undefined) {
    const folder = join(cache, folders[surface])
    if (!existsSync(folder)) generate(binary(), folder, surface)
    return read(folder)
  }
  const folder = mkdtempSync(join(tmpdir(), "spindle-schema-"))
  try {
    generate(binary(), folder, surface)
    return read(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Branch {
  readonly properties: { readonly method: { readonly enum: readonly [string] }; readonly params?: JsonSchema }
}

const methodsOf = (document: JsonSchema): Map<string, ReleasedMethod> => {
  const methods = new Map<string, ReleasedMethod>()
  for (const branch of document["oneOf"] as ReadonlyArray<Branch>) {
    const params = branch.properties.params ?? { type: "null" }
    methods.set(branch.properties.method.enum[0], {
      params: { ...params, definitions: document.definitions ?? {} },
      paramsName: /definitions\/(\w+)/.exec(JSON.stringify(params))?.[1]
    })
  }
  return methods
}

/** The results whose type is not named after the parameters, or that have no parameters to be named after. */
const resultNames: Readonly<Record<string, string>> = {
  "account/gatewayOAuth/cancel": "GatewayOAuthCancelResponse",
  "account/logout": "LogoutAccountResponse",
  "account/securitySetup/read": "GetAccountSecuritySetupResponse",
  "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
  "accountSession/list": "AccountSessionsResponse",
  "config/batchWrite": "ConfigWriteResponse",
  "config/mcpServer/reload": "McpServerRefreshResponse",
  "config/value/write": "ConfigWriteResponse",
  "configRequirements/read": "ConfigRequirementsReadResponse",
  "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
  "memory/reset": "MemoryResetResponse",
  "remoteControl/status/read": "RemoteControlStatusReadResponse",
  "rollout/compress": "RolloutCompressResponse",
  "windowsSandbox/readiness": "WindowsSandboxReadinessResponse"
}

interface AjvError {
  readonly instancePath: string
  readonly message?: string
}
interface AjvFunction {
  (value: unknown): boolean
  readonly errors?: ReadonlyArray<AjvError> | null
}
type Ajv = new (options: object) => { readonly compile: (schema: JsonSchema) => AjvFunction }

const named = (types: ReadonlyMap<string, JsonSchema>, name: string): JsonSchema => {
  const found = types.get(name)
  if (found === undefined) throw new Error(`the release has no type ${name}`)
  return found
}

/** The names of a method's parameters; none for a method without. */
const fieldsOf = (method: ReleasedMethod | undefined): ReadonlyArray<string> => {
  const definition = method?.params.definitions?.[method.paramsName ?? ""]
  return Object.keys((definition?.["properties"] ?? {}) as object)
}

/** The release, ready to be compared with. Installs and generates what is missing, which takes a while the first time. */
export const load = () => {
  install()
  const types = documents("all")
  const stable = documents("stable")
  const document = (name: string): JsonSchema => named(types, name)
  const clientRequests = methodsOf(document("ClientRequest"))
  const serverRequests = methodsOf(document("ServerRequest"))
  const module = createRequire(join(cache, "package.json"))("ajv") as Ajv & { readonly default?: Ajv }
  const ajv = new (module.default ?? module)({ strict: false, validateFormats: false, logger: false })
  return {
    clientRequests,
    serverRequests,
    serverNotifications: methodsOf(document("ServerNotification")),
    /** Which requests need the experimental capability, and which parameters of the others do. */
    experimental: (union: "ClientRequest" | "ServerRequest"): ReadonlyMap<string, Experimental> => {
      const withoutIt = methodsOf(named(stable, union))
      return new Map(
        [...methodsOf(document(union))].map(([name, released]) => {
          const known = new Set(fieldsOf(withoutIt.get(name)))
          const method = !withoutIt.has(name)
          return [name, { method, fields: method ? [] : fieldsOf(released).filter((field) => !known.has(field)) }]
        })
      )
    },
    /** The result of a client or server request. */
    result: (method: string): JsonSchema => {
      const released = clientRequests.get(method) ?? serverRequests.get(method)
      const derived = released?.paramsName?.replace(/^Nullable/, "").replace(/Params$/, "Response")
      return document(resultNames[method] ?? derived ?? method)
    },
    validator: (schema: JsonSchema): Validate => {
      const valid = ajv.compile(schema)
      return (value) =>
        valid(value)
          ? undefined
          : (valid.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.message}`).join("; ")
    }
  }
}

export type Release = ReturnType<typeof load>
