/**
 * The service as a listening child process, with a scripted model.
 *
 * @module
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ModelServer } from "./ModelServer.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

/** A `config.toml` with the model server at the URL, in which commands run without approval. */
export const configuration = (url: string): string => `model = "gpt-5.5"
model_provider = "mock"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.mock]
name = "mock"
base_url = "${url}"
wire_api = "responses"
env_key = "MOCK_KEY"
request_max_retries = 0
stream_max_retries = 0
`

/** How a process ended: with an exit code, or by a signal. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

/** Starts `spindle` with the arguments, and waits for the line with its address. It is killed with the scope. */
export const start = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  options: {
    readonly environment?: Readonly<Record<string, string>>
    readonly until?: RegExp
  } = {}
) {
  const { url } = yield* ModelServer
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-service-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  )
  writeFileSync(join(home, "config.toml"), configuration(url))
  const ended = yield* Deferred.make<Ending>()
  let stderr = ""
  let stdout = ""
  let onWords = () => {}
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=spindle-source", main, ...args], {
        cwd: home,
        env: { PATH: process.env["PATH"] ?? "", HOME: home, SPINDLE_HOME: home, MOCK_KEY: "x", ...options.environment }
      })
    ),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk)
    onWords()
  })
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk)
    onWords()
  })
  child.on("close", (code, signal) => {
    Deferred.doneUnsafe(ended, Exit.succeed({ code, signal }))
    onWords()
  })

  /** Waits for text on stderr or stdout; fails when the process exits without it. */
  const printed = (words: RegExp) =>
    Effect.callback<string>((resume) => {
      onWords = () => {
        const found = words.exec(stderr) ?? words.exec(stdout)
        if (found !== null) resume(Effect.succeed(found[1] ?? found[0]))
        else if (Deferred.isDoneUnsafe(ended))
          resume(Effect.die(new Error(`${String(words)} was never printed: ${stderr}`)))
      }
      onWords()
    })

  const address =
    options.until === undefined ? yield* printed(/listening on: ws:\/\/[^:]+:(\d+)/) : yield* printed(options.until)
  return {
    home,
    /** The port of the WebSocket, or the text that was waited for. */
    address,
    port: Number(address),
    printed,
    stderr: () => stderr,
    stdout: () => stdout,
    stdin: child.stdin,
    /** Closes the other end of stdout. */
    closeStdout: Effect.sync(() => void child.stdout.destroy()),
    /** Stops reading stdout. The returned effect completes when something has been written to it since. */
    stopReading: Effect.sync(() => {
      const written = Deferred.makeUnsafe<void>()
      child.stdout.removeAllListeners("data")
      child.stdout.pause()
      child.stdout.on("readable", () => Deferred.doneUnsafe(written, Exit.void))
      child.once("exit", () => child.stdout.destroy())
      return Deferred.await(written)
    }),
    signal: (name: "SIGINT" | "SIGTERM" | "SIGHUP") => Effect.sync(() => void child.kill(name)),
    ended: Deferred.await(ended)
  }
})
