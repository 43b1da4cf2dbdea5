import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as ModelServer from "../../support/ModelServer.ts"
import { spindle } from "../../support/Programs.ts"

const timeout = 60_000

interface Check {
  readonly name: string
  readonly status: string
  readonly text: string
}

/** The checks of a home with this configuration, by name; the last one of a name. */
const doctor = (config: string, environment: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const home = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-doctor-" })
    yield* fileSystem.writeFileString(`${home}/config.toml`, config)
    const { code, stdout } = yield* spindle(["doctor", "--json"], {
      environment: { SPINDLE_HOME: home, ...environment }
    })
    const checks: ReadonlyArray<Check> = JSON.parse(stdout)
    return {
      code,
      home,
      stdout,
      checks: Object.fromEntries(checks.map(({ name, status, text }) => [name, [status, text]]))
    }
  })

const provider = (url: string) =>
  `model = "m"\nmodel_provider = "mock"\n[model_providers.mock]\nname = "mock"\nbase_url = "${url}"\nenv_key = "MOCK_KEY"\n`

describe("spindle doctor", () => {
  it.live(
    "finds nothing wrong with a provider that responds and has a key, and does not print the key",
    () =>
      Effect.gen(function* () {
        const { url } = yield* ModelServer.ModelServer
        const { checks, code, home, stdout } = yield* doctor(provider(url), { MOCK_KEY: "secret-key" })
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(checks["home"], ["ok", `${home} (SPINDLE_HOME)`])
        assert.deepStrictEqual(checks["configuration"], ["ok", `${home}/config.toml (user)`])
        assert.deepStrictEqual(checks["model"], ["ok", "m of the provider mock"])
        assert.deepStrictEqual(checks["key"], ["ok", "from the environment variable MOCK_KEY"])
        assert.deepStrictEqual(checks["model server"], ["ok", `${url} responds (status 404)`])
        assert.notInclude(stdout, "secret-key")
      }).pipe(Effect.scoped, Effect.provide([ModelServer.layer, NodeServices.layer])),
    timeout
  )

  it.live(
    "names a missing key, and a server that refuses connections",
    () =>
      Effect.gen(function* () {
        const { checks, code } = yield* doctor(provider("http://127.0.0.1:9/v1?token=secret"))
        assert.strictEqual(code, 1)
        assert.strictEqual(checks["key"]?.[0], "failed")
        assert.include(checks["key"]?.[1], "MOCK_KEY, which is not set")
        assert.deepStrictEqual(checks["model server"], [
          "failed",
          "http://127.0.0.1:9/v1: connect ECONNREFUSED 127.0.0.1:9\n" +
            "Check the server, its address and the network; a proxy is set with HTTPS_PROXY."
        ])
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )

  it.live(
    "warns about a home on a network file system, as the log does",
    () =>
      Effect.gen(function* () {
        // The type number of NFS.
        const fake = `import Fs from "node:fs"; import { syncBuiltinESMExports } from "node:module"
          Fs.statfsSync = () => ({ type: 0x6969 }); syncBuiltinESMExports()`
        const NODE_OPTIONS = `--import=data:text/javascript;base64,${Buffer.from(fake).toString("base64")}`
        const { checks, home } = yield* doctor('model_provider = "offline"', { NODE_OPTIONS })
        const problem = "on a network file system (NFS): locks and flushes may not hold between machines"
        assert.deepStrictEqual(checks["threads"], [
          "warning",
          `stored in ${home}, ${problem}: use a home on a local disk`
        ])
        const { code, stderr } = yield* spindle(["exec", "--offline", "-s", "danger-full-access", "say: hello"], {
          environment: { NODE_OPTIONS }
        })
        assert.strictEqual(code, 0)
        assert.include(stderr, problem)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )

  it.live.skipIf(process.platform !== "linux")(
    "names a home that cannot be written",
    () =>
      Effect.gen(function* () {
        const { stdout } = yield* spindle(["doctor", "--json"], { environment: { SPINDLE_HOME: "/proc/self" } })
        const checks: ReadonlyArray<Check> = JSON.parse(stdout)
        const found = checks.filter(({ name }) => name === "threads")
        const text = "/proc/self cannot be written: turns fail\nMake it writable, or set SPINDLE_HOME."
        assert.deepStrictEqual(found, [{ name: "threads", status: "failed", text }])
      }),
    timeout
  )

  it.live(
    "reports a configuration that is not valid",
    () =>
      Effect.gen(function* () {
        const { checks } = yield* doctor("model = [")
        assert.strictEqual(checks["configuration"]?.[0], "failed")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )
})
