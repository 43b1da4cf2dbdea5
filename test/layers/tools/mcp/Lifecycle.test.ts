import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { join } from "node:path"
import { IdleTime } from "../../../../src/layers/tools/mcp/ServerPool.ts"
import { ended, fake, folder, isRunning, logOf, makeMcp, processesIn, textOf } from "./McpFixture.ts"

/** Runs the test with a server that the test ends. */
const withServer = Effect.fnUntraced(function* (options: Parameters<typeof makeMcp>[0] = {}) {
  const scope = yield* Scope.make()
  const mcp = yield* Scope.provide(makeMcp(options), scope)
  return { ...mcp, stop: Scope.close(scope, Exit.void) }
})

const limit = 60_000

describe("the processes of MCP servers", () => {
  it.live(
    "are shared by threads with the same configuration, and end with the server",
    () =>
      Effect.gen(function* () {
        const log = join(yield* folder, "log")
        const mcp = yield* withServer()
        for (let count = 0; count < 4; count++) {
          yield* mcp.startThread({ fake: fake({ log }) })
          yield* mcp.state("fake")
        }
        assert.strictEqual(processesIn(log).length, 1)
        // Another configuration is another server.
        yield* mcp.startThread({ fake: fake({ log, instructions: "other" }) })
        yield* mcp.state("fake")
        const pids = processesIn(log)
        assert.strictEqual(pids.length, 2)
        assert.deepStrictEqual(pids.map(isRunning), [true, true])
        yield* mcp.stop
        assert.deepStrictEqual(pids.map(isRunning), [false, false])
      }),
    limit
  )

  it.live(
    "are stopped when no thread has used them for a while",
    () =>
      Effect.gen(function* () {
        const log = join(yield* folder, "log")
        const mcp = yield* makeMcp()
        yield* mcp.startThread({ fake: fake({ log }) })
        yield* mcp.state("fake")
        const [pid = 0] = processesIn(log)
        yield* mcp.threads.stop
        yield* ended(pid)
      }).pipe(Effect.provideService(IdleTime, Duration.millis(100))),
    limit
  )

  it.live(
    "end with their children, also when they ignore the end of their input and SIGTERM",
    () =>
      Effect.gen(function* () {
        const log = join(yield* folder, "log")
        const mcp = yield* withServer()
        yield* mcp.startThread({
          fake: fake({ log, stubborn: true, child: true }),
          other: fake({ log, stubborn: true })
        })
        const ready = new Set<string>()
        while (ready.size < 2) {
          const { name, status } = yield* mcp.client.notified("mcpServer/startupStatus/updated")
          if (status === "ready") ready.add(name)
        }
        const children = logOf(log).flatMap(({ child }) => child ?? [])
        const pids = [...processesIn(log), ...children]
        assert.strictEqual(pids.length, 3)
        const before = Date.now()
        yield* mcp.stop
        // Both at once: they take as long as one.
        assert.isBelow(Date.now() - before, 5000)
        for (const pid of pids) yield* ended(pid)
        const signals = logOf(log).flatMap(({ ended, signal }) => (ended === true ? ["end"] : (signal ?? [])))
        assert.deepStrictEqual(signals.toSorted(), ["SIGTERM", "SIGTERM", "end", "end"])
      }),
    limit
  )

  it.live(
    "are started again when they crash, and the next call works",
    () =>
      Effect.gen(function* () {
        const log = join(yield* folder, "log")
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({ fake: fake({ log }) })
        yield* mcp.startCall(threadId, "die")
        yield* mcp.output
        yield* mcp.startCall(threadId, "echo", { message: "again" })
        assert.deepStrictEqual(textOf(yield* mcp.output), ["Wall time\nOutput:", "Echo: again"])
        assert.strictEqual(processesIn(log).length, 2)
      }),
    limit
  )

  it.live(
    "receive few variables of the environment, and no secrets",
    () =>
      Effect.gen(function* () {
        const log = join(yield* folder, "log")
        const environment = {
          PATH: process.env["PATH"],
          HOME: "/home/ada",
          OPENAI_API_KEY: "secret",
          NAMED: "yes",
          http_proxy: "p"
        }
        const mcp = yield* makeMcp({ environment })
        yield* mcp.startThread({ fake: fake({ log }, { env: { SET: "1" }, env_vars: ["NAMED", "MISSING"] }) })
        yield* mcp.state("fake")
        const { PATH: _, ...env } = logOf(log)[0]?.env ?? {}
        assert.deepStrictEqual(env, { HOME: "/home/ada", NAMED: "yes", SET: "1" })
        assert.strictEqual(logOf(log)[0]?.cwd, mcp.cwd)
      }),
    limit
  )
})

describe("the start of a thread", () => {
  it.live(
    "does not wait for its servers, and says what became of each",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        yield* mcp.startThread({
          absent: { command: "/no/such/program" },
          never: fake({ initialize: null }, { startup_timeout_sec: 0.2 }),
          refused: fake({ refuseInitialize: true }),
          hidden: fake({ hideTools: true }, { startup_timeout_sec: 0.4 }),
          ends: { command: "true" },
          "bad name": { command: "true" },
          off: fake({}, { enabled: false })
        })
        const states = new Map<string, string | null>()
        while (states.size < 6) {
          const { error, name, status } = yield* mcp.client.notified("mcpServer/startupStatus/updated")
          if (status === "failed") states.set(name, error)
        }
        const failed = (name: string, detail: string) =>
          `MCP client for \`${name}\` failed to start: MCP startup failed: ${detail}`
        assert.deepStrictEqual(Object.fromEntries([...states].toSorted()), {
          absent: failed("absent", "No such file or directory (os error 2)"),
          "bad name": failed("bad name", "Invalid MCP server name 'bad name': must match pattern ^[a-zA-Z0-9_:@/.-]+$"),
          ends: failed("ends", "handshaking with MCP server failed: connection closed: initialize response"),
          hidden: failed("hidden", "timed out awaiting tools/list after 400ms"),
          never:
            "MCP client for `never` timed out after 0 seconds. Add or adjust `startup_timeout_sec` in your config.toml:\n[mcp_servers.never]\nstartup_timeout_sec = XX",
          refused: failed("refused", "handshaking with MCP server failed: JSON-RPC error: -32000: not today")
        })
      }),
    limit
  )

  it.live(
    "waits for a required server, and fails without it",
    () =>
      Effect.gen(function* () {
        const log = join(yield* folder, "log")
        const mcp = yield* makeMcp()
        const servers = {
          slow: fake({ initialize: 300 }, { required: true }),
          absent: { command: "/no/such", required: true }
        }
        const error = yield* Effect.flip(mcp.startThread(servers))
        assert.strictEqual(
          "message" in error && error.message,
          "error creating thread: Fatal error: Failed to initialize session: required MCP servers failed to initialize: absent: No such file or directory (os error 2)"
        )
        const threadId = yield* mcp.startThread({ fake: fake({ initialize: 300, log }, { required: true }) })
        assert.isTrue(logOf(log).some(({ received }) => received?.method === "tools/list"))
        assert.strictEqual((yield* mcp.state("fake")).status, "ready")
        assert.isString(threadId)
      }),
    limit
  )
})

describe("the tools of a server", () => {
  it.live(
    "are read again when the server says that they have changed",
    () =>
      Effect.gen(function* () {
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({
          fake: fake({ tools: [{ name: "change" }] }, { default_tools_approval_mode: "approve" })
        })
        yield* mcp.startCall(threadId, "change")
        yield* mcp.output
        const names = Effect.gen(function* () {
          yield* mcp.client.request("turn/start", { threadId, input: [{ type: "text", text: "x" }] })
          const { finish, request } = yield* mcp.model.next
          yield* finish("ok")
          yield* mcp.client.notified("turn/completed")
          return request.tools.map(({ name }) => name)
        })
        const changed: Effect.Effect<unknown, unknown> = Effect.flatMap(names, (all) =>
          all.includes("added_1") ? Effect.void : Effect.delay(changed, "50 millis")
        )
        yield* changed
      }),
    limit
  )

  it.live(
    "are limited by the settings, and named so that a model can call them",
    () =>
      Effect.gen(function* () {
        const named = (...names: ReadonlyArray<string>) => names.map((name) => ({ name }))
        const mcp = yield* makeMcp()
        const threadId = yield* mcp.startThread({
          "a-b": fake({ tools: named("x-y", "x_y", "\u00e4", "z".repeat(80), "twice", "twice"), page: 2 }),
          a_b: fake({ tools: named("x") }),
          c: fake({ tools: named("on", "off", "other") }, { enabled_tools: ["on", "off"], disabled_tools: ["off"] })
        })
        const { tools } = yield* mcp.startCall(threadId, "nothing")
        yield* mcp.output
        const names = tools.flatMap((tool) =>
          tool.type === "function" && tool.namespace !== undefined ? [`${tool.namespace.name}.${tool.name}`] : []
        )
        const plain = names.map((name) => name.replaceAll(/_[0-9a-f]{12}/g, "_#")).toSorted()
        assert.deepStrictEqual(plain, [
          "mcp__a_b_#._",
          "mcp__a_b_#.twice",
          "mcp__a_b_#.x",
          "mcp__a_b_#.x_y_#",
          "mcp__a_b_#.x_y_#",
          `mcp__a_b_#.${"z".repeat(51)}_#`,
          "mcp__c.on"
        ])
        assert.strictEqual(new Set(names).size, names.length)
      }),
    limit
  )
})
