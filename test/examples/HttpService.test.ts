import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

const example = fileURLToPath(new URL("../../examples/http-service.ts", import.meta.url))

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-http-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

/** The example as a process, which is killed with the scope. */
const service = Effect.fnUntraced(function* (home: string) {
  const child: ChildProcess = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=spindle-source", example, "--port", "0"], {
        env: { PATH: process.env["PATH"], HOME: home, SPINDLE_HOME: home },
        stdio: ["ignore", "ignore", "pipe"]
      })
    ),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  let printed = ""
  let onText = () => {}
  child.stderr?.on("data", (chunk) => {
    printed += String(chunk)
    onText()
  })
  /** Waits for the text; returns what the first group matched. */
  return (text: RegExp) =>
    Effect.callback<string>((resume) => {
      onText = () => {
        const found = text.exec(printed)
        if (found !== null) resume(Effect.succeed(found[1] ?? ""))
      }
      onText()
    })
})

/** Starts a turn that does not end, and disconnects when its first event has arrived. */
const startAndLeave = (url: string) =>
  Effect.callback<void>((resume) => {
    const request = Http.request(`${url}/turns`, { method: "POST" }, (response) => {
      response.on("error", () => {})
      response.once("data", () => {
        request.destroy()
        resume(Effect.void)
      })
    })
    request.on("error", () => {})
    request.end(JSON.stringify({ prompt: "wait" }))
  })

describe("the HTTP service", () => {
  it.live(
    "interrupts the turn of a client that disconnects, and serves the next one",
    () =>
      Effect.gen(function* () {
        const printed = yield* service(yield* folder)
        const url = yield* printed(/listening on (\S+)\n/)
        yield* startAndLeave(url)
        assert.strictEqual(yield* printed(/turn: (\w+)\n/), "interrupted")
        const body = JSON.stringify({ prompt: "say: hello" })
        const next = yield* Effect.promise(() => fetch(`${url}/turns`, { method: "POST", body }))
        assert.include(yield* Effect.promise(() => next.text()), '"delta":"hello"')
      }).pipe(Effect.scoped),
    60_000
  )
})
