import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { nameOf } from "../../support/Server.ts"
import { invalid, paramsOf } from "../../support/Threads.ts"
import { pipes } from "../tools/TestShell.ts"
import { base64, deltaOf, setUp, shows } from "./Processes.ts"

type Params = Omit<ParamsInputOf<"process/spawn">, "cwd" | "processHandle">

/** A server, and processes with the handle `h` of its client. */
const spawning = Effect.gen(function* () {
  const server = yield* setUp()
  const { client, cwd } = server
  const spawn = (params: Params) => client.request("process/spawn", { processHandle: "h", cwd, ...params })
  return { ...server, spawn, exited: client.notified("process/exited") }
})

const exit = (fields: object) => ({
  processHandle: "h",
  exitCode: 0,
  outputDrainTimedOut: false,
  stdout: "",
  stdoutCapReached: false,
  stderr: "",
  stderrCapReached: false,
  ...fields
})

describe("process/spawn", () => {
  it.effect("is answered at the start; the collected output comes with the end", () =>
    Effect.gen(function* () {
      const { exited, spawn } = yield* spawning
      assert.deepStrictEqual(yield* spawn({ command: ["sh", "-c", "echo out; echo err >&2; exit 3"] }), {})
      assert.deepStrictEqual<unknown>(yield* exited, exit({ exitCode: 3, stdout: "out\n", stderr: "err\n" }))
      yield* spawn({ command: ["sh", "-c", "echo 1234567"], outputBytesCap: 5 })
      assert.deepStrictEqual<unknown>(yield* exited, exit({ stdout: "12345", stdoutCapReached: true }))
    })
  )

  it.effect("streams the output in front of the end, which comes once", () =>
    Effect.gen(function* () {
      const { client, spawn } = yield* spawning
      yield* spawn({ command: ["sh", "-c", "echo out"], streamStdoutStderr: true })
      const events = yield* client.until((event) => nameOf(event) === "process/exited")
      assert.deepStrictEqual(
        events.flatMap((event) => (deltaOf(event) === undefined ? [] : [deltaOf(event)])),
        [["stdout", "out\n", false]]
      )
      assert.deepStrictEqual<unknown>(paramsOf(events.at(-1)), exit({}))
    })
  )

  it.effect("takes input, and frees the handle with the end", () =>
    Effect.gen(function* () {
      const { client, exited, spawn } = yield* spawning
      for (const text of ["one", "two"]) {
        yield* spawn({ command: ["cat"], streamStdin: true })
        const params = { processHandle: "h", deltaBase64: base64(text), closeStdin: true }
        assert.deepStrictEqual(yield* client.request("process/writeStdin", params), {})
        assert.deepStrictEqual<unknown>(yield* exited, exit({ stdout: text }))
      }
    })
  )

  it.effect("is killed by its handle, after 10 seconds, after its time limit, or never", () =>
    Effect.gen(function* () {
      const { client, exited, spawn } = yield* spawning
      yield* spawn({ command: ["sleep", "1000"] })
      assert.deepStrictEqual(yield* client.request("process/kill", { processHandle: "h" }), {})
      assert.deepStrictEqual<unknown>(yield* exited, exit({ exitCode: 137 }))
      for (const [limit, timeoutMs] of [
        [10_000, undefined],
        [300, 300]
      ] as const) {
        yield* spawn({ command: ["sleep", "1000"], ...(timeoutMs === undefined ? {} : { timeoutMs }) })
        yield* TestClock.adjust(limit)
        assert.deepStrictEqual<unknown>(yield* exited, exit({ exitCode: 124 }))
      }
      yield* spawn({ command: ["sh", "-c", "echo ready; sleep 1000"], timeoutMs: null, streamStdoutStderr: true })
      yield* shows(client, "ready")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* client.request("process/kill", { processHandle: "h" }), {})
      assert.deepStrictEqual<unknown>(yield* exited, exit({ exitCode: 137 }))
    })
  )

  it.live("has a terminal with a size that changes", () =>
    Effect.gen(function* () {
      const { client, spawn } = yield* spawning
      yield* spawn({ command: ["sh", "-c", "stty size; read x; stty size"], tty: true, size: { rows: 3, cols: 4 } })
      yield* shows(client, "3 4\r\n")
      yield* client.request("process/resizePty", { processHandle: "h", size: { rows: 5, cols: 6 } })
      yield* client.request("process/writeStdin", { processHandle: "h", deltaBase64: base64("\n") })
      yield* shows(client, "5 6\r\n")
      assert.deepStrictEqual<unknown>(yield* client.notified("process/exited"), exit({}))
    })
  )

  it.effect("reports that another process held the output", () =>
    Effect.gen(function* () {
      const { client, exited, spawn } = yield* spawning
      const { closed, cwd } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      const script = `exec 9> '${cwd}/p'; sleep 1000 & echo x`
      yield* spawn({ command: ["sh", "-c", script], streamStdoutStderr: true })
      yield* shows(client, "x")
      const pass = Effect.andThen(
        TestClock.adjust("100 millis"),
        Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      )
      const ended = yield* Effect.raceFirst(exited, Effect.forever(pass))
      assert.deepStrictEqual<unknown>(ended, exit({ outputDrainTimedOut: true }))
      yield* Fiber.join(gone)
    })
  )

  const outOfRange = (message: string) => new RequestError({ code: -32602, message })
  const refused: ReadonlyArray<readonly [string, Partial<ParamsInputOf<"process/spawn">>, RequestError]> = [
    ["no program", { command: [] }, invalid("command must not be empty")],
    ["an empty handle", { processHandle: "" }, invalid("processHandle must not be empty")],
    ["a used handle", { processHandle: "used" }, invalid('duplicate active process handle: "used"')],
    [
      "a missing program",
      { command: ["nosuch_zz"] },
      new RequestError({
        code: -32603,
        message: "failed to spawn process: No such file or directory (os error 2)"
      })
    ],
    ["a negative limit", { timeoutMs: -1 }, outOfRange("process/spawn timeoutMs must be non-negative, got -1")],
    ["a size without a terminal", { size: { rows: 1, cols: 1 } }, outOfRange("process/spawn size requires tty: true")],
    [
      "a size of 0",
      { tty: true, size: { rows: 0, cols: 1 } },
      outOfRange("process size rows and cols must be greater than 0")
    ]
  ]
  it.effect.each(refused)("refuses %s", ([, params, error]) =>
    Effect.gen(function* () {
      const { client, cwd } = yield* spawning
      yield* client.request("process/spawn", { command: ["sleep", "1000"], processHandle: "used", cwd })
      const all = { command: ["true"], processHandle: "h", cwd, ...params }
      assert.deepStrictEqual(yield* Effect.flip(client.request("process/spawn", all)), error)
    })
  )

  it.effect("does not know the ids of command/exec", () =>
    Effect.gen(function* () {
      const { client, spawn } = yield* spawning
      yield* spawn({ command: ["sleep", "1000"] })
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("command/exec/terminate", { processId: "h" })),
        invalid('no active command/exec for process id "h"')
      )
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("process/kill", { processHandle: "nope" })),
        invalid('no active process for process handle "nope"')
      )
    })
  )
})
