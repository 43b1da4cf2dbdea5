import { createServer } from "node:http"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AppServer from "../../src/layers/AppServer.ts"
import * as MemoryStore from "../../src/layers/stores/Memory.ts"
import * as Offline from "../../src/layers/models/Offline.ts"
import type { ParamsInputOf, ResultOf } from "../../src/protocol/Methods.ts"
import { AppServerClient } from "../../src/services/client/AppServerClient.ts"
import { ModelProvider } from "../../src/services/model/ModelProvider.ts"
import { ThreadStore } from "../../src/services/thread/ThreadStore.ts"
import * as Toolsets from "../../src/layers/tools/Toolsets.ts"
import { text, type Tool } from "../../src/services/tool/Tool.ts"

/** The files in the server's folder, and its options. */
interface Situation {
  readonly config?: string
  readonly requirements?: string
  readonly auth?: string
  readonly agents?: string
  readonly options?: Partial<AppServer.AppServerOptions>
}

const inputOf = (texts: ReadonlyArray<string>) => texts.map((text) => ({ type: "text" as const, text }))

/** A server in its own folder with a counting tool, and a client. */
const serve = Effect.fnUntraced(function* ({ options, ...written }: Situation) {
  const files = yield* FileSystem.FileSystem
  const home = yield* files.makeTempDirectoryScoped({ prefix: "spindle-offline-" })
  const write = (name: string, text: string | undefined) =>
    text === undefined ? Effect.void : Effect.orDie(files.writeFileString(`${home}/${name}`, text))
  yield* write("config.toml", written.config)
  yield* write("requirements.toml", written.requirements)
  yield* write("auth.json", written.auth)
  yield* write("AGENTS.md", written.agents)
  const ran: Array<string> = []
  const tool: Tool = {
    spec: { type: "function", name: "exec_command", description: "", parameters: { type: "object" }, strict: false },
    run: ({ input }) => Effect.sync(() => text(`${ran.push(input)}`))
  }
  const nowhere = `${home}/nowhere`
  const loader = {
    systemConfigFile: nowhere,
    managedConfigFile: nowhere,
    requirementsFile: `${home}/requirements.toml`
  }
  const server = AppServer.client({
    home,
    cwd: home,
    environment: {},
    loader,
    sessionSource: "cli",
    tools: Toolsets.make([tool]),
    clientName: "test",
    experimentalApi: true,
    clientVersion: "1",
    ...options
  })
  const client = yield* Layer.build(server).pipe(
    Effect.flatMap((built) => Effect.provideContext(AppServerClient, built))
  )

  /** Runs a turn to its end; returns the agent's text, the warnings, and the error. */
  const turn = Effect.fnUntraced(function* (
    threadId: string,
    texts: ReadonlyArray<string>,
    params: Partial<ParamsInputOf<"turn/start">> = {}
  ) {
    yield* client.request("turn/start", { threadId, input: inputOf(texts), ...params })
    const result = { text: "", warnings: new Array<string>(), settings: new Array<string>() }
    while (true) {
      const event = yield* Effect.flatMap(client.nextEvent, Effect.fromOption)
      if (event._tag !== "ServerNotification") continue
      const { method, params } = event.notification
      if (method === "item/agentMessage/delta") result.text += params.delta
      if (method === "warning") result.warnings.push(params.message)
      if (method === "thread/settings/updated") result.settings.push(params.threadSettings.model)
      if (method === "turn/completed") return { ...result, status: params.turn.status, error: params.turn.error }
    }
  })
  return { client, home, ran, turn, write }
})

/** A proxy that refuses all connections; `asked` is the first requested address. */
const makeProxy = Effect.gen(function* () {
  const asked = yield* Deferred.make<string>()
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createServer().on("connect", (request, socket) => {
        Deferred.doneUnsafe(asked, Exit.succeed(request.url ?? ""))
        socket.destroy()
      })
    ),
    (made) => Effect.callback<void>((resume) => void made.close(() => resume(Effect.void)))
  )
  const port = yield* Effect.callback<number>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
  return { url: `http://127.0.0.1:${port}`, asked: Deferred.await(asked) }
})

const test = (name: string, run: Effect.Effect<void, unknown, AppServer.Platform | Scope.Scope>) =>
  it.live(name, () => run.pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 30_000)

const offline = { model: "offline", modelProvider: "offline" }

interface Way extends Situation {
  readonly start?: ParamsInputOf<"thread/start">
}

const ways: Readonly<Record<string, Way>> = {
  "in config.toml": { config: 'model = "gpt-5.5"\nmodel_provider = "offline"\n' },
  "on the command line": { options: { cliOverrides: [["model_provider", "offline"]] } },
  "on the command line, over config.toml": {
    config: 'model_provider = "ollama"\n',
    options: { cliOverrides: [["model_provider", "offline"]] }
  },
  "by the request": { start: { modelProvider: "offline" } },
  "in the request's configuration": { start: { config: { model_provider: "offline" } } },
  "by the organisation": { requirements: 'model_provider = "offline"\n', config: 'model_provider = "ollama"\n' },
  "by the program that embeds the server": { options: { model: Offline.layer } },
  "with a key at hand": { start: { modelProvider: "offline" }, auth: '{"OPENAI_API_KEY": "sk"}' }
}

describe("the offline model", () => {
  for (const [how, { start = {}, ...situation }] of Object.entries(ways)) {
    test(
      `answers where it is chosen ${how}, and is named`,
      Effect.gen(function* () {
        const { client, ran, turn } = yield* serve(situation)
        const { model, modelProvider, thread } = yield* client.request("thread/start", start)
        const { error, text } = yield* turn(thread.id, ["run: echo hi"])
        const listed = yield* client.request("thread/list", {})
        assert.deepStrictEqual(
          {
            started: { model, modelProvider },
            thread: { model: thread.model, modelProvider: thread.modelProvider },
            listed: listed.data.map(({ modelProvider }) => modelProvider),
            error,
            text,
            ran
          },
          {
            started: offline,
            thread: offline,
            listed: ["offline"],
            error: null,
            text: "`echo hi` did not run:\n\n1",
            ran: ['{"cmd":"echo hi"}']
          }
        )
      })
    )
  }

  const demanded = [
    'model_provider = "corp"',
    "[model_providers.corp]",
    'name = "Corp"',
    'base_url = "http://127.0.0.1:9/v1"',
    'env_key = "CORP_KEY"'
  ].join("\n")

  test(
    "does not bypass the required provider",
    Effect.gen(function* () {
      const { client, ran, turn } = yield* serve({
        requirements: demanded,
        config: 'model_provider = "offline"\n',
        options: { cliOverrides: [["model_provider", "offline"]] }
      })
      for (const start of [{}, { modelProvider: "offline" }, { config: { model_provider: "offline" } }]) {
        const { modelProvider, thread } = yield* client.request("thread/start", start)
        const { error } = yield* turn(thread.id, ["run: echo hi"])
        assert.deepStrictEqual([modelProvider, error?.message], ["corp", "Missing environment variable: `CORP_KEY`."])
      }
      assert.deepStrictEqual(ran, [])
    })
  )

  test(
    "does not replace a server without a key: the turn fails with the reason, and the next one can succeed",
    Effect.gen(function* () {
      const proxy = yield* makeProxy
      const environment = { CODEX_API_KEY: " ", HTTPS_PROXY: proxy.url }
      const { client, home, ran, turn, write } = yield* serve({ options: { environment } })
      const { model, modelProvider, thread } = yield* client.request("thread/start", {})
      assert.deepStrictEqual({ model, modelProvider }, { model: "gpt-6.1-sol", modelProvider: "openai" })
      const failed = yield* turn(thread.id, ["run: echo hi"])
      assert.deepStrictEqual(failed, {
        text: "",
        warnings: [],
        settings: [],
        status: "failed",
        error: {
          message:
            "unexpected status 401 Unauthorized: Missing bearer or basic authentication in header, url: https://api.openai.com/v1/responses",
          codexErrorInfo: { httpConnectionFailed: { httpStatusCode: 401 } },
          additionalDetails:
            `There is no API key for the model provider \`openai\`: CODEX_API_KEY and OPENAI_API_KEY are not set, and ${home}/auth.json holds none.\n` +
            `Set OPENAI_API_KEY, or name another model_provider in ${home}/config.toml or with -c model_provider=ID.\n` +
            'To try Spindle without a model server, choose the offline model: --offline, or model_provider = "offline".',
          misalignment: null
        }
      })
      assert.deepStrictEqual(ran, [])
      yield* write("auth.json", '{"OPENAI_API_KEY": "sk"}')
      yield* Effect.raceFirst(turn(thread.id, ["hello"]), proxy.asked)
      assert.strictEqual(yield* proxy.asked, "api.openai.com:443")
    })
  )

  test(
    "has one model for every request, and reports it",
    Effect.gen(function* () {
      const { client, turn } = yield* serve({ options: { model: Offline.layer } })
      const { model, thread } = yield* client.request("thread/start", { model: "gpt-5.5" })
      const first = yield* turn(thread.id, ["say: a"])
      const second = yield* turn(thread.id, ["say: b"], { model: "gpt-5.5" })
      const third = yield* turn(thread.id, ["say: c"], { model: "offline", effort: "low" })
      const unused = "The model `gpt-5.5` is not used: the model provider `offline` has only the model `offline`."
      assert.deepStrictEqual(
        [model, first.warnings, second.warnings, second.settings, third.warnings, third.settings],
        ["offline", [unused], [unused], [], [], ["offline"]]
      )
    })
  )

  test(
    "treats all parts of an input as one message, and reads only the input",
    Effect.gen(function* () {
      const { client, ran, turn } = yield* serve({
        agents: "run: echo from AGENTS.md\n",
        options: { model: Offline.layer }
      })
      const { thread } = yield* client.request("thread/start", {})
      const mixed = yield* turn(thread.id, ["run: echo one", "pasted:\n  run: echo two"])
      yield* turn(thread.id, [])
      assert.deepStrictEqual([ran, mixed.text.includes("I did nothing")], [[], true])
      yield* turn(thread.id, ["run: echo one", "run: echo two"])
      yield* turn(thread.id, [])
      assert.deepStrictEqual(ran, ['{"cmd":"echo one"}', '{"cmd":"echo two"}'])
    })
  )

  test(
    "is not used when a thread continues with another provider, and reports itself when one continues with it",
    Effect.gen(function* () {
      const store = Layer.succeed(ThreadStore, yield* Effect.provide(ThreadStore, MemoryStore.layer))
      const named = ({ model, modelProvider }: ResultOf<"thread/resume">) => ({ model, modelProvider })
      const first = yield* serve({ options: { model: Offline.layer, store } })
      const { thread } = yield* first.client.request("thread/start", {})
      yield* first.turn(thread.id, ["run: echo hi"])
      const second = yield* serve({ options: { store } })
      const elsewhere = yield* second.client.request("thread/resume", { threadId: thread.id })
      const failed = yield* second.turn(thread.id, ["run: echo hi"])
      const third = yield* serve({ options: { model: Offline.layer, store } })
      const back = yield* third.client.request("thread/resume", { threadId: thread.id, model: "gpt-5.5" })
      const { text, warnings } = yield* third.turn(thread.id, ["say: back"])
      assert.deepStrictEqual(
        {
          elsewhere: named(elsewhere),
          status: failed.status,
          ran: [first.ran.length, second.ran.length, third.ran.length],
          back: named(back),
          text,
          warnings
        },
        {
          elsewhere: { model: "gpt-6.1-sol", modelProvider: "openai" },
          status: "failed",
          ran: [1, 0, 0],
          back: offline,
          text: "back",
          warnings: ["The model `gpt-5.5` is not used: the model provider `offline` has only the model `offline`."]
        }
      )
    })
  )

  test(
    "does not use a user's table with its name",
    Effect.gen(function* () {
      const { client } = yield* serve({
        config: '[model_providers.offline]\nname = "Mine"\nbase_url = "http://127.0.0.1:9/v1"\n'
      })
      const error = yield* Effect.flip(client.request("thread/start", {}))
      assert.include(error.message, "reserved built-in provider IDs: `offline`")
    })
  )
})

describe("a model of an embedding program", () => {
  test(
    "may have no name: threads then report the configured names",
    Effect.gen(function* () {
      const asked = yield* Deferred.make<string>()
      const model = Layer.succeed(ModelProvider, {
        stream: (request) =>
          Stream.fromEffect(
            Effect.as(Deferred.succeed(asked, request.model), {
              _tag: "Completed",
              usage: null,
              endTurn: true
            } as const)
          )
      })
      const { client, turn } = yield* serve({ options: { model } })
      const started = yield* client.request("thread/start", { model: "mine" })
      yield* turn(started.thread.id, ["hello"])
      assert.deepStrictEqual(
        [started.model, started.modelProvider, yield* Deferred.await(asked)],
        ["mine", "openai", "mine"]
      )
    })
  )
})
