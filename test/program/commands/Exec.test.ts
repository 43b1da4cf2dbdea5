import { assert, describe } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { AppServerOptions } from "../../../src/layers/AppServer.ts"
import * as Offline from "../../../src/layers/models/Offline.ts"
import * as MemoryStore from "../../../src/layers/stores/Memory.ts"
import * as Exec from "../../../src/program/commands/Exec.ts"
import * as Screen from "../../../src/program/console/Console.ts"
import { type ModelRequest, ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { readState } from "../../../src/services/thread/StoredThread.ts"
import * as Toolsets from "../../../src/layers/tools/Toolsets.ts"
import { text, type ToolTurn } from "../../../src/services/tool/Tool.ts"
import { exec, header, server, shown, task, test } from "./Runs.ts"
import type { Shown } from "./Typing.ts"

describe("exec", () => {
  test(
    "prints the agent's messages to stdout, and everything else to stderr",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      assert.deepStrictEqual(yield* exec({}, options), {
        code: 0,
        out: "hello\n",
        err: `${header(folder)}\nTOKENS · TIME\n`
      })
    })
  )

  test(
    "reports a command with its output, its exit code and its duration",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const ran = yield* exec({ prompt: "run: echo one; echo two >&2; exit 3", sandbox: "danger-full-access" }, options)
      assert.deepStrictEqual(ran, {
        code: 0,
        out: "I ran `echo one; echo two >&2; exit 3`. It failed (exit code 3) and printed:\n\none\ntwo\n",
        err:
          `${header(folder, "danger-full-access")}\n` +
          "$ echo one; echo two >&2; exit 3\n│ one\n│ two\n└ exit 3, TIME\n\nTOKENS · TIME\n"
      })
    })
  )

  test(
    "gives commands the environment that the program passed to the server",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const environment = { ...options.environment, ONLY_HERE: "yes", SOME_TOKEN: "secret" }
      // This is a variable of this process.
      assert.isDefined(process.env["VITEST"])
      const prompt = 'run: echo "$ONLY_HERE, $SOME_TOKEN, $HOME [$VITEST]"'
      const ran = yield* exec({ prompt, sandbox: "danger-full-access" }, { ...options, environment })
      assert.include(ran.out, `yes, , ${folder} []\n`)
    })
  )

  test(
    "declines a command when there is no user to ask, and reports how to allow it",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const ran = yield* exec({ prompt: "run: touch made" }, options)
      const fileSystem = yield* FileSystem.FileSystem
      assert.deepStrictEqual(
        { code: ran.code, err: ran.err, made: yield* Effect.orDie(fileSystem.exists(`${folder}/made`)) },
        {
          code: 0,
          err:
            `${header(folder)}\n$ touch made\n` +
            "└ declined: there is no terminal to ask for approval. To run commands without approval: --sandbox danger-full-access\n\n" +
            "TOKENS · TIME\n",
          made: false
        }
      )
    })
  )

  test(
    "repeats a question until the answer is valid, and then acts on it",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const question =
        "? Run this command? [y]es, [n]o, [a]lways in this run: this exact command in this folder, [s]top the turn: "
      const asked =
        `${header(folder)}\n$ echo hi\n` +
        "  This machine has no sandbox to enforce readOnly: the command would run without one\n" +
        `  in ${folder}\n${question}`
      const prompt = "run: echo hi"
      const yes = yield* exec({ prompt }, options, ["", "y"])
      const no = yield* exec({ prompt }, options, ["n"])
      const stop = yield* exec({ prompt }, options, ["s"])
      const end = yield* exec({ prompt }, options, [])
      assert.deepStrictEqual(
        [yes, no, stop, end].map(({ code, err }) => ({ code, err })),
        [
          { code: 0, err: `${asked}${question}│ hi\n└ exit 0, TIME\n\nTOKENS · TIME\n` },
          { code: 0, err: `${asked}└ declined by you, not run\n\nTOKENS · TIME\n` },
          { code: 130, err: `${asked}└ declined by you, not run\n\nInterrupted.\nTOKENS · TIME\n` },
          { code: 0, err: `${asked}\n└ declined by you, not run\n\nTOKENS · TIME\n` }
        ]
      )
    })
  )

  test(
    "fails with the turn, and reports the reason",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      assert.deepStrictEqual(yield* exec({ prompt: "fail: it broke" }, options), {
        code: 1,
        out: "",
        err: `${header(folder)}\nerror: it broke\nTIME\n`
      })
    })
  )

  test(
    "fails with one line when the configuration is invalid",
    Effect.gen(function* () {
      const { options } = yield* server
      const ran = yield* exec({}, { ...options, cliOverrides: [["approval_policy", "sometimes"]] })
      assert.deepStrictEqual(ran, {
        code: 1,
        out: "",
        err:
          "error: failed to load configuration: unknown variant `sometimes`, expected one of " +
          "`untrusted`, `on-failure`, `on-request`, `granular`, `never`\nin `approval_policy`\n"
      })
    })
  )

  /** The command line's model settings, for a server without any. */
  const configured = (options: AppServerOptions, provider: string): AppServerOptions => ({
    ...options,
    cliOverrides: [
      ["model_provider", provider],
      ["model_providers.keyed", { name: "Keyed", base_url: "http://127.0.0.1:9/v1", env_key: "KEYED_KEY" }]
    ]
  })

  test(
    "starts no turn without a key, and reports where it searched and what to do",
    Effect.gen(function* () {
      const { folder, modelless } = yield* server
      const whatNext =
        `or name another model_provider in ${folder}/config.toml or with -c model_provider=ID.\n` +
        'To try Spindle without a model server, choose the offline model: --offline, or model_provider = "offline".'
      const noAccount =
        `There is no API key for the model provider \`openai\`: CODEX_API_KEY and OPENAI_API_KEY are not set, and ${folder}/auth.json holds none.\n` +
        `Set OPENAI_API_KEY, ${whatNext}`
      const noVariable =
        "The model provider `keyed` takes its key from the environment variable KEYED_KEY, which is not set.\n" +
        `Set KEYED_KEY, ${whatNext}`
      const fileSystem = yield* FileSystem.FileSystem
      const prompt = "run: echo hi > made"
      const sandbox = "danger-full-access"
      for (const [provider, message] of [
        ["openai", noAccount],
        ["keyed", noVariable]
      ] as const) {
        const server = configured(modelless, provider)
        assert.deepStrictEqual(yield* exec({ prompt, sandbox }, server), {
          code: 1,
          out: "",
          err: `error: ${message}\n`
        })
        assert.deepStrictEqual(yield* exec({ prompt, sandbox, json: true }, server), {
          code: 1,
          out: `${JSON.stringify({ type: "error", message })}\n`,
          err: `error: ${message}\n`
        })
      }
      assert.isFalse(yield* Effect.orDie(fileSystem.exists(`${folder}/made`)))
    })
  )

  test(
    "names the offline model when it is selected, and reports that it has no other",
    Effect.gen(function* () {
      const { folder, modelless } = yield* server
      const chosen = configured(modelless, "offline")
      assert.deepStrictEqual(yield* exec({ model: "gpt-5.5" }, chosen), {
        code: 0,
        out: "hello\n",
        err:
          `${header(folder)}\nwarning: The model \`gpt-5.5\` is not used: the model provider \`offline\` has only the ` +
          "model `offline`.\n\nTOKENS · TIME\n"
      })
    })
  )

  test(
    "writes only events with --json, the thread first",
    Effect.gen(function* () {
      const { options } = yield* server
      const ran = yield* exec({ prompt: "run: echo hi", json: true }, options)
      const events = ran.out
        .trimEnd()
        .split("\n")
        .map((line): { readonly type: string; readonly item?: { readonly type: string } } => JSON.parse(line))
      assert.deepStrictEqual(
        { code: ran.code, err: ran.err, events: events.map(({ item, type }) => [type, item?.type]) },
        {
          code: 0,
          err: "echo hi: declined: --json cannot ask for approval. To run commands without approval: --sandbox danger-full-access\n",
          events: [
            ["thread.started", undefined],
            ["turn.started", undefined],
            ["item.started", "command_execution"],
            ["item.completed", "command_execution"],
            ["item.completed", "agent_message"],
            ["turn.completed", undefined]
          ]
        }
      )
    })
  )

  test(
    "continues a stored thread",
    Effect.gen(function* () {
      const { options } = yield* server
      const store = yield* Effect.provide(ThreadStore, MemoryStore.layer)
      const kept: AppServerOptions = { ...options, store: Layer.succeed(ThreadStore, store) }
      const idIn = (ran: Shown): string => JSON.parse(ran.out.split("\n", 1)[0] ?? "").thread_id
      const first = yield* exec({ json: true, threadSource: "user" }, kept)
      const second = yield* exec({ json: true, resume: { target: idIn(first), all: false } }, kept)
      const record = yield* readState(store, idIn(first))
      assert.deepStrictEqual(
        {
          codes: [first.code, second.code],
          sameThread: idIn(second) === idIn(first),
          turns: record?.turns.length,
          threadSource: record?.origin.threadSource,
          source: record?.origin.source
        },
        { codes: [0, 0], sameThread: true, turns: 2, threadSource: "user", source: "exec" }
      )
    })
  )

  test(
    "names the reason when a thread to continue is not in a store in memory",
    Effect.gen(function* () {
      const options = { ...(yield* server).options, store: MemoryStore.layer }
      const resume = "01a1fb80-d002-7f01-86cf-4b9a743431db"
      assert.deepStrictEqual(yield* exec({ resume: { target: resume, all: false } }, options), {
        code: 1,
        out: "",
        err:
          `error: no rollout found for thread id ${resume}\n` +
          "Threads are kept in memory here: they end with the process that started them.\n"
      })
    })
  )

  test(
    "ends the turn before it exits on an interruption, and reports it",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const begun = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<void>()
      const model = Layer.succeed(ModelProvider, {
        stream: () =>
          Stream.unwrap(Effect.as(Deferred.succeed(begun, undefined), Stream.never)).pipe(
            Stream.ensuring(Deferred.succeed(ended, undefined))
          )
      })
      const written: Array<Screen.Written> = []
      const run = yield* Exec.run(task, { ...options, model }).pipe(
        Effect.provide(Screen.layerTest({ written })),
        Effect.forkChild
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(run)
      yield* Deferred.await(ended)
      assert.deepStrictEqual(shown(written), {
        out: "",
        err: `${header(folder, "read-only", "gpt-6.1-sol (openai)")}\nInterrupted.\nTIME\n`
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  test(
    "stops when its output has no reader any more",
    Effect.gen(function* () {
      const { options } = yield* server
      const model = Layer.succeed(ModelProvider, { stream: () => Stream.never })
      const gone = Layer.effect(
        Screen.TerminalConsole,
        Effect.map(Screen.TerminalConsole, (screen) =>
          Screen.TerminalConsole.of({ ...screen, readerGone: Effect.void })
        )
      ).pipe(Layer.provide(Screen.layerTest({ written: [] })))
      const code = yield* Effect.provide(Exec.run(task, { ...options, model }), gone)
      assert.strictEqual(code, 1)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  test(
    "passes the prompt, the images and the output schema to the model",
    Effect.gen(function* () {
      const { folder, options } = yield* server
      const fileSystem = yield* FileSystem.FileSystem
      const picture = `${folder}/dot.png`
      const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3])
      yield* Effect.orDie(fileSystem.writeFile(picture, png))
      const requests: Array<ModelRequest> = []
      const model = Layer.effect(
        ModelProvider,
        Effect.map(ModelProvider, ({ stream }) => ({
          stream: (request) => {
            requests.push(request)
            return stream(request)
          }
        }))
      ).pipe(Layer.provide(Offline.layer))
      const outputSchema = { type: "object" }
      yield* exec({ images: [picture], outputSchema, model: "some-model" }, { ...options, model })
      assert.deepStrictEqual(
        requests.map(({ input, model: name, outputSchema: schema }) => ({ last: input.at(-1), name, schema })),
        [
          {
            last: {
              type: "message",
              role: "user",
              content: [
                { type: "input_text", text: "say: hello" },
                { type: "input_text", text: `<image name=[Image #1] path="${picture}">` },
                { type: "input_image", image_url: `data:image/png;base64,${png.toString("base64")}`, detail: "high" },
                { type: "input_text", text: "</image>" }
              ]
            },
            name: "some-model",
            schema: outputSchema
          }
        ]
      )
    })
  )

  test(
    "adds writable folders, and reports when the flag has no effect",
    Effect.gen(function* () {
      const { options } = yield* server
      const turns: Array<ToolTurn> = []
      const tools = Toolsets.make([
        {
          spec: { type: "function", name: "probe", description: "", parameters: { type: "object" }, strict: false },
          run: (_, turn) => {
            turns.push(turn)
            return Effect.succeed(text(""))
          }
        }
      ])
      const run = { prompt: "probe: {}", addDirs: ["/srv/more"] }
      yield* exec({ ...run, sandbox: "workspace-write" }, { ...options, tools })
      const readOnly = yield* exec({ ...run, sandbox: "read-only" }, { ...options, tools })
      assert.deepStrictEqual(
        turns.map(({ sandboxPolicy }) => ("writableRoots" in sandboxPolicy ? sandboxPolicy.writableRoots : null)),
        [["/srv/more"], null]
      )
      assert.include(readOnly.err, "--add-dir has no effect: it needs --sandbox workspace-write.")
    })
  )
})
