import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import process from "node:process"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import {
  type Client,
  cwd as noFolder,
  makeServer,
  nameOf,
  userInput,
  type ServerOptions
} from "../../support/Server.ts"
import { invalid, paramsOf } from "../../support/Threads.ts"
import { asking } from "../../support/Tools.ts"
import { directory, pipes } from "../tools/TestShell.ts"

/** A server with real commands, a client, and a thread in `cwd`. */
const setUp = Effect.fnUntraced(function* (cwd: string, options: ServerOptions = {}) {
  const server = yield* makeServer({
    executables: { shell: "/bin/sh" },
    environment: { PATH: process.env["PATH"], MY_TOKEN: "secret", PLAIN: "plain" },
    ...options
  })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  yield* client.notified("thread/started")
  const threadId = thread.id
  const run = (command: string, timeoutMs?: number) =>
    client.request("thread/shellCommand", {
      threadId,
      command,
      ...(timeoutMs === undefined ? {} : { timeoutMs })
    })
  return { ...server, client, threadId, run }
})

/** The client's view of a turn up to its end: names, the complete command item, no times. */
const seen = Effect.fnUntraced(function* (client: Client) {
  const events = yield* client.until((event) => nameOf(event) === "turn/completed")
  return events.filter((event) => nameOf(event) !== "thread/tokenUsage/updated")
})

/** The texts about commands of the user in the conversation. */
const recorded = (input: ReadonlyArray<unknown>) =>
  input.flatMap((entry) => {
    const text = JSON.stringify(entry)
    return text.includes("<user_shell_command>") ? [text.replaceAll(/\d+\.\d{4} seconds/g, "# seconds")] : []
  })

const shellText = (command: string, exitCode: number, output: string) =>
  JSON.stringify({
    type: "message",
    role: "user",
    content: [
      {
        type: "input_text",
        text: `<user_shell_command>\n<command>\n${command}\n</command>\n<result>\nExit code: ${exitCode}\nDuration: # seconds\nOutput:\n${output}\n</result>\n</user_shell_command>`
      }
    ]
  })

describe("a command that the user runs by hand [80]", () => {
  it.effect("is a separate turn in an idle thread, and the model reads it in the next turn", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const { client, model, run, threadId } = yield* setUp(cwd)
      assert.deepStrictEqual(yield* run("  echo hi; exit 3  "), {})
      const events = yield* seen(client)
      assert.deepStrictEqual(events.map(nameOf), [
        "thread/status/changed",
        "turn/started",
        "item/started",
        "item/commandExecution/outputDelta",
        "item/completed",
        "thread/status/changed",
        "turn/completed"
      ])
      const items = events.flatMap((event) => {
        const params = paramsOf(event) as { readonly item?: { readonly id: string } }
        return params.item === undefined ? [] : [params.item]
      })
      const item = {
        type: "commandExecution",
        id: items[0]?.id,
        pluginId: null,
        scriptPath: null,
        command: "/bin/sh -lc 'echo hi; exit 3'",
        cwd,
        processId: null,
        source: "userShell",
        status: "inProgress",
        commandActions: [{ type: "unknown", command: "echo hi; exit 3" }],
        aggregatedOutput: null,
        exitCode: null,
        durationMs: null,
        startedAtMs: 0,
        completedAtMs: null
      }
      const failed = { status: "failed", aggregatedOutput: "hi\n", exitCode: 3, durationMs: 0, completedAtMs: 0 }
      assert.deepStrictEqual<unknown>(items, [item, { ...item, ...failed }])
      const { turn } = paramsOf(events.at(-1)) as {
        readonly turn: { readonly status: string; readonly error: unknown }
      }
      assert.deepStrictEqual([turn.status, turn.error], ["completed", null])
      yield* client.request("turn/start", { threadId, input: userInput("next") })
      const { request } = yield* model.reply("k")
      assert.deepStrictEqual(recorded(request.input), [shellText("echo hi; exit 3", 3, "hi\n")])
    })
  )

  const refused = [
    ["an empty command", { command: " \n" }, invalid("command must not be empty")],
    [
      "a negative time",
      { command: "true", timeoutMs: -1 },
      new RequestError({ code: -32602, message: "thread/shellCommand timeoutMs must be non-negative, got -1" })
    ],
    [
      "a command that is longer than a message",
      { command: "x".repeat(1_048_577) },
      new RequestError({
        code: -32602,
        message: "Input exceeds the maximum length of 1048576 characters.",
        data: { input_error_code: "input_too_large", max_chars: 1_048_576, actual_chars: 1_048_577 }
      })
    ]
  ] as const
  it.effect.each(refused)("is refused: %s", ([, params, error]) =>
    Effect.gen(function* () {
      const { client, threadId } = yield* setUp(noFolder)
      assert.deepStrictEqual(yield* Effect.flip(client.request("thread/shellCommand", { threadId, ...params })), error)
    })
  )

  it.effect("runs without sandbox and approval under every policy", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const { client, connect } = yield* setUp(cwd)
      const other = yield* connect({ capabilities: { experimentalApi: true } })
      const { thread } = yield* other.request("thread/start", {
        cwd,
        approvalPolicy: "untrusted",
        sandbox: "read-only",
        config: { "features.shell_tool": false }
      })
      yield* other.request("thread/shellCommand", { threadId: thread.id, command: "touch made && ls" })
      const events = yield* seen(other)
      const item = events.map(paramsOf).find((params) => JSON.stringify(params).includes('"completedAtMs":0'))
      assert.include(JSON.stringify(item), '"aggregatedOutput":"made\\n"')
      assert.isFalse(events.some((event) => event._tag === "ServerRequest"))
      yield* client.handle.shutdown
    })
  )

  it.effect("does not get the server's secrets", () =>
    Effect.gen(function* () {
      const { client, run } = yield* setUp(yield* directory)
      yield* run('echo "$PLAIN<$MY_TOKEN>"')
      assert.include(JSON.stringify(yield* seen(client)), '"aggregatedOutput":"plain<>\\n"')
    })
  )

  const demands = [
    [{ allowed_sandbox_modes: ["read-only", "workspace-write"] }, "is not in the allowed set"],
    [
      { permissions: { filesystem: { deny_read: ["/secret"] } } },
      "is not in the allowed set [read-only, workspace-write]"
    ]
  ] as const
  it.effect.each(demands)("is refused when the requirements do not permit full access: %j", ([demand, reason]) =>
    Effect.gen(function* () {
      const { run } = yield* setUp(noFolder, { cloudRequirements: Effect.succeed(demand) })
      const error = yield* Effect.flip(run("true"))
      assert.include(error.message, reason)
    })
  )

  it.effect("does not run when a required rule forbids it", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const rule = { pattern: [{ token: "touch" }], decision: "forbidden", justification: "no touch" }
      const { client, run } = yield* setUp(cwd, {
        cloudRequirements: Effect.succeed({ rules: { prefix_rules: [rule] } })
      })
      yield* run("env touch made")
      const text = JSON.stringify(yield* seen(client))
      assert.include(text, '"status":"declined"')
      assert.include(text, "no touch")
      yield* run("ls")
      assert.include(JSON.stringify(yield* seen(client)), '"aggregatedOutput":null')
    })
  )

  it.effect("fails in a separate turn when the thread has no environment", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp(noFolder)
      const { thread } = yield* client.request("thread/start", { cwd: noFolder, environments: [] })
      yield* client.request("thread/shellCommand", { threadId: thread.id, command: "true" })
      const events = yield* seen(client)
      assert.deepStrictEqual(events.slice(-2).map(nameOf), ["error", "turn/completed"])
      const { turn } = paramsOf(events.at(-1)) as { readonly turn: { readonly error: unknown } }
      assert.deepStrictEqual(turn.error, {
        message: "shell is unavailable in this session",
        codexErrorInfo: null,
        additionalDetails: null,
        misalignment: null
      })
    })
  )

  it.effect("is terminated at its time limit", () =>
    Effect.gen(function* () {
      const { cwd, release } = yield* pipes("go")
      const { client, run } = yield* setUp(cwd)
      yield* run("echo part; read -r line < go; exec sleep 1000", 500)
      yield* client.notified("item/commandExecution/outputDelta")
      yield* release("go")
      yield* TestClock.adjust("500 millis")
      const text = JSON.stringify(yield* seen(client))
      assert.include(text, '"aggregatedOutput":"part\\ncommand timed out after 500 milliseconds\\n"')
      assert.include(text, '"exitCode":-1')
    })
  )

  it.effect("is terminated by an interrupt, and the model reads that", () =>
    Effect.gen(function* () {
      const { cwd } = yield* pipes("go")
      const { client, model, run, threadId } = yield* setUp(cwd)
      yield* run("echo part; read -r line < go")
      yield* client.notified("item/commandExecution/outputDelta")
      assert.deepStrictEqual(yield* client.request("turn/interrupt", { threadId, turnId: "" }), {})
      const events = yield* seen(client)
      assert.deepStrictEqual(events.map(nameOf), ["item/completed", "thread/status/changed", "turn/completed"])
      assert.include(JSON.stringify(events), '"aggregatedOutput":"part\\ncommand aborted by user\\n"')
      assert.include(JSON.stringify(events), '"status":"interrupted"')
      yield* client.request("turn/start", { threadId, input: userInput("next") })
      const { request } = yield* model.reply("k")
      assert.deepStrictEqual(recorded(request.input), [
        shellText("echo part; read -r line < go", -1, "part\ncommand aborted by user\n")
      ])
    })
  )

  it.effect("accepts input meanwhile, which is recorded after it without a model request", () =>
    Effect.gen(function* () {
      const { cwd, release } = yield* pipes("go")
      const { client, run, threadId } = yield* setUp(cwd)
      yield* run("read -r line < go")
      const { turn } = yield* client.notified("turn/started")
      const started = yield* client.request("turn/start", { threadId, input: userInput("while it runs") })
      assert.strictEqual(started.turn.id, turn.id)
      yield* release("go")
      const events = yield* seen(client)
      assert.deepStrictEqual(events.map(nameOf), [
        "item/started",
        "item/completed",
        "item/started",
        "item/completed",
        "thread/status/changed",
        "turn/completed"
      ])
    })
  )

  it.effect("joins a running turn, also while it waits for an approval, and the model reads it in that turn", () =>
    Effect.gen(function* () {
      const cwd = yield* directory
      const { client, model, run, threadId } = yield* setUp(cwd, { toolbox: [asking] })
      yield* client.request("turn/start", { threadId, input: userInput("go") })
      yield* model.call(["ask", "c1"])
      const { id, params } = yield* client.asked
      yield* run("echo joined")
      const done = yield* client.notified("item/completed")
      assert.strictEqual(done.turnId, "turnId" in params ? params.turnId : "")
      yield* client.handle.respondToServerRequest(id, { decision: "accept" })
      const { request } = yield* model.reply("done")
      assert.deepStrictEqual(recorded(request.input.slice(-1)), [shellText("echo joined", 0, "joined\n")])
      yield* client.notified("turn/completed")
    })
  )

  it.effect("that joined a turn continues after its end, with its id", () =>
    Effect.gen(function* () {
      const { cwd, release } = yield* pipes("go")
      const { client, model, run, threadId } = yield* setUp(cwd)
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go") })
      const answering = yield* model.next
      yield* run("read -r line < go; echo late")
      yield* answering.finish("done")
      yield* client.notified("turn/completed")
      yield* release("go")
      const late = yield* client.notified("item/completed")
      assert.strictEqual(late.turnId, turn.id)
      yield* client.request("turn/start", { threadId, input: userInput("next") })
      const { request } = yield* model.reply("k")
      assert.deepStrictEqual(recorded(request.input), [shellText("read -r line < go; echo late", 0, "late\n")])
    })
  )

  it.effect("that joined a turn causes another model request, and ends with an interrupt of the turn", () =>
    Effect.gen(function* () {
      const { cwd } = yield* pipes("go")
      const { client, model, run, threadId } = yield* setUp(cwd)
      yield* client.request("turn/start", { threadId, input: userInput("go") })
      const first = yield* model.next
      yield* run("echo one")
      yield* client.notified("item/completed")
      yield* client.notified("item/completed")
      yield* first.finish("answer")
      const second = yield* model.next
      assert.deepStrictEqual(recorded(second.request.input), [shellText("echo one", 0, "one\n")])
      yield* run("echo two; read -r line < go")
      yield* client.until((event) => JSON.stringify(paramsOf(event) ?? "").includes("two\\n"))
      yield* client.request("turn/interrupt", { threadId, turnId: "" })
      const events = yield* seen(client)
      assert.deepStrictEqual(events.map(nameOf), ["item/completed", "thread/status/changed", "turn/completed"])
      yield* client.request("turn/start", { threadId, input: userInput("next") })
      const { request } = yield* model.reply("k")
      assert.deepStrictEqual(recorded(request.input), [
        shellText("echo one", 0, "one\n"),
        shellText("echo two; read -r line < go", -1, "two\ncommand aborted by user\n")
      ])
    })
  )
})
