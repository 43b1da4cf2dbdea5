import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import { text, type Tool } from "../../../src/services/tool/Tool.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { failure } from "../../support/Configs.ts"
import { cwd, makeServer, userInput } from "../../support/Server.ts"

/** A tool that must not run when it is off. */
const tool = (name: string, ran: Array<string>, features?: ReadonlyArray<string>): Tool => ({
  spec: { type: "function", name, description: name, parameters: { type: "object" }, strict: false },
  ...(features === undefined ? {} : { features }),
  run: () =>
    Effect.sync(() => {
      ran.push(name)
      return text("ran")
    })
})

type Start = ParamsInputOf<"thread/start">

/** The tools offered in a thread, and the outputs of calls of all tools. */
const used = Effect.fnUntraced(function* (params: Start) {
  const ran: Array<string> = []
  const toolbox = [
    tool("exec_command", ran),
    tool("write_stdin", ran),
    tool("look_around", ran),
    tool("deploy", ran, ["shell_tool"])
  ]
  const { connect, model } = yield* makeServer({ toolbox })
  const client = yield* connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd, ...params })
  yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
  const first = yield* model.call(...toolbox.map(({ spec }) => [spec.name, `call ${spec.name}`] as const))
  const second = yield* model.reply("done")
  const outputs = second.request.input.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []))
  return { offered: first.request.tools.map(({ name }) => name), ran, outputs }
})

const everything = {
  offered: ["exec_command", "write_stdin", "look_around", "deploy"],
  ran: ["exec_command", "write_stdin", "look_around", "deploy"],
  outputs: ["ran", "ran", "ran", "ran"]
}
const unsupported = (name: string) => `unsupported call: ${name}`
const noShell = {
  offered: ["look_around"],
  ran: ["look_around"],
  outputs: [unsupported("exec_command"), unsupported("write_stdin"), "ran", unsupported("deploy")]
}
const noSessions = {
  offered: ["look_around", "deploy"],
  ran: ["look_around", "deploy"],
  outputs: [unsupported("exec_command"), unsupported("write_stdin"), "ran", "ran"]
}

const cases: ReadonlyArray<readonly [name: string, params: Start, expected: typeof everything]> = [
  ["nothing", {}, everything],
  ["features.shell_tool", { config: { "features.shell_tool": false } }, noShell],
  ["features.shell_tool in a table", { config: { features: { shell_tool: false } } }, noShell],
  ["features.shell_tool in a section", { config: { "features.shell_tool": { enabled: false } } }, noShell],
  ["features.unified_exec", { config: { "features.unified_exec": false } }, noSessions],
  ["the older name", { config: { experimental_use_unified_exec_tool: false } }, noSessions],
  [
    "the older name, against the newer",
    { config: { experimental_use_unified_exec_tool: false, "features.unified_exec": true } },
    everything
  ],
  ["every environment", { environments: [] }, noShell]
]

describe("a disabled feature", () => {
  for (const [name, params, expected] of cases) {
    it.effect(`is neither offered nor run: ${name}`, () =>
      Effect.map(used(params), (got) => assert.deepStrictEqual(got, expected))
    )
  }

  it.effect("can also be disabled on the command line and by requirements", () =>
    Effect.gen(function* () {
      const offered = (options: Parameters<typeof makeServer>[0], params: Start) =>
        Effect.gen(function* () {
          const { connect, model } = yield* makeServer({ toolbox: [tool("exec_command", [])], ...options })
          const client = yield* connect({})
          const { thread } = yield* client.request("thread/start", { cwd, ...params })
          yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
          return (yield* model.reply("done")).request.tools.length
        })
      const on = { config: { "features.shell_tool": true } }
      assert.deepStrictEqual(
        {
          flag: yield* offered({ cliOverrides: [["features.shell_tool", false]] }, {}),
          // The client's value overrides the command line, but not the requirements.
          again: yield* offered({ cliOverrides: [["features.shell_tool", false]] }, on),
          demanded: yield* offered({ cloudRequirements: Effect.succeed({ features: { shell_tool: false } }) }, on)
        },
        { flag: 0, again: 1, demanded: 0 }
      )
    })
  )

  it.effect("removes the environment and the date from the instructions", () =>
    Effect.gen(function* () {
      const { connect, model } = yield* makeServer()
      const client = yield* connect({})
      const instructionsOf = (config: NonNullable<Start["config"]>) =>
        Effect.gen(function* () {
          const { thread } = yield* client.request("thread/start", { cwd, config })
          yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
          const input = JSON.stringify((yield* model.reply("done")).request.input)
          return { place: input.includes("<cwd>"), day: input.includes("<current_date>") }
        })
      assert.deepStrictEqual(
        {
          all: yield* instructionsOf({}),
          noDay: yield* instructionsOf({ include_environment_context_time: false }),
          nothing: yield* instructionsOf({ include_environment_context: false })
        },
        {
          all: { place: true, day: true },
          noDay: { place: true, day: false },
          nothing: { place: false, day: false }
        }
      )
    })
  )

  it.effect("must be a flag", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeServer()
      const client = yield* connect({})
      const error = yield* failure(client.request("thread/start", { cwd, config: { "features.shell_tool": "false" } }))
      assert.include(
        error instanceof RequestError ? error.message : "",
        'failed to load configuration: invalid type: string "false", expected a boolean'
      )
    })
  )
})
