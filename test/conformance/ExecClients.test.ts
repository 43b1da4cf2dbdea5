/**
 * Programs that run `codex exec`, with this command in its place: `@openai/codex-sdk`, and the exec mode of
 * `ai-sdk-provider-codex-cli`. They are installed from the registry once, into the cache of the conformance runs.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as ModelServer from "../support/ModelServer.ts"
import { cache } from "./Release.ts"

const packages = ["@openai/codex-sdk@0.163.0", "ai-sdk-provider-codex-cli@1.4.1", "ai@6.0.326", "zod@4"]

const folder = Path.join(cache, "exec-clients")

/** The released program is an optional dependency of the clients, and not needed. */
const install = Effect.sync(() => {
  if (Fs.existsSync(Path.join(folder, "node_modules", "zod"))) return
  Fs.mkdirSync(folder, { recursive: true })
  execFileSync("npm", ["init", "-y"], { cwd: folder, stdio: "ignore" })
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", "--save-exact"]
  execFileSync("npm", ["install", ...flags, ...packages], { cwd: folder, stdio: "ignore" })
})

/** The module of an installed package. Only what is used is typed. */
const load = <A>(file: string): Effect.Effect<A> =>
  Effect.promise(() => import(pathToFileURL(Path.join(folder, "node_modules", file)).href) as Promise<A>)

interface SdkItem {
  readonly type: string
  readonly status?: string
  readonly aggregated_output?: string
}

interface SdkThread {
  readonly id: string | null
  readonly run: (
    input: string,
    options?: object
  ) => Promise<{ readonly finalResponse: string; readonly items: ReadonlyArray<SdkItem>; readonly usage: unknown }>
  readonly runStreamed: (input: string) => Promise<{
    readonly events: AsyncIterable<{ readonly type: string; readonly item?: SdkItem }>
  }>
}

interface Sdk {
  readonly Codex: new (options: object) => {
    readonly startThread: (options: object) => SdkThread
    readonly resumeThread: (id: string, options: object) => SdkThread
  }
}

interface Ai {
  readonly generateText: (options: object) => Promise<{
    readonly text: string
    readonly finishReason: string
    readonly usage: { readonly inputTokens?: number; readonly outputTokens?: number }
    readonly toolResults: ReadonlyArray<{ readonly toolName: string; readonly output: object }>
  }>
  readonly streamText: (options: object) => { readonly textStream: AsyncIterable<string> }
  readonly generateObject: (options: object) => Promise<{ readonly object: unknown }>
  readonly jsonSchema: (schema: object) => unknown
}

interface Provider {
  readonly createCodexExec: () => (model: string, settings: object) => unknown
}

const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url))

/** The environment of a client: an own home that is configured for the model server, and the Node that runs the tests. */
const place = Effect.gen(function* () {
  yield* install
  const { url } = yield* ModelServer.ModelServer
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spindle-clients-")))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  )
  const work = Path.join(home, "work")
  Fs.mkdirSync(work)
  const config = `model_provider = "mock"\nmodel = "m"\n[model_providers.mock]\nname = "mock"\nbase_url = "${url}"\n`
  Fs.writeFileSync(Path.join(home, "config.toml"), config)
  const command = Path.join(home, "codex")
  Fs.writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o700 })
  const env = { PATH: `${Path.dirname(process.execPath)}:${process.env["PATH"]}`, HOME: home, SPINDLE_HOME: home }
  return { command, env, work }
})

/** Runs the client while the model server answers its requests in order. */
const answering = <A>(
  client: () => Promise<A>,
  ...answers: ReadonlyArray<Effect.Effect<void, unknown, ModelServer.ModelServer>>
) =>
  Effect.gen(function* () {
    const running = yield* Effect.forkChild(Effect.promise(client), { startImmediately: true })
    yield* Effect.forEach(answers, (answer) => answer, { discard: true })
    return yield* Fiber.join(running)
  })

const collected = async <A>(items: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const item of items) all.push(item)
  return all
}

const test = (name: string, run: Effect.Effect<void, unknown, ModelServer.ModelServer | Scope.Scope>) =>
  it.live(name, () => run.pipe(Effect.scoped, Effect.provide(ModelServer.layer)))

const schema = {
  type: "object",
  properties: { name: { type: "string" } },
  required: ["name"],
  additionalProperties: false
}

describe("@openai/codex-sdk", () => {
  const codex = Effect.gen(function* () {
    const { command, env, work } = yield* place
    const { Codex } = yield* load<Sdk>("@openai/codex-sdk/dist/index.js")
    const sdk = new Codex({ codexPathOverride: command, env })
    const options = { workingDirectory: work, skipGitRepoCheck: true, sandboxMode: "danger-full-access" }
    return { sdk, options, work }
  })

  test(
    "runs a turn, and resumes its thread with a second one",
    Effect.gen(function* () {
      const { options, sdk } = yield* codex
      const thread = sdk.startThread(options)
      const first = yield* answering(() => thread.run("first"), ModelServer.reply("one"))
      assert.deepStrictEqual(first, {
        finalResponse: "one",
        items: [{ id: "item_0", type: "agent_message", text: "one" }],
        usage: {
          input_tokens: 10,
          cached_input_tokens: 0,
          cache_write_input_tokens: 0,
          output_tokens: 5,
          reasoning_output_tokens: 0
        }
      } as unknown)
      const server = yield* ModelServer.ModelServer
      const resumed = sdk.resumeThread(thread.id ?? "", options)
      let body = ""
      const second = yield* answering(
        () => resumed.run("second"),
        Effect.gen(function* () {
          const asked = yield* server.next
          body = asked.body
          yield* asked.send(ModelServer.created, ModelServer.done("two"), ModelServer.completed)
          yield* asked.end
        })
      )
      assert.strictEqual(second.finalResponse, "two")
      assert.strictEqual(resumed.id, thread.id)
      const texts = [...body.matchAll(/"text":"(first|one|second)"/g)].map(([, text]) => text)
      assert.deepStrictEqual(texts, ["first", "one", "second"])
    })
  )

  test(
    "streams a command, and reads an answer with a schema",
    Effect.gen(function* () {
      const { options, sdk } = yield* codex
      const events = yield* answering(
        async () => collected((await sdk.startThread(options).runStreamed("go")).events),
        ModelServer.run("call", "echo hi"),
        ModelServer.reply("done")
      )
      assert.deepStrictEqual(
        events.map(({ item, type }) => [type, item?.type, item?.status]),
        [
          ["thread.started", undefined, undefined],
          ["turn.started", undefined, undefined],
          ["item.started", "command_execution", "in_progress"],
          ["item.completed", "command_execution", "completed"],
          ["item.completed", "agent_message", undefined],
          ["turn.completed", undefined, undefined]
        ]
      )
      const object = yield* answering(
        () => sdk.startThread(options).run("who?", { outputSchema: schema }),
        ModelServer.reply('{"name":"Ada"}')
      )
      assert.strictEqual(object.finalResponse, '{"name":"Ada"}')
    })
  )
})

describe("ai-sdk-provider-codex-cli, exec mode", () => {
  const provider = Effect.gen(function* () {
    const { command, env, work } = yield* place
    const ai = yield* load<Ai>("ai/dist/index.mjs")
    const { createCodexExec } = yield* load<Provider>("ai-sdk-provider-codex-cli/dist/index.js")
    const exec = createCodexExec()
    const model = (settings: object = {}) =>
      exec("m", { codexPath: command, cwd: work, env, skipGitRepoCheck: true, ...settings })
    return { ai, model, work }
  })

  test(
    "generates and streams text",
    Effect.gen(function* () {
      const { ai, model } = yield* provider
      const { finishReason, text, usage } = yield* answering(
        () => ai.generateText({ model: model(), prompt: "hi" }),
        ModelServer.reply("one ", "two")
      )
      assert.deepStrictEqual(
        { finishReason, text, tokens: [usage.inputTokens, usage.outputTokens] },
        { finishReason: "stop", text: "one two", tokens: [10, 5] }
      )
      const pieces = yield* answering(
        () => collected(ai.streamText({ model: model(), prompt: "hi" }).textStream),
        ModelServer.reply("one ", "two")
      )
      assert.strictEqual(pieces.join(""), "one two")
    })
  )

  test(
    "generates an object with a schema",
    Effect.gen(function* () {
      const { ai, model } = yield* provider
      const { object } = yield* answering(
        () => ai.generateObject({ model: model(), schema: ai.jsonSchema(schema), prompt: "who?" }),
        ModelServer.reply('{"name":"Ada"}')
      )
      assert.deepStrictEqual(object, { name: "Ada" })
    })
  )

  test(
    "reports a command that ran, and one that was refused",
    Effect.gen(function* () {
      const { ai, model, work } = yield* provider
      const commandIn = (settings: object, command: string) =>
        Effect.map(
          answering(
            () => ai.generateText({ model: model(settings), prompt: "go" }),
            ModelServer.run("call", command),
            ModelServer.reply("done")
          ),
          ({ text, toolResults }) => ({
            text,
            // The command begins with the user's shell.
            results: toolResults.map(({ output, toolName }) => [toolName, { ...output, command }])
          })
        )
      const ran = yield* commandIn({ sandboxMode: "danger-full-access", approvalMode: "never" }, "echo hi")
      const refused = yield* commandIn({ approvalMode: "never" }, "touch made")
      assert.deepStrictEqual(
        [ran, refused],
        [
          {
            text: "done",
            results: [
              [
                "exec",
                {
                  command: "echo hi",
                  aggregatedOutput: "hi\n",
                  exitCode: 0,
                  status: "completed"
                }
              ]
            ]
          },
          {
            text: "done",
            results: [
              [
                "exec",
                {
                  command: "touch made",
                  aggregatedOutput:
                    "refused: there is no sandbox here to enforce workspaceWrite, and the approval policy permits no question",
                  status: "declined"
                }
              ]
            ]
          }
        ]
      )
      assert.isFalse(Fs.existsSync(Path.join(work, "made")))
    })
  )
})
