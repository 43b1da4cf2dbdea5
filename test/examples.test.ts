import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "./support/Programs.ts"

const timeout = 60_000

describe("examples", () => {
  it.live(
    "embed: a command line runs a turn in its own process, approves its command and prints the events",
    () =>
      Effect.gen(function* () {
        const ran = yield* run("examples/embed.ts", ["--offline", "--yes", "run: echo hello"])
        // The shell depends on the machine.
        assert.deepStrictEqual(
          { ...ran, stdout: ran.stdout.replace(/^\[\S+/, "[sh") },
          {
            code: 0,
            stdout:
              "[sh -lc 'echo hello' ended with 0]\n" +
              "I ran `echo hello`. It went well (exit code 0) and printed:\n\nhello\n",
            stderr: ""
          }
        )
      }),
    timeout
  )

  const prompts = [
    ["weather: {}", "[userMessage]\n[dynamicToolCall]\n[agentMessage]\nweather answered:\n\nIt rains in Bergen.\n"],
    [
      "run: echo hello",
      "[userMessage]\n[commandExecution]\n[agentMessage]\n" +
        "I ran `echo hello`. It went well (exit code 0) and printed:\n\nhello\n"
    ]
  ] as const
  it.live.each(prompts)(
    "own-tool: a tool of the program works together with the shell, and asks the user: %s",
    ([prompt, stdout]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run("examples/own-tool.ts", [prompt]), { code: 0, stdout, stderr: "" })
      }),
    timeout
  )

  it.live(
    "language-model: a model of effect/ai replaces the server's own",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run("examples/language-model.ts", ["one two three"]), {
          code: 0,
          stdout: "A model of effect/ai received: one two three\n",
          stderr: ""
        })
      }),
    timeout
  )

  it.live(
    "promise: a program without Effect approves a command by a callback, streams a turn and runs another one",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* run("examples/promise.ts", ["run: echo hello"]), {
          code: 0,
          stdout: "[userMessage]\n[commandExecution]\n[agentMessage]\nThat was all. (3 tokens)\n",
          stderr: ""
        })
      }),
    timeout
  )
})
