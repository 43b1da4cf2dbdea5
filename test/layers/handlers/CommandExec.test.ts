import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import * as None from "../../../src/layers/sandboxes/None.ts"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import { MaxProcesses, MaxUnreadInput } from "../../../src/layers/handlers/processes/ProcessTable.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { invalid } from "../../support/Threads.ts"
import { pipes } from "../tools/TestShell.ts"
import { base64, deltaOf, setUp, shows } from "./Processes.ts"

type Params = ParamsInputOf<"command/exec">

const outOfRange = (message: string) => new RequestError({ code: -32602, message })
const internal = (message: string) => new RequestError({ code: -32603, message })

/** The result of a command. */
const run = (params: Params) => Effect.flatMap(setUp(), ({ client }) => client.request("command/exec", params))

const shell = (script: string, more: Partial<Params> = {}): Params => ({ command: ["sh", "-c", script], ...more })

describe("command/exec", () => {
  it.effect("returns both outputs and the exit status", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* run(shell("echo out; echo err >&2; exit 7")), {
        exitCode: 7,
        stdout: "out\n",
        stderr: "err\n"
      })
      assert.deepStrictEqual(yield* run(shell("kill -9 $$")), { exitCode: 137, stdout: "", stderr: "" })
      assert.deepStrictEqual(yield* run({ command: ["cat"] }), { exitCode: 0, stdout: "", stderr: "" })
    })
  )

  it.effect("runs in the folder of the server, or in another one", () =>
    Effect.gen(function* () {
      const { client, cwd } = yield* setUp()
      Fs.mkdirSync(Path.join(cwd, "sub"))
      const pwd = (folder?: string) =>
        Effect.map(
          client.request("command/exec", { command: ["pwd"], ...(folder === undefined ? {} : { cwd: folder }) }),
          ({ stdout }) => stdout
        )
      assert.deepStrictEqual(
        [yield* pwd(), yield* pwd("sub"), yield* pwd(Path.join(cwd, "sub"))],
        [`${cwd}\n`, `${cwd}/sub\n`, `${cwd}/sub\n`]
      )
    })
  )

  it.effect("has the environment of the policy, with the client's changes", () =>
    Effect.gen(function* () {
      const script = 'echo "$MY_TOKEN-$OPENAI_API_KEY-$PLAIN-$GIVEN-$GIVEN_TOKEN"'
      const given = { GIVEN: "given", GIVEN_TOKEN: "also", PLAIN: null }
      assert.strictEqual((yield* run(shell(script))).stdout, "--plain--\n")
      assert.strictEqual((yield* run(shell(script, { env: given }))).stdout, "---given-also\n")
    })
  )

  it.effect.runIf(process.platform === "linux")("has streams that can be opened by their paths", () =>
    Effect.gen(function* () {
      const script = "echo err > /dev/stderr; echo out | tee /dev/stdout"
      assert.deepStrictEqual(yield* run(shell(script)), { exitCode: 0, stdout: "out\nout\n", stderr: "err\n" })
    })
  )

  const refused: ReadonlyArray<readonly [string, Params, RequestError]> = [
    ["no program", { command: [] }, invalid("command must not be empty")],
    ["an empty name", { command: [""] }, internal("failed to spawn command: missing program for pipe spawn")],
    [
      "a program that does not exist",
      { command: ["nosuch_zz"] },
      internal("failed to spawn command: No such file or directory (os error 2)")
    ],
    [
      "a program that does not exist, in a terminal",
      { command: ["nosuch_zz"], tty: true, processId: "p" },
      internal("failed to spawn command: No such file or directory (os error 2)")
    ],
    ["a folder", { command: ["/"] }, internal("failed to spawn command: Permission denied (os error 13)")],
    [
      "a file that is not executable",
      { command: ["/etc/passwd"] },
      internal("failed to spawn command: Permission denied (os error 13)")
    ],
    [
      "a missing working folder",
      { command: ["pwd"], cwd: "/no/such" },
      internal("failed to spawn command: No such file or directory (os error 2)")
    ],
    [
      "a working folder that is a file",
      { command: ["pwd"], cwd: "/etc/passwd" },
      internal("failed to spawn command: Not a directory (os error 20)")
    ],
    [
      "a NUL in an argument",
      { command: ["echo", "a\0b"] },
      internal("failed to spawn command: nul byte found in provided data")
    ],
    [
      "an argument that is too long",
      { command: ["echo", "x".repeat(200_000)] },
      internal("failed to spawn command: Argument list too long (os error 7)")
    ],
    [
      "a negative time limit",
      { command: ["true"], timeoutMs: -1 },
      outOfRange("command/exec timeoutMs must be non-negative, got -1")
    ],
    [
      "two time limits",
      { command: ["true"], timeoutMs: 5, disableTimeout: true },
      outOfRange("command/exec cannot set both timeoutMs and disableTimeout")
    ],
    [
      "two caps",
      { command: ["true"], outputBytesCap: 5, disableOutputCap: true },
      outOfRange("command/exec cannot set both outputBytesCap and disableOutputCap")
    ],
    [
      "streaming without an id",
      { command: ["true"], streamStdoutStderr: true },
      invalid("command/exec tty or streaming requires a client-supplied processId")
    ],
    [
      "input without an id",
      { command: ["true"], streamStdin: true },
      invalid("command/exec tty or streaming requires a client-supplied processId")
    ],
    [
      "a terminal without an id",
      { command: ["true"], tty: true },
      invalid("command/exec tty or streaming requires a client-supplied processId")
    ],
    [
      "a size without a terminal",
      { command: ["true"], size: { rows: 1, cols: 1 } },
      outOfRange("command/exec size requires tty: true")
    ],
    [
      "a size of 0",
      { command: ["true"], processId: "p", tty: true, size: { rows: 0, cols: 1 } },
      outOfRange("command/exec size rows and cols must be greater than 0")
    ],
    [
      "two policies",
      { command: ["true"], sandboxPolicy: { type: "dangerFullAccess" }, permissionProfile: ":read-only" },
      invalid("`permissionProfile` cannot be combined with `sandboxPolicy`")
    ],
    [
      "an unknown profile",
      { command: ["true"], permissionProfile: "nope" },
      invalid("invalid permission profile: default_permissions requires a `[permissions]` table")
    ],
    [
      "an unknown built-in profile",
      { command: ["true"], permissionProfile: ":nope" },
      invalid("invalid permission profile: default_permissions refers to unknown built-in profile `:nope`")
    ]
  ]
  it.effect.each(refused)("refuses %s", ([, params, error]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Effect.flip(run(params)), error)
    })
  )

  it.effect("refuses a command that the machine cannot confine", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp({ sandbox: None.layer })
      const error = yield* Effect.flip(
        client.request("command/exec", { command: ["true"], permissionProfile: ":read-only" })
      )
      assert.match(String(error), /failed to spawn command: no sandbox is available for the policy readOnly/)
    })
  )

  it.effect("ends a command with its group after 10 seconds, or after its time limit", () =>
    Effect.gen(function* () {
      for (const [limit, timeoutMs] of [
        [10_000, undefined],
        [300, 300]
      ] as const) {
        const { client } = yield* setUp()
        const { closed, cwd } = yield* pipes("p")
        const gone = yield* Effect.forkChild(closed("p"))
        const script = "trap '' TERM; exec 9> p; sleep 1000 & echo ready; sleep 1000"
        const more = {
          cwd,
          processId: "p",
          streamStdoutStderr: true,
          ...(timeoutMs === undefined ? {} : { timeoutMs })
        }
        const running = yield* Effect.forkChild(client.request("command/exec", shell(script, more)))
        yield* shows(client, "ready")
        yield* TestClock.adjust(limit)
        assert.deepStrictEqual(yield* Fiber.join(running), { exitCode: 124, stdout: "", stderr: "" })
        yield* Fiber.join(gone)
      }
    })
  )

  it.effect("kills what its command left behind, and waits 2 seconds for the output", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      const running = yield* Effect.forkChild(
        client.request(
          "command/exec",
          shell("sleep 1000 & echo x", { processId: "p", streamStdoutStderr: true, disableTimeout: true })
        )
      )
      yield* shows(client, "x")
      // The clock stands still until the command has exited: its sleeping child holds the output.
      yield* Effect.raceFirst(Fiber.join(running), Effect.forever(Effect.andThen(TestClock.adjust(100), tick)))
      assert.deepStrictEqual(yield* Fiber.join(running), { exitCode: 0, stdout: "", stderr: "" })
    })
  )
})

const tick = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

describe("the output of command/exec", () => {
  it.effect("is cut at the cap of each stream, 1 MiB by default", () =>
    Effect.gen(function* () {
      const both = "printf 1234567 >&2; printf 1234567"
      assert.deepStrictEqual(yield* run(shell(both, { outputBytesCap: 5 })), {
        exitCode: 0,
        stdout: "12345",
        stderr: "12345"
      })
      const big = "head -c 3000000 /dev/zero | tr '\\0' x"
      assert.strictEqual((yield* run(shell(big))).stdout.length, 1_048_576)
      assert.strictEqual((yield* run(shell(big, { disableOutputCap: true }))).stdout.length, 3_000_000)
      assert.strictEqual((yield* run(shell(both, { outputBytesCap: 0 }))).stdout, "")
    })
  )

  it.effect("is streamed in order, up to the cap, before the response, and is not repeated", () =>
    Effect.gen(function* () {
      const { client, cwd } = yield* setUp()
      const request = client.request(
        "command/exec",
        shell("printf 123; head -c 1000000 /dev/zero | tr '\\0' x; echo end", {
          cwd,
          processId: "p",
          streamStdoutStderr: true,
          outputBytesCap: 200_000
        })
      )
      const running = yield* Effect.forkChild(request)
      const events = yield* client.until((event) => deltaOf(event)?.[2] === true)
      const deltas = events.flatMap((event) => deltaOf(event) ?? [])
      const text = deltas.filter((part) => typeof part === "string" && part !== "stdout").join("")
      assert.strictEqual(text, `123${"x".repeat(199_997)}`)
      assert.deepStrictEqual(yield* Fiber.join(running), { exitCode: 0, stdout: "", stderr: "" })
    })
  )
})

describe("the input of command/exec", () => {
  it.effect("is written in order, also right behind the request, and ended", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      const running = yield* Effect.forkChild(
        client.request("command/exec", { command: ["cat"], processId: "p", streamStdin: true }),
        { startImmediately: true }
      )
      const write = (text: string, closeStdin: boolean) =>
        client.request("command/exec/write", { processId: "p", deltaBase64: base64(text), closeStdin })
      const first = yield* Effect.forkChild(write("one\n", false), { startImmediately: true })
      const second = yield* Effect.forkChild(write("two\n", true), { startImmediately: true })
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [{}, {}])
      assert.deepStrictEqual(yield* Fiber.join(running), { exitCode: 0, stdout: "one\ntwo\n", stderr: "" })
    })
  )

  it.effect("is bounded while the command does not read", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      const running = yield* Effect.forkChild(
        client.request("command/exec", { command: ["sleep", "1000"], processId: "p", streamStdin: true }),
        { startImmediately: true }
      )
      const deltaBase64 = Buffer.alloc(MaxUnreadInput).toString("base64")
      const write = client.request("command/exec/write", { processId: "p", deltaBase64 })
      assert.deepStrictEqual(yield* write, {})
      assert.deepStrictEqual(
        yield* Effect.flip(write),
        invalid(
          `stdin is full: the process has not read ${MaxUnreadInput} bytes, and at most ${MaxUnreadInput} are kept`
        )
      )
      yield* client.request("command/exec/terminate", { processId: "p" })
      assert.strictEqual((yield* Fiber.join(running)).exitCode, 137)
    })
  )

  const unusable = [
    ["an unknown id", { processId: "q", deltaBase64: "" }, invalid('no active command/exec for process id "q"')],
    [
      "a command without input",
      { processId: "p", deltaBase64: "" },
      invalid("stdin streaming is not enabled for this command/exec")
    ],
    ["no text", { processId: "p" }, outOfRange("command/exec/write requires deltaBase64 or closeStdin")],
    [
      "text that is not base64",
      { processId: "p", deltaBase64: "!!!notbase64" },
      outOfRange("invalid deltaBase64: Invalid symbol 33, offset 0.")
    ]
  ] as const
  it.effect.each(unusable)("is refused: %s", ([, params, error]) =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      yield* Effect.forkChild(client.request("command/exec", { command: ["sleep", "1000"], processId: "p" }), {
        startImmediately: true
      })
      assert.deepStrictEqual(yield* Effect.flip(client.request("command/exec/write", params)), error)
    })
  )

  it.effect("that has been ended takes no more", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      yield* Effect.forkChild(
        client.request("command/exec", { command: ["sleep", "1000"], processId: "p", streamStdin: true }),
        { startImmediately: true }
      )
      const close = client.request("command/exec/write", { processId: "p", closeStdin: true })
      assert.deepStrictEqual([yield* close, yield* close], [{}, {}])
      const write = client.request("command/exec/write", { processId: "p", deltaBase64: "" })
      assert.deepStrictEqual(yield* Effect.flip(write), invalid("stdin is already closed"))
    })
  )
})

describe("a command/exec in a terminal", () => {
  it.live("has its size and streams everything on stdout", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      const size = { rows: 33, cols: 99 }
      const running = yield* Effect.forkChild(
        client.request(
          "command/exec",
          shell("stty size; read x; stty size; echo err >&2", { processId: "p", tty: true, size })
        )
      )
      assert.strictEqual(yield* shows(client, "99\r\n"), "33 99\r\n")
      yield* client.request("command/exec/resize", { processId: "p", size: { rows: 44, cols: 111 } })
      yield* client.request("command/exec/write", { processId: "p", deltaBase64: base64("\n") })
      yield* shows(client, "44 111\r\nerr\r\n")
      assert.deepStrictEqual(yield* Fiber.join(running), { exitCode: 0, stdout: "", stderr: "" })
    })
  )

  it.live("gets the end of its input, and a new size only when it has a terminal", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      const running = yield* Effect.forkChild(
        client.request("command/exec", shell("stty -echo; echo ready; cat; echo end", { processId: "p", tty: true }))
      )
      yield* shows(client, "ready")
      yield* client.request("command/exec/write", { processId: "p", deltaBase64: base64("abc"), closeStdin: true })
      yield* shows(client, "abc\r\nend\r\n")
      assert.strictEqual((yield* Fiber.join(running)).exitCode, 0)
      yield* Effect.forkChild(client.request("command/exec", { command: ["sleep", "1000"], processId: "q" }), {
        startImmediately: true
      })
      const resize = client.request("command/exec/resize", { processId: "q", size: { rows: 1, cols: 1 } })
      assert.deepStrictEqual(
        yield* Effect.flip(resize),
        invalid("failed to resize PTY: process is not attached to a PTY")
      )
    })
  )
})

describe("the ids of command/exec", () => {
  it.effect("are unique on a connection, free after the end, and unknown to other connections", () =>
    Effect.gen(function* () {
      const { client, connect } = yield* setUp()
      const other = yield* connect({ capabilities: { experimentalApi: true } })
      const start = (who: typeof client) =>
        Effect.forkChild(who.request("command/exec", { command: ["sleep", "1000"], processId: "p" }), {
          startImmediately: true
        })
      const running = yield* start(client)
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("command/exec", { command: ["true"], processId: "p" })),
        invalid('duplicate active command/exec process id: "p"')
      )
      assert.deepStrictEqual(
        yield* Effect.flip(other.request("command/exec/terminate", { processId: "p" })),
        invalid('no active command/exec for process id "p"')
      )
      yield* start(other)
      assert.deepStrictEqual(yield* other.request("command/exec/terminate", { processId: "p" }), {})
      assert.isUndefined(running.pollUnsafe())
      assert.deepStrictEqual(yield* client.request("command/exec/terminate", { processId: "p" }), {})
      assert.deepStrictEqual(yield* Fiber.join(running), { exitCode: 137, stdout: "", stderr: "" })
      assert.strictEqual((yield* client.request("command/exec", { command: ["true"], processId: "p" })).exitCode, 0)
    })
  )

  it.effect("are limited, and so are commands without one", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      yield* Effect.forEach(
        Array.from({ length: MaxProcesses }),
        () =>
          Effect.forkChild(client.request("command/exec", { command: ["sleep", "1000"] }), { startImmediately: true }),
        { discard: true }
      )
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("command/exec", { command: ["true"] })),
        invalid(`this connection runs ${MaxProcesses} processes; wait for one to end, or end one`)
      )
    })
  )

  it.effect("end with their connection, also processes that left their group", () =>
    Effect.gen(function* () {
      const { connect } = yield* setUp()
      const { closed, cwd } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      const client = yield* connect({ capabilities: { experimentalApi: true } })
      const script =
        process.platform === "linux"
          ? "setsid sh -c 'exec 9> p; echo ready; sleep 1000' & wait"
          : "exec 9> p; echo ready; sleep 1000"
      yield* Effect.forkChild(
        client.request("command/exec", shell(script, { cwd, processId: "p", streamStdoutStderr: true }))
      )
      yield* shows(client, "ready")
      yield* client.handle.shutdown
      yield* Fiber.join(gone)
    })
  )
})

describe("the requirements", () => {
  it.effect("limit the policy of a command, and forbid processes without a sandbox", () =>
    Effect.gen(function* () {
      const { client, cwd } = yield* setUp({
        cliOverrides: [],
        cloudRequirements: Effect.succeed({ allowed_sandbox_modes: ["read-only"] })
      })
      const free = { sandboxPolicy: { type: "dangerFullAccess" } } as const
      const problem = /`sandbox_mode`: `DangerFullAccess` is not in the allowed set/
      assert.match(String(yield* Effect.flip(client.request("command/exec", { command: ["true"], ...free }))), problem)
      const spawn = client.request("process/spawn", { command: ["true"], processHandle: "p", cwd })
      assert.match(String(yield* Effect.flip(spawn)), problem)
    })
  )
})
