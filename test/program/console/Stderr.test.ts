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

/** A stream that accepts `room` characters and then blocks. */
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
  it("drops lines while there is no reader, and reports their number with the next line", () => {
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

  it("is opened with the first line, and survives its errors", () => {
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

  it("is settled when everything is written", () => {
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

/** Starts the service with this stderr. Returns the answers by id, and the exit code after the end of its input. */
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
      // If a server ends before it has read everything, its missing answers fail the test.
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

/** Sends many lines that are reported on stderr, followed by a request. */
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
  it.live("is on a full disk continues to serve", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* survives(yield* opened("/dev/full", "w")), ["answered", "answered", 0])
    })
  )

  it.live("is closed continues to serve", () =>
    Effect.gen(function* () {
      const closed = (command: ReadonlyArray<string>) => ["sh", "-c", 'exec "$@" 2>&-', "sh", ...command]
      assert.deepStrictEqual(yield* survives("pipe", closed), ["answered", "answered", 0])
    })
  )

  it.live("has lost its reader continues to serve", () =>
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

  it.live("is never read continues to serve, and exits", () =>
    Effect.gen(function* () {
      // The child's stream stays paused, so it is never read.
      assert.deepStrictEqual(yield* survives("pipe"), ["answered", "answered", 0])
    })
  )

  it.live("opens no debugger on SIGUSR1", () =>
    Effect.gen(function* () {
      const { ask, child, ended } = yield* serve("pipe")
      let stderr = ""
      child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
      yield* ask(initialize)
      child.kill("SIGUSR1")
      // The signal is handled before later input is read.
      yield* ask(list)
      child.stdin?.end()
      assert.strictEqual(yield* ended, 0)
      assert.notInclude(stderr, "Debugger")
    })
  )
})
