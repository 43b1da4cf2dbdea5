import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as ModelServer from "../../support/ModelServer.ts"
import { spindle } from "../../support/Programs.ts"

const timeout = 60_000

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))

describe("the exit code of exec is", () => {
  it.live.each([
    [0, "for a turn that completed", ["--offline", "say: hi"]],
    [1, "for a turn that failed", ["--offline", "fail: no"]],
    [1, "without a key", ["hi"]],
    [1, "for an invalid configuration", ["--offline", "-c", "approval_policy=sometimes", "hi"]],
    [1, "for a thread that is not stored", ["--offline", "resume", "--last", "hi"]],
    [2, "for an invalid command line", ["--nonsense"]],
    [2, "without a prompt", ["--offline"]],
    [2, "for a file that cannot be written", ["--offline", "-o", "/", "say: hi"]]
  ] as const)(
    "%d %s",
    ([code, , args]) => Effect.map(spindle(["exec", ...args]), (ran) => assert.strictEqual(ran.code, code)),
    timeout
  )

  it.live.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "130 when %s interrupts the turn, which is reported",
    (signal) =>
      Effect.gen(function* () {
        const server = yield* ModelServer.ModelServer
        const fileSystem = yield* FileSystem.FileSystem
        const home = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-exit-" })
        const config = `model_provider = "mock"\n[model_providers.mock]\nname = "mock"\nbase_url = "${server.url}"\n`
        yield* fileSystem.writeFileString(`${home}/config.toml`, config)
        const child = spawn(process.execPath, ["--conditions=spindle-source", main, "exec", "hi"], {
          stdio: ["ignore", "ignore", "pipe"],
          env: { PATH: process.env["PATH"] ?? "", HOME: home, SPINDLE_HOME: home }
        })
        const texts: Array<string> = []
        child.stderr.on("data", (chunk: Buffer) => texts.push(chunk.toString()))
        const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
        const asked = yield* server.next
        child.kill(signal)
        yield* asked.closed
        assert.strictEqual(yield* Effect.promise(() => ended), 130)
        assert.include(texts.join(""), "\nInterrupted.\n")
      }).pipe(Effect.scoped, Effect.provide([ModelServer.layer, NodeServices.layer])),
    timeout
  )
})
