import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { type Ran, spindle } from "../../support/Programs.ts"

const timeout = 60_000

const test = (name: string, run: () => Generator<Effect.Effect<Ran>, void, Ran>) =>
  it.live(name, () => Effect.gen(run), timeout)

const initialize = '{"id":1,"method":"initialize","params":{"clientInfo":{"name":"test","version":"1"}}}\n'

const hint = (command: string) => `Try '${command} --help'.\n`

describe("spindle", () => {
  it.live.each([
    { args: ["nonsense"], stderr: `error: Unknown subcommand "nonsense" for "spindle"\n${hint("spindle")}` },
    {
      args: ["exec", "--nonsense", "x"],
      stderr: `error: Unrecognized flag: --nonsense in command spindle exec\n${hint("spindle exec")}`
    },
    {
      args: ["exec", "-s", "none", "x"],
      stderr:
        'error: Invalid value for flag --sandbox: "none". Expected: "read-only" | "workspace-write" | "danger-full-access"\n' +
        hint("spindle exec")
    },
    { args: ["exec", "-c", "oops", "x"], stderr: "error: Invalid override (missing '='): oops\n" },
    {
      args: ["exec", "--offline", "-c", "model_provider=openai", "x"],
      stderr: "error: --offline cannot be used with -c model_provider\n"
    },
    {
      args: ["app-server", "-c", "model_provider=openai", "--offline"],
      stderr: "error: --offline cannot be used with -c model_provider\n"
    },
    { args: ["-c", "oops"], stderr: "error: Invalid override (missing '='): oops\n" },
    {
      args: ["exec", "--yolo", "-s", "read-only", "x"],
      stderr: "error: --dangerously-bypass-approvals-and-sandbox cannot be used with --sandbox\n"
    },
    {
      args: ["exec", "--full-auto", "-a", "never", "x"],
      stderr: "error: --full-auto cannot be used with --ask-for-approval\n"
    },
    {
      args: ["exec", "-p", "../other", "x"],
      stderr: "error: --profile is a plain name such as `work`: letters, digits, `_` and `-`\n"
    },
    {
      args: ["exec", "--enable", "a", "--disable", "a", "x"],
      stderr: "error: feature `a` is both enabled and disabled\n"
    },
    {
      args: ["exec", "--enable", 'a"b', "x"],
      stderr: "error: the name of a feature has letters, digits, `_`, `-` and `.` only\n"
    },
    { args: ["exec", "--local-provider", "ollama", "x"], stderr: "error: --local-provider needs --oss\n" },
    { args: ["exec", " "], stderr: "error: No prompt: the argument is empty.\n" },
    { args: ["exec"], stderr: "error: No prompt: stdin is empty.\n" },
    {
      args: ["exec", "--output-schema", "/nonsense.json", "x"],
      stderr: "error: --output-schema /nonsense.json cannot be read: no such file\n"
    },
    {
      args: ["exec", "--output-schema", "/dev/null", "x"],
      stderr: "error: --output-schema /dev/null cannot be read: not a regular file\n"
    },
    {
      args: ["app-server", "--listen", "http://127.0.0.1:1"],
      stderr:
        "error: unsupported --listen URL `http://127.0.0.1:1`; " +
        "expected `stdio://`, `unix://`, `unix://PATH`, `ws://IP:PORT`, or `off`\n"
    },
    {
      args: ["--listen", "ws://localhost:4500"],
      stderr: "error: invalid websocket --listen URL `ws://localhost:4500`; expected `ws://IP:PORT`\n"
    }
  ])(
    "exits with 2 and reports the error in $args in one line on stderr",
    ({ args, stderr }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* spindle(args), { code: 2, stdout: "", stderr })
      }),
    timeout
  )

  test("prints help for every command, with examples and exit codes", function* () {
    for (const command of [
      [],
      ["app-server"],
      ["exec"],
      ["exec", "resume"],
      ["doctor"],
      ["config", "init"],
      ["demo"]
    ]) {
      const { code, stderr, stdout } = yield* spindle([...command, "--help"])
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      for (const part of ["DESCRIPTION", "USAGE", "\n\nEXAMPLES\n", "\nEXIT CODES\n", "  130 "]) {
        assert.include(stdout, part, command.join(" "))
      }
      assert.notInclude(stdout, "\u001B")
    }
  })

  test("prints its version", function* () {
    for (const args of [["--version"], ["-v"], ["-V"], ["exec", "-V"]]) {
      assert.match((yield* spindle(args)).stdout, /^spindle v\d+\.\d+\.\d+\n$/)
    }
  })

  test("serves standard input and output without a command, and with one", function* () {
    for (const args of [[], ["app-server"], ["app-server", "--listen", "stdio://"], ["-c", "model=some-model"]]) {
      const { code, stdout } = yield* spindle(args, { input: initialize })
      const answer: { readonly id: number; readonly result: { readonly userAgent: string } } = JSON.parse(stdout)
      assert.deepStrictEqual([code, answer.id, answer.result.userAgent.split("/", 1)[0]], [0, 1, "test"])
    }
  })

  test("accepts -c before and after the command; the last one takes precedence", function* () {
    const read = '{"id":2,"method":"config/read","params":{}}\n'
    const { stdout } = yield* spindle(["-c", "model=first", "app-server", "-c", "model=second"], {
      input: initialize + read
    })
    assert.include(stdout, '"model":"second"')
    assert.notInclude(stdout, '"model":"first"')
  })

  test("does not start with an invalid override", function* () {
    const ran = yield* spindle(["app-server", "-c", "approval_policy=sometimes"], { input: initialize })
    assert.deepStrictEqual([ran.code, ran.stdout], [1, ""])
    assert.include(ran.stderr, "unknown variant `sometimes`")
  })

  test("runs a turn with a prompt from stdin", function* () {
    for (const args of [
      ["exec", "--offline"],
      ["--offline", "exec", "-"],
      ["exec", "-c", "model_provider=offline"],
      ["exec", "--offline", "-c", "model_provider=offline"]
    ]) {
      const { code, stdout } = yield* spindle(args, { input: "say: hello\n" })
      assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "hello\n" })
    }
  })

  it.live(
    "does not execute directives that a prompt only quotes, without a key and with the offline model",
    () =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-test-" })
        const input = "Review this:\n  run: echo B > B\n"
        const flags = ["-s", "danger-full-access", "-C", folder]
        const keyless = yield* spindle(["exec", ...flags], { input })
        assert.deepStrictEqual([keyless.code, keyless.stdout], [1, ""])
        assert.match(
          keyless.stderr,
          /^error: There is no API key [^]+ CODEX_API_KEY and OPENAI_API_KEY are not set, and \/[^\n]+\/auth\.json [^]+ --offline/
        )
        const offline = yield* spindle(["exec", "--offline", ...flags], { input })
        assert.strictEqual(offline.code, 0)
        assert.include(offline.stdout, "You wrote 7 words, and I did nothing")
        assert.deepStrictEqual(yield* fileSystem.readDirectory(folder), [])
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )

  test("serves threads of the offline model with --offline, and starts without a key", function* () {
    const requests = '{"id":2,"method":"thread/start","params":{}}\n{"id":3,"method":"account/read","params":{}}\n'
    for (const [args, model, requiresOpenaiAuth] of [
      [["app-server", "--offline"], "offline", false],
      [["--offline"], "offline", false],
      [["app-server"], "gpt-6.1-sol", true]
    ] as const) {
      const { code, stdout } = yield* spindle(args, { input: initialize + requests })
      const answers = stdout
        .trimEnd()
        .split("\n")
        .map((line): { readonly id?: number; readonly result?: Readonly<Record<string, unknown>> } => JSON.parse(line))
      const answerTo = (asked: number) => answers.find(({ id }) => id === asked)?.result
      assert.deepStrictEqual(
        [code, answerTo(2)?.["model"], answerTo(3)?.["requiresOpenaiAuth"]],
        [0, model, requiresOpenaiAuth]
      )
    }
  })

  test("accepts the flags that SDKs send, in any position", function* () {
    const { code, stderr, stdout } = yield* spindle(
      [
        "exec",
        "--experimental-json",
        "--config",
        'model_reasoning_effort="low"',
        "--model",
        "some-model",
        "--thread-source",
        "user",
        "--sandbox",
        "danger-full-access",
        "--cd",
        ".",
        "--add-dir",
        "src",
        "--skip-git-repo-check",
        "resume",
        "01a1fb80-d002-7f01-86cf-4b9a743431db",
        "--image",
        "package.json"
      ],
      { input: "say: hello" }
    )
    assert.deepStrictEqual(
      { code, stderr, stdout },
      {
        code: 1,
        stderr: "error: no rollout found for thread id 01a1fb80-d002-7f01-86cf-4b9a743431db\n",
        stdout: ""
      }
    )
  })

  it.live(
    "writes a configuration that changes nothing, once",
    () =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const home = `${yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-test-" })}/home`
        const file = `${home}/config.toml`
        const init = () => spindle(["config", "init"], { environment: { SPINDLE_HOME: home } })
        assert.deepStrictEqual(yield* init(), { code: 0, stdout: `${file}\n`, stderr: "" })
        const text = yield* fileSystem.readFileString(file)
        assert.deepStrictEqual(
          text.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
          []
        )
        // The settings are as documented: without the comment signs the file parses and is accepted.
        const settings = text.replaceAll(/^# (?=[a-z_]+ = |\[)/gm, "")
        yield* fileSystem.writeFileString(file, settings)
        const ran = yield* spindle(["exec", "--offline", "say: hello"], { environment: { SPINDLE_HOME: home } })
        assert.deepStrictEqual({ code: ran.code, stdout: ran.stdout }, { code: 0, stdout: "hello\n" })
        assert.notInclude(ran.stderr, "warning")
        assert.deepStrictEqual(yield* init(), {
          code: 2,
          stdout: "",
          stderr: `error: ${file} exists already; it is left as it is\n`
        })
        assert.strictEqual(yield* fileSystem.readFileString(file), settings)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )

  it.live(
    "uses the home of Codex when there is no own one, and prints which",
    () =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-test-" })
        yield* fileSystem.makeDirectory(`${folder}/.codex`)
        yield* fileSystem.writeFileString(`${folder}/.codex/config.toml`, 'sandbox_mode = "danger-full-access"')
        const ran = yield* spindle(["exec", "--offline", "say: hello"], {
          environment: { HOME: folder, SPINDLE_HOME: "" }
        })
        const [first, second] = ran.stderr.split("\n")
        assert.strictEqual(first, `home: ${folder}/.codex, because there is no ~/.spindle`)
        assert.include(second ?? "", "danger-full-access")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )

  it.live(
    "shows a turn in the demo without the user's key, and leaves no files behind",
    () =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const folder = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-test-" })
        const { code, stderr, stdout } = yield* spindle(["demo"], {
          environment: { OPENAI_API_KEY: "not-used", TMPDIR: folder }
        })
        assert.strictEqual(code, 0)
        assert.include(stdout, "Hello from the embedded runtime!")
        assert.match(stderr, /^offline \(offline\) · /m)
        assert.include(stdout, "It went well (exit code 0)")
        assert.include(stdout, "Success. Updated the following files:\nM greet.js")
        assert.match(stderr, /\n\$ node --test greet\.test\.js\n│ [^]+pass 1[^]+\n└ exit 0, \d/)
        // Node caches compiled code there, as for every program.
        const left = (yield* fileSystem.readDirectory(folder)).filter((name) => name !== "node-compile-cache")
        assert.deepStrictEqual(left, [])
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )
})
