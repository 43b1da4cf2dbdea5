import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { spindle } from "../../support/Programs.ts"

const timeout = 60_000

/** A home with this `auth.json`. */
const homeWith = Effect.fnUntraced(function* (content: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const home = yield* fileSystem.makeTempDirectoryScoped({ prefix: "spindle-login-" })
  yield* fileSystem.writeFileString(`${home}/auth.json`, content)
  return home
})

const chatgpt = JSON.stringify({
  auth_mode: "chatgpt",
  OPENAI_API_KEY: null,
  tokens: { id_token: "SECRET-1", access_token: "SECRET-2", refresh_token: "SECRET-3", account_id: "SECRET-4" },
  last_refresh: "2026-01-01T00:00:00Z"
})

const logins = [
  ["a ChatGPT login", chatgpt, "has a ChatGPT login, which Spindle does not support"],
  [
    "a ChatGPT login without a mode",
    '{"tokens": {"access_token": "SECRET-5"}}',
    "has a ChatGPT login, which Spindle does not support"
  ],
  [
    "a login of another kind",
    '{"auth_mode": "agentIdentity", "agent_identity": "SECRET-6"}',
    "has a login of the kind `agentIdentity`, which Spindle does not support"
  ],
  [
    "a login of a kind that is no name",
    '{"auth_mode": "x\\u001b[2J SECRET-7"}',
    "has another login, which Spindle does not support"
  ],
  ["nonsense", "{SECRET-8", "is not a JSON object"],
  ["a list", '["SECRET-9"]', "is not a JSON object"]
] as const

const initialize =
  '{"id":1,"method":"initialize","params":{"clientInfo":{"name":"test","version":"1"}}}\n' +
  '{"id":2,"method":"account/read","params":{}}\n{"id":3,"method":"account/read","params":{}}\n'

describe("auth.json with", () => {
  it.live.each(logins)(
    "%s is recognised by exec, doctor and account/read, and not printed",
    ([, content, problem]) =>
      Effect.gen(function* () {
        const home = yield* homeWith(content)
        const environment = { SPINDLE_HOME: home }
        const ran = yield* spindle(["exec", "hi"], { environment })
        assert.strictEqual(ran.code, 1)
        const missing = `CODEX_API_KEY and OPENAI_API_KEY are not set, and ${home}/auth.json ${problem}.\nSet OPENAI_API_KEY, or `
        assert.include(ran.stderr, missing)

        const checked = yield* spindle(["doctor", "--json"], { environment })
        const checks: ReadonlyArray<{ readonly name: string; readonly status: string; readonly text: string }> =
          JSON.parse(checked.stdout)
        const key = checks.find(({ name }) => name === "key")
        assert.strictEqual(key?.status, "failed")
        assert.include(key?.text, missing)

        const served = yield* spindle(["app-server"], { environment, input: initialize })
        const messages = served.stdout
          .trimEnd()
          .split("\n")
          .map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
        const account = { account: null, userId: null, requiresOpenaiAuth: true, workspaceRouting: null }
        assert.deepStrictEqual(
          // Two reads may run concurrently, so their answers have no order.
          [2, 3].map((read) => messages.filter(({ id }) => id === read)),
          [2, 3].map((id) => [{ id, result: account }])
        )
        assert.deepStrictEqual(
          messages.flatMap(({ method, params }) => (method === "configWarning" ? [params] : [])),
          [
            {
              summary: `No account: ${home}/auth.json ${problem}.`,
              details: "Set OPENAI_API_KEY to use an API key.",
              path: `${home}/auth.json`
            }
          ]
        )
        assert.notMatch(JSON.stringify([ran, checked, served]), /SECRET/)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )

  it.live(
    "a ChatGPT login and a key elsewhere is mentioned by doctor only",
    () =>
      Effect.gen(function* () {
        const home = yield* homeWith(chatgpt)
        const environment = { SPINDLE_HOME: home, OPENAI_API_KEY: "SECRET-0" }
        const checked = yield* spindle(["doctor"], { environment })
        assert.include(checked.stdout, "from the environment variable OPENAI_API_KEY\n")
        assert.include(checked.stdout, "has a ChatGPT login, which Spindle does not support: it is not used\n")
        const served = yield* spindle(["app-server"], { environment, input: initialize })
        assert.include(served.stdout, '"account":{"type":"apiKey"}')
        assert.notInclude(served.stdout, "configWarning")
        assert.notMatch(JSON.stringify([checked, served]), /SECRET/)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )
})

describe("a key with a control character", () => {
  const provider = 'model_provider = "x"\n[model_providers.x]\nname = "X"\nbase_url = "http://127.0.0.1:9/v1"\n'

  it.live.each([
    ["a line break", `${provider}env_key = "X_KEY"\n`, "SECRET\nSECRET", "the key from the environment variable X_KEY"],
    ["a carriage return", `${provider}env_key = "X_KEY"\n`, "SEC\rRET", "the key from the environment variable X_KEY"],
    ["a bell", `${provider}env_key = "X_KEY"\n`, "SECRET\u0007SECRET", "the key from the environment variable X_KEY"],
    [
      "a C1 control",
      `${provider}experimental_bearer_token = "SECRET\\u0085SECRET"\n`,
      "",
      "the key from experimental_bearer_token of [model_providers.x]"
    ],
    [
      "a line break in a header",
      `${provider}env_http_headers = { "x-token" = "X_KEY" }\n`,
      "SECRET\nSECRET",
      "the environment variable X_KEY"
    ]
  ] as const)(
    "%s is refused before a request, by name",
    ([, config, key, what]) =>
      Effect.gen(function* () {
        const fileSystem = yield* FileSystem.FileSystem
        const home = yield* homeWith("{}")
        yield* fileSystem.writeFileString(`${home}/config.toml`, config)
        const environment = { SPINDLE_HOME: home, X_KEY: key }
        const ran = yield* spindle(["exec", "hi"], { environment })
        assert.deepStrictEqual(
          { ...ran, stderr: ran.stderr.split("\n", 1)[0] },
          {
            code: 1,
            stdout: "",
            stderr: `error: The model provider \`x\` cannot be asked: ${what} contains a line break or another control character.`
          }
        )
        const checked = yield* spindle(["doctor"], { environment })
        assert.match(checked.stdout, /failed +key +The model provider `x` cannot be asked/)
        assert.notMatch(JSON.stringify([ran, checked]), /SECRET/)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    timeout
  )
})
