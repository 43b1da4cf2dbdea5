import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestConsole from "effect/testing/TestConsole"
import * as Logging from "../../src/program/Logging.ts"

/** The stderr of a program that logs one line of each level about a thread. */
const written = Effect.fnUntraced(function* (
  environment: Readonly<Record<string, string>>,
  usual: Logger.Logger<unknown, string> = Logging.plain
) {
  const program = Effect.gen(function* () {
    yield* Effect.logDebug("a detail")
    yield* Effect.logInfo("a fact")
    yield* Effect.logWarning("a doubt")
    yield* Effect.logError("a mistake", Cause.die(new Error("why\nand where")))
  })
  yield* program.pipe(Effect.annotateLogs({ thread: "t" }), Effect.provide(Logging.make(environment, usual)))
  assert.deepStrictEqual(yield* TestConsole.logLines, [])
  return (yield* TestConsole.errorLines).map(String)
})

const lines = ["debug: a detail", "info: a fact", "warning: a doubt"]

describe("Logging", () => {
  it.effect.each([
    [{}, lines.slice(1)],
    [{ SPINDLE_LOG: "" }, lines.slice(1)],
    [{ SPINDLE_LOG: "debug" }, lines],
    [{ SPINDLE_LOG: "DEBUG" }, lines],
    [{ SPINDLE_LOG: "info" }, lines.slice(1)],
    [{ SPINDLE_LOG: "warn" }, lines.slice(2)],
    [{ SPINDLE_LOG: "error" }, []],
    [
      { SPINDLE_LOG: "loud" },
      ["warning: SPINDLE_LOG must be one of debug, info, warn, error; using info", ...lines.slice(1)]
    ]
  ] as const)("with %j logs that level and more severe ones, on stderr", ([environment, lines]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* written(environment)).slice(0, -1), lines)
    })
  )

  it.effect("shortens errors to one line in plain format", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* written({ SPINDLE_LOG: "error" })).slice(0, 1), ["error: a mistake (Error: why)"])
    })
  )

  it.effect("annotates lines in logfmt", () =>
    Effect.gen(function* () {
      const [line] = yield* written({}, Logger.formatLogFmt)
      assert.match(line ?? "", /^timestamp=\S+ level=INFO fiber=\S+ message="a fact" thread=t$/)
    })
  )

  it.effect("logs JSON objects, one per line, on request", () =>
    Effect.gen(function* () {
      const lines = yield* written({ LOG_FORMAT: "json" })
      const parsed = lines.map((line): Record<string, unknown> => JSON.parse(line))
      assert.deepStrictEqual(
        parsed.map(({ annotations, level, message }) => ({ annotations, level, message })).slice(0, 2),
        [
          { annotations: { thread: "t" }, level: "INFO", message: "a fact" },
          { annotations: { thread: "t" }, level: "WARN", message: "a doubt" }
        ]
      )
      assert.isTrue(lines.every((line) => !line.includes("\n")))
    })
  )
})
