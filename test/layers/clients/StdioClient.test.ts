import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as StdioClient from "../../../src/layers/clients/StdioClient.ts"
import { failureOf } from "../../support/Failures.ts"

const who = { clientName: "test", clientVersion: "1" } as const

/** A child that answers initialize with `info` as its home, and runs `reply` for each later message. */
const child = (info: string, reply = ""): string => `
  const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n")
  const lines = require("node:readline").createInterface({ input: process.stdin })
  lines.on("line", (line) => {
    const message = JSON.parse(line)
    if (message.method === "initialize") {
      say({ id: message.id, result: { userAgent: "child/1.2.3", codexHome: String(${info}) } })
    } else if (message.method !== "initialized") {
      ${reply}
    }
  })
`

const start = (script: string, options: Partial<StdioClient.StdioClientOptions> = {}) =>
  StdioClient.make({ ...who, command: [process.execPath, "-e", script], ...options })

const asking = { threadId: "t" }

/** Whether the process exists and is not a zombie. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const over = Effect.provide(NodeServices.layer)

describe("the child", () => {
  it.live("is started with its arguments unchanged, without a shell", () =>
    Effect.gen(function* () {
      const args = ["$HOME", "a b", "`id`", "'", "*"]
      const client = yield* StdioClient.make({
        ...who,
        command: [process.execPath, "-e", child("JSON.stringify(process.argv.slice(1))"), ...args]
      })
      assert.deepStrictEqual([client.serverVersion, client.codexHome], ["1.2.3", JSON.stringify(args)])
    }).pipe(Effect.scoped, over)
  )

  it.live("has the given working directory and variables, in addition to this process's own", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const script = child("[process.cwd(), process.env.GIVEN, process.env.PATH !== undefined]")
      const client = yield* start(script, { cwd, env: { GIVEN: "yes" } })
      assert.strictEqual(client.codexHome, `${cwd},yes,true`)
      const alone = yield* start(script, { cwd, env: { GIVEN: "yes" }, extendEnv: false })
      assert.strictEqual(alone.codexHome, `${cwd},yes,false`)
    }).pipe(Effect.scoped, over)
  )

  it.live("may write any amount to stderr, and its lines are reported", () =>
    Effect.gen(function* () {
      let lines = 0
      const script = `process.stderr.write("reason\\n".repeat(200000), () => {${child("1")}})`
      const client = yield* start(script, { stderr: () => Effect.sync(() => void lines++) })
      assert.strictEqual(client.codexHome, "1")
      yield* client.shutdown
      assert.strictEqual(lines, 200_000)
    }).pipe(Effect.scoped, over)
  )

  it.live("that cannot be started fails permanently", () =>
    Effect.gen(function* () {
      const error = yield* failureOf(StdioClient.make({ ...who, command: ["/no/such/program", "secret"] }))
      assert.strictEqual(error?.reason._tag, "InvalidOptions")
      assert.match(error?.message ?? "", /^failed to connect to remote app server at `\/no\/such\/program`: /)
    }).pipe(Effect.scoped, over)
  )

  it.live("that exits before it has answered initialize fails the connection with its exit code", () =>
    Effect.gen(function* () {
      const error = yield* failureOf(start("process.exit(3)"))
      assert.deepStrictEqual(
        [error?.reason._tag, error?.message],
        ["Unreachable", `remote app server at \`${process.execPath}\` closed the connection (exit code 3)`]
      )
    }).pipe(Effect.scoped, over)
  )

  it.live("exits at the end of its input, without a signal", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "log")
      const script = `
        const log = (word) => require("node:fs").appendFileSync(${JSON.stringify(file)}, word + "\\n")
        process.on("SIGTERM", () => log("signal"))
        process.stdin.on("end", () => { log("end"); setTimeout(() => log("done"), 200) })
        ${child("1")}`
      const client = yield* start(script)
      yield* client.shutdown
      assert.strictEqual(readFileSync(file, "utf8"), "end\ndone\n")
    }).pipe(Effect.scoped, over)
  )

  it.live("and its own children are gone when the scope has closed, even if they ignore signals", () =>
    Effect.gen(function* () {
      const script = `
        process.on("SIGTERM", () => {})
        setInterval(() => {}, 1000)
        const own = require("node:child_process").spawn("sleep", ["1000"], { stdio: "ignore" })
        ${child("process.pid + ' ' + own.pid")}`
      const pids = yield* Effect.scoped(
        Effect.map(start(script, { exitGrace: "10 millis" }), ({ codexHome }) =>
          (codexHome ?? "").split(" ").map(Number)
        )
      )
      assert.deepStrictEqual(pids.map(isAlive), [false, false])
    }).pipe(over)
  )
})

describe("a client of a child", () => {
  const ends = [
    {
      name: "that ends",
      reply: "process.exit(7)",
      kind: "EndOfStream",
      reason: "closed the connection (exit code 7)"
    },
    {
      name: "that sends text that is not JSON",
      reply: `process.stdout.write("panic!\\n")`,
      kind: "ProtocolViolation",
      reason: "sent invalid JSON-RPC: not JSON"
    }
  ]

  for (const { name, reply, kind, reason } of ends) {
    it.live(`${name} fails pending requests with ${kind}, and reports it once [40]`, () =>
      Effect.gen(function* () {
        const client = yield* start(child("1", reply))
        const error = yield* failureOf(client.request("thread/unsubscribe", asking))
        const message = `remote app server at \`${process.execPath}\` ${reason}`
        assert.deepStrictEqual(error?._tag === "TransportError" && [error.reason._tag, error.detail], [kind, message])
        assert.deepStrictEqual(yield* client.nextEvent, Option.some({ _tag: "Disconnected", message }))
        assert.deepStrictEqual(yield* client.nextEvent, Option.none())
        yield* client.shutdown
      }).pipe(Effect.scoped, over)
    )
  }

  it.live("reads lines however they are split, and skips blank ones", () =>
    Effect.gen(function* () {
      const reply = `
        const answer = JSON.stringify({ id: message.id, result: { status: "notLoaded" } })
        process.stdout.write("\\r\\n\\n" + answer.slice(0, 9))
        setTimeout(() => process.stdout.write(answer.slice(9) + "\\r\\n" + '{"method":"thread/closed"'), 5)
        setTimeout(() => process.stdout.write(',"params":{"threadId":"é"}}\\n'), 10)`
      const client = yield* start(child("1", reply))
      assert.deepStrictEqual(yield* client.request("thread/unsubscribe", asking), { status: "notLoaded" })
      assert.deepStrictEqual(
        yield* client.nextEvent,
        Option.some({
          _tag: "ServerNotification",
          notification: { method: "thread/closed", params: { threadId: "é" } }
        })
      )
    }).pipe(Effect.scoped, over)
  )

  it.live("starts it again when it has exited and reconnection is enabled", () =>
    Effect.gen(function* () {
      const client = yield* start(child("process.pid", "process.exit(1)"), { reconnect: { initialDelay: "1 millis" } })
      const asked = yield* Effect.forkChild(failureOf(client.request("thread/unsubscribe", asking)))
      assert.deepStrictEqual(yield* client.nextEvent, Option.some({ _tag: "Reconnected", thread: null }))
      assert.strictEqual((yield* Fiber.join(asked))?._tag, "TransportError")
    }).pipe(Effect.scoped, over)
  )
})
