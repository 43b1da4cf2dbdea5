import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { pipes } from "../layers/tools/TestShell.ts"
import * as ModelServer from "../support/ModelServer.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** Runs the program in `cwd`, its home, until it ends. Returns the signal that ended it. */
const exec = (cwd: string, environment: Readonly<Record<string, string>>) =>
  Effect.callback<NodeJS.Signals | null>((resume) => {
    const child = spawn(
      process.execPath,
      ["--conditions=spindle-source", main, "exec", "--sandbox", "danger-full-access", "go"],
      { cwd, stdio: "ignore", env: { PATH: process.env["PATH"], HOME: cwd, SPINDLE_HOME: cwd, ...environment } }
    )
    child.once("exit", (_, signal) => resume(Effect.succeed(signal)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** A home for the program, with pipes that its commands keep open. */
const home = (options: { readonly ignoreExcludes: boolean }) =>
  Effect.gen(function* () {
    const { url } = yield* ModelServer.ModelServer
    const found = yield* pipes("p", "q")
    Fs.writeFileSync(
      Path.join(found.cwd, "config.toml"),
      `model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "${url}"
env_key = "OWN_PASS"
[shell_environment_policy]
ignore_default_excludes = ${options.ignoreExcludes}
`
    )
    return found
  })

describe("a program that is killed", () => {
  it.live(
    "ends its commands too, and did not pass them its API key",
    () =>
      Effect.gen(function* () {
        const { cwd, closed } = yield* home({ ignoreExcludes: true })
        const gone = yield* Effect.forkChild(Effect.all([closed("p"), closed("q")], { concurrency: 2 }))
        const program = yield* Effect.forkChild(exec(cwd, { OWN_PASS: "secret", MY_TOKEN: "token" }))
        // The parent of a command is the server. The command kills the server once everything runs.
        yield* ModelServer.run(
          "c1",
          `env > seen
(trap '' TERM HUP INT; exec 9> p; : > one; sleep 1000; sleep 1000) &
(exec 9> q; : > two; sleep 1000 & sleep 1000) &
until [ -e one ] && [ -e two ]; do :; done
kill -9 $PPID; sleep 1000`
        )
        assert.strictEqual(yield* Fiber.join(program), "SIGKILL")
        yield* Fiber.join(gone)
        const seen = Fs.readFileSync(Path.join(cwd, "seen"), "utf8")
        assert.match(seen, /^MY_TOKEN=token$/m)
        assert.notInclude(seen, "secret")
      }).pipe(Effect.provide(ModelServer.layer)),
    30_000
  )
})

// Other systems have no way to find such a process.
describe.skipIf(process.platform !== "linux")("a program that receives a signal", () => {
  it.live(
    "ends processes that left the process group of their command",
    () =>
      Effect.gen(function* () {
        const { cwd, closed } = yield* home({ ignoreExcludes: false })
        const gone = yield* Effect.forkChild(Effect.all([closed("p"), closed("q")], { concurrency: 2 }))
        const program = yield* Effect.forkChild(exec(cwd, { OWN_PASS: "secret" }))
        yield* ModelServer.run(
          "c1",
          `setsid sh -c 'exec 9> p; : > one; exec > /dev/null; sleep 1000' &
bash -c 'set -m; (exec 9> q; : > two; sleep 1000) & sleep 1000' > /dev/null 2>&1 &
until [ -e one ] && [ -e two ]; do :; done
kill -TERM $PPID; sleep 1000`
        )
        yield* Fiber.join(program)
        yield* Fiber.join(gone)
      }).pipe(Effect.provide(ModelServer.layer)),
    30_000
  )
})
