import { spawn, type StdioOptions } from "node:child_process"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stderr from "../../../src/program/console/Stderr.ts"

/** A stream that takes `room` characters and then keeps the rest back. */
const target = () => {
  const written: Array<string> = []
  const waiting: Array<() => void> = []
  const listeners: Array<(error: Error) => void> = []
  const stream = {
    writableLength: 0,
    write: (text: string, done?: (error?: Error | null) => void) => {
      written.push(text)
      stream.writableLength += text.length
      waiting.push(() => done?.())
      return false
    },
    on: (_event: "error", listener: (error: Error) => void) => listeners.push(listener)
  }
  return {
    stream,
    written,
    listeners,
    read: () => {
      stream.writableLength = 0
      waiting.splice(0).forEach((done) => done())
    }
  }
}

describe("standard error", () => {
  it("drops lines while nobody reads, and says how many with the next that is written", () => {
    const { read, stream, written } = target()
    const { line } = Stderr.make(() => stream)
    const half = "x".repeat(Stderr.MaxBacklog / 2 - 1)
    for (const text of [half, half, "lost", "lost too"]) line(text)
    read()
    line("next")
    line("after")
    assert.deepStrictEqual(written, [
      `${half}\n`,
      `${half}\n`,
      "2 log line(s) dropped: standard error was not read\nnext\n",
      "after\n"
    ])
  })

  it("is opened with the first line, and then outlives its errors", () => {
    const { listeners, stream } = target()
    let opened = 0
    const { line, settled } = Stderr.make(() => {
      opened++
      return stream
    })
    let calls = 0
    settled(() => calls++)
    assert.deepStrictEqual([opened, calls], [0, 1])
    line("one")
    line("two")
    assert.deepStrictEqual([opened, listeners.length], [1, 1])
  })

  it("is settled when what was written is written", () => {
    const { read, stream } = target()
    const { line, settled } = Stderr.make(() => stream)
    line("one")
    let isSettled = false
    settled(() => (isSettled = true))
    assert.isFalse(isSettled)
    read()
    assert.isTrue(isSettled)
  })
})

const program = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))
const initialize = { id: 0, method: "initialize", params: { clientInfo: { name: "t", version: "1" } } }

/** Starts the service with this stderr; answers by id, and how it ended once its input has. */
const serve = (
  stderr: number | "pipe",
  wrap: (command: ReadonlyArray<string>) => ReadonlyArray<string> = (all) => all
) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const home = Fs.mkdtempSync(join(tmpdir(), "spindle-stderr-"))
      const [command = "", ...args] = wrap([process.execPath, "--conditions=spindle-source", program])
      const stdio: StdioOptions = ["pipe", "pipe", stderr]
      const child = spawn(command, args, {
        stdio,
        env: { PATH: process.env["PATH"], HOME: home, SPINDLE_HOME: home, SPINDLE_LOG: "debug" }
      })
      // A server that ends before it has read everything fails its test by what it did not answer.
      child.stdin?.on("error", () => undefined)
      const answers = new Map<number, () => void>()
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on("line", (line) => {
          const message: unknown = JSON.parse(line)
          if (typeof message === "object" && message !== null && "id" in message) answers.get(Number(message.id))?.()
        })
      }
      const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
        child.once("exit", (code, signal) => resolve(code ?? signal))
      })
      const ask = (message: { readonly id: number; readonly method: string; readonly params: unknown }) =>
        Effect.raceFirst(
          Effect.promise(() => {
            const answered = new Promise<string>((resolve) => answers.set(message.id, () => resolve("answered")))
            child.stdin?.write(`${JSON.stringify(message)}\n`)
            return answered
          }),
          Effect.promise(() => ended)
        )
      return { child, home, ask, ended: Effect.promise(() => ended) }
    }),
    ({ child, home }) =>
      Effect.sync(() => {
        child.kill("SIGKILL")
        Fs.rmSync(home, { recursive: true, force: true })
      })
  )

const list = { id: 1, method: "thread/loaded/list", params: {} }

/** Many lines that are reported on stderr, with a request behind them. */
const survives = Effect.fnUntraced(function* (...parameters: Parameters<typeof serve>) {
  const { ask, child, ended } = yield* serve(...parameters)
  const first = yield* ask(initialize)
  child.stdin?.write(`not a message ${"x".repeat(300)}\n`.repeat(3000))
  const second = yield* ask(list)
  child.stdin?.end()
  return [first, second, yield* ended]
})

const opened = (path: string, flags: string | number) =>
  Effect.acquireRelease(
    Effect.sync(() => Fs.openSync(path, flags)),
    (descriptor) => Effect.sync(() => Fs.closeSync(descriptor))
  )

describe.skipIf(process.platform !== "linux")("a service whose stderr", () => {
  it.live("is on a full disk serves on", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* survives(yield* opened("/dev/full", "w")), ["answered", "answered", 0])
    })
  )

  it.live("is closed serves on", () =>
    Effect.gen(function* () {
      const closed = (command: ReadonlyArray<string>) => ["sh", "-c", 'exec "$@" 2>&-', "sh", ...command]
      assert.deepStrictEqual(yield* survives("pipe", closed), ["answered", "answered", 0])
    })
  )

  it.live("has a reader that has gone serves on", () =>
    Effect.gen(function* () {
      const gone = (command: ReadonlyArray<string>) => [
        "sh",
        "-c",
        '{ "$@" 2>&1 >&3 3>&- | true; } 3>&1',
        "sh",
        ...command
      ]
      assert.deepStrictEqual(yield* survives("pipe", gone), ["answered", "answered", 0])
    })
  )

  it.live("is never read serves on, and ends", () =>
    Effect.gen(function* () {
      // The stream of the child stays paused: nobody reads.
      assert.deepStrictEqual(yield* survives("pipe"), ["answered", "answered", 0])
    })
  )

  it.live("is asked for a debugger opens none", () =>
    Effect.gen(function* () {
      const { ask, child, ended } = yield* serve("pipe")
      let said = ""
      child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()))
      yield* ask(initialize)
      child.kill("SIGUSR1")
      // The signal is handled before what is read after it.
      yield* ask(list)
      child.stdin?.end()
      assert.strictEqual(yield* ended, 0)
      assert.notInclude(said, "Debugger")
    })
  )
})
