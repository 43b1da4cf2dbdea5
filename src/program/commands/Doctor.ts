/**
 * `spindle doctor`: checks what a turn needs, from Node to the model server, without asking the model.
 *
 * Every check is independent: one that fails does not hide the others. Secrets are never printed, only where they were found.
 *
 * @module
 */
import process from "node:process"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as References from "effect/References"
import * as Result from "effect/Result"
import type { AppServerOptions } from "../../layers/AppServerOptions.ts"
import * as Server from "../../layers/Server.ts"
import * as PlatformSandbox from "../../layers/sandboxes/Platform.ts"
import * as Rollouts from "../../layers/stores/Rollouts.ts"
import { networkAdvice, networkAt } from "../../layers/stores/rollouts/FileSystemType.ts"
import * as InProcessClient from "../../layers/clients/InProcessClient.ts"
import { findHome, machine } from "../../layers/MachineInfo.ts"
import { connectionError } from "../../layers/models/responses/ConnectionError.ts"
import type { ResultOf } from "../../protocol/Methods.ts"
import { AppServerClient } from "../../services/client/AppServerClient.ts"
import * as Auth from "../../services/account/Auth.ts"
import { Config, type ModelProviderInfo, offlineProvider } from "../../services/config/Config.ts"
import { ProtocolRelease, Version } from "../../services/config/ServerIdentity.ts"
import type { SmallFiles } from "../../services/config/SmallFiles.ts"
import { Sandbox } from "../../services/sandbox/Sandbox.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { plain } from "../console/ShownText.ts"
import { TerminalConsole } from "../console/Console.ts"

export interface Check {
  readonly name: string
  readonly status: "ok" | "warning" | "failed"
  /** What was found. Further lines say what to do. */
  readonly text: string
}

/** How long the model server may take to respond to the probe. */
const ProbeTimeout = "5 seconds"

const ok = (name: string, text: string): Check => ({ name, status: "ok", text })
const warning = (name: string, text: string): Check => ({ name, status: "warning", text })
const failed = (name: string, text: string): Check => ({ name, status: "failed", text })

const program = (): ReadonlyArray<Check> => {
  const home = findHome(process.env)
  return [
    ok("spindle", `${Version}, protocol of Codex ${ProtocolRelease}, ${machine().platform}`),
    ok("node", process.versions.node),
    ok("home", `${home.path} (${home.origin})`)
  ]
}

type LayerName = NonNullable<ResultOf<"config/read">["layers"]>[number]["name"]

/** The file of a layer, and whose it is. */
const fileOf = (name: LayerName, path: Path.Path): ReadonlyArray<readonly [file: string, origin: string]> => {
  if ("file" in name) return [[name.file, "profile" in name && name.profile != null ? "profile" : name.type]]
  return "dotCodexFolder" in name ? [[path.join(name.dotCodexFolder, "config.toml"), name.type]] : []
}

/** The configuration files that were read, and what is wrong with them. */
const configuration = Effect.gen(function* () {
  const config = yield* Config
  const client = yield* AppServerClient
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { layers } = yield* client.request("config/read", { includeLayers: true, cwd: process.cwd() })
  const named = (layers ?? []).flatMap(({ name }) => fileOf(name, path))
  // A layer also exists for a file that does not.
  const files = yield* Effect.filter(named, ([file]) => Effect.orElseSucceed(fileSystem.exists(file), () => false))
  const shown = files.map(([file, origin]) => `${file} (${origin})`).join(", ")
  return [
    ok("configuration", shown === "" ? "no files: `spindle config init` writes one" : shown),
    ...config.warnings.map(({ details, summary }) =>
      warning("configuration", details === null ? summary : `${summary} ${details}`)
    )
  ]
})

/** The error of the socket, or the kind of failure: the message of a client's error has the URL, where secrets may be. */
const causeOf = (error: HttpClientError | Cause.TimeoutError): string =>
  connectionError(error)?.text ?? (error._tag === "TimeoutError" ? error.message : error.reason._tag)

/** The URL without user, password and query, where secrets may be. */
const shownUrl = (url: string): string => {
  const parsed = URL.parse(url)
  return parsed === null ? "(not a URL)" : `${parsed.origin}${parsed.pathname}`
}

const auth = () => Auth.layer({ home: findHome(process.env).path, environment: process.env, allowApiKeyEnv: true })

/** Whether the model server responds at all; the status does not matter. */
const reachable = Effect.fnUntraced(function* ({ baseUrl }: ModelProviderInfo) {
  const { httpClient } = yield* Effect.promise(() => import("../../layers/models/ResponsesNode.ts"))
  const probe = Effect.flatMap(HttpClient.HttpClient, (client) => client.execute(HttpClientRequest.get(baseUrl)))
  return yield* probe.pipe(
    Effect.timeout(ProbeTimeout),
    Effect.scoped,
    Effect.provide(Layer.provide(httpClient, auth())),
    Effect.match({
      onSuccess: ({ status }) => ok("model server", `${shownUrl(baseUrl)} responds (status ${status})`),
      onFailure: (error) =>
        failed(
          "model server",
          `${shownUrl(baseUrl)}: ${causeOf(error)}\nCheck the server, its address and the network; a proxy is set with HTTPS_PROXY.`
        )
    })
  )
})

/** Where the key is from, or why there is none. */
const credential = Effect.fnUntraced(
  function* (provider: ModelProviderInfo) {
    const { of } = yield* Effect.promise(() => import("../../layers/models/responses/Credentials.ts"))
    const services = yield* Auth.Auth
    const found = yield* Effect.result(of(services, yield* Config, provider))
    if (Result.isFailure(found)) return [failed("key", found.failure.error.details ?? found.failure.error.message)]
    const { origin } = found.success
    if (origin === null) {
      return [ok("key", `none is sent to the provider ${provider.id}; env_key names the variable of one`)]
    }
    const unusable = provider.requiresOpenaiAuth ? yield* services.unusable ?? Effect.succeed(null) : null
    return [
      ok("key", `from ${origin}`),
      ...(unusable === null ? [] : [warning("key", `${unusable.file} ${unusable.problem}: it is not used`)])
    ]
  },
  Effect.provide(Layer.suspend(auth))
)

/** The model, its key, and its server. */
const model = Effect.gen(function* () {
  const config = yield* Config
  const client = yield* AppServerClient
  const threads = yield* Threads
  const started = yield* client.request("thread/start", { ephemeral: true })
  const { providers } = yield* config.effective({ cwd: null, overrides: {} })
  const { model, modelProvider } = started
  const provider = modelProvider === offlineProvider ? undefined : providers[modelProvider]
  const ready = yield* Effect.result(threads.find(started.thread.id)?.ready ?? Effect.void)
  const checks =
    provider !== undefined
      ? [...(yield* credential(provider)), yield* reachable(provider)]
      : [
          Result.isFailure(ready)
            ? failed("key", ready.failure.details ?? ready.failure.message)
            : ok("key", "none is needed")
        ]
  const store = (yield* threads.volatile)
    ? warning("threads", "in memory: they end with the process, so `exec resume` finds none")
    : yield* stored(config.home)
  return [ok("model", `${model} of the provider ${modelProvider}`), ...checks, store]
})

/** Whether threads can be written to the home, and whether locks and flushes hold there. */
const stored = Effect.fnUntraced(function* (home: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const isWritable = yield* Effect.isSuccess(fileSystem.access(home, { writable: true }))
  // A home that does not exist is made with the first thread.
  if (!isWritable && (yield* Effect.orElseSucceed(fileSystem.exists(home), () => true))) {
    return failed("threads", `${home} cannot be written: turns fail\nMake it writable, or set SPINDLE_HOME.`)
  }
  const network = networkAt(home)
  return network === undefined
    ? ok("threads", `stored in ${home}`)
    : warning("threads", `stored in ${home}, on a network file system (${network}): ${networkAdvice}`)
})

/** What confines commands, and why a sandbox is not used. */
const sandbox = (options: AppServerOptions) =>
  Effect.gen(function* () {
    const { findings, used } = yield* (yield* Sandbox).report
    const detail = findings.find(({ name }) => name === used)?.detail
    const others = findings.filter(({ name }) => name !== used)
    const notes = others.map(({ detail, name }) => `\n${name} is not used: ${detail}`).join("")
    return [
      used === "none"
        ? warning("sandbox", `none: commands that sandbox_mode would confine need approval${notes}`)
        : ok("sandbox", `${used}${detail === undefined ? "" : `: ${detail}`}${notes}`)
    ]
  }).pipe(
    // The result is printed, so it is not logged.
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provide(options.sandbox ?? PlatformSandbox.configured({ environment: process.env }))
  )

/** The checks that need a server; a server that cannot start is one failed check. */
const served = (options: AppServerOptions) => {
  const client = InProcessClient.layer({ clientName: "spindle-doctor", clientVersion: Version, ownsServer: true })
  const server = client.pipe(
    Layer.provideMerge(Server.layer({ sessionSource: "exec", store: Rollouts.layer, ...options }))
  )
  const section = <E extends { readonly message: string }, R>(
    name: string,
    checks: Effect.Effect<ReadonlyArray<Check>, E, R>
  ) => Effect.catch(checks, (error) => Effect.succeed([failed(name, error.message)]))
  return Effect.all([section("configuration", configuration), section("model", model), sandbox(options)]).pipe(
    Effect.map((checks) => checks.flat()),
    Effect.provide(server),
    Effect.catch((error) => Effect.succeed([failed("configuration", error.message)]))
  )
}

const marks = { ok: ["green", "ok"], warning: ["yellow", "warning"], failed: ["red", "failed"] } as const

/** Runs the checks and prints them. The exit code is 1 when one failed. */
export const run = (
  options: AppServerOptions,
  { json }: { readonly json: boolean }
): Effect.Effect<number, never, FileSystem.FileSystem | Path.Path | SmallFiles | TerminalConsole> =>
  Effect.gen(function* () {
    const { flush, out } = yield* TerminalConsole
    const checks = [...program(), ...(yield* served(options))]
    const line = ({ name, status, text }: Check): string => {
      const [style, mark] = marks[status]
      return `${out.paint(style, mark.padEnd(8))}${name.padEnd(15)}${plain(text).replaceAll("\n", `\n${" ".repeat(23)}`)}\n`
    }
    yield* out.write(json ? `${JSON.stringify(checks, null, 2)}\n` : checks.map(line).join(""))
    yield* flush
    return checks.some(({ status }) => status === "failed") ? 1 : 0
  })
