import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Config from "../../../src/services/config/Config.ts"
import { effective, failure, over, project, trust, userFile } from "../../support/Configs.ts"

describe("the model provider", () => {
  it.effect("has the configured properties", () =>
    over(
      {
        [userFile]: [
          'model_provider = "x"',
          "[model_providers.x]",
          'name = "X"',
          'base_url = "http://x/v1/"',
          'env_key = "X_KEY"',
          'env_key_instructions = "Ask Ada."',
          'http_headers = { a = "b" }',
          'env_http_headers = { c = "D" }',
          'query_params = { q = "1" }',
          "request_max_retries = 1000",
          "stream_max_retries = 0",
          "stream_idle_timeout_ms = 5"
        ].join("\n")
      },
      (config) =>
        Effect.gen(function* () {
          const { modelProvider, providers } = yield* effective()(config)
          assert.strictEqual(modelProvider, "x")
          assert.deepStrictEqual(providers["x"], {
            id: "x",
            name: "X",
            baseUrl: "http://x/v1",
            envKey: "X_KEY",
            envKeyInstructions: "Ask Ada.",
            headers: { a: "b" },
            envHeaders: { c: "D" },
            queryParams: { q: "1" },
            requestMaxRetries: 100,
            streamMaxRetries: 0,
            streamIdleTimeoutMs: 5,
            requiresOpenaiAuth: false
          })
        })
    )
  )

  it.effect("of OpenAI can be given another address; the file takes precedence over the environment", () =>
    Effect.gen(function* () {
      const moved = (text: string, environment: Record<string, string>) =>
        Effect.map(
          over({ [userFile]: text }, effective(), { environment }),
          ({ providers }) => providers["openai"]?.baseUrl
        )
      assert.strictEqual(yield* moved("", { OPENAI_BASE_URL: "http://env/v1/" }), "http://env/v1")
      assert.strictEqual(
        yield* moved('openai_base_url = "http://file/v1"\n', { OPENAI_BASE_URL: "http://env/v1" }),
        "http://file/v1"
      )
      assert.strictEqual(yield* moved("", { OPENAI_BASE_URL: " " }), "https://api.openai.com/v1")
    })
  )

  const offline = {
    id: "offline",
    name: "Offline",
    baseUrl: "",
    envKey: null,
    headers: {},
    envHeaders: {},
    queryParams: {},
    requestMaxRetries: 4,
    streamMaxRetries: 5,
    streamIdleTimeoutMs: 300_000,
    requiresOpenaiAuth: false
  }
  const moved = '[model_providers.offline]\nname = "Mine"\nbase_url = "http://mine/v1"\n'

  it.effect("may be the offline model, which has no address and cannot be redefined", () =>
    Effect.gen(function* () {
      const chosen = ({ modelProvider, providers }: Config.EffectiveConfig) => [modelProvider, providers["offline"]]
      const flags = { cliOverrides: [["model_provider", "offline"]] } as const
      assert.deepStrictEqual(chosen(yield* over({}, effective(), flags)), ["offline", offline])
      assert.deepStrictEqual(chosen(yield* over({ "/etc/codex/requirements.toml": moved }, effective(), flags)), [
        "offline",
        offline
      ])
      const refused = yield* failure(over({ [userFile]: moved }, effective()))
      assert.include(refused?.message, "model_providers contains reserved built-in provider IDs: `offline`.")
    })
  )

  it.effect("is the offline model neither by default nor by a project's choice", () =>
    Effect.gen(function* () {
      const provider = (files: Readonly<Record<string, string>>) =>
        Effect.map(over(files, effective(project)), ({ modelProvider }) => modelProvider)
      const choosing = { [`${project}/.codex/config.toml`]: 'model_provider = "offline"\n' }
      assert.deepStrictEqual(
        [
          yield* provider({}),
          yield* provider(choosing),
          yield* provider({ ...choosing, [userFile]: trust("trusted") })
        ],
        ["openai", "openai", "openai"]
      )
    })
  )

  it.effect("does not expose a key from the settings file", () =>
    over({ [userFile]: '[model_providers.x]\nname = "X"\nexperimental_bearer_token = "sk-secret"\n' }, (config) =>
      Effect.gen(function* () {
        const { providers } = yield* effective()(config)
        assert.isFalse(JSON.stringify(providers).includes("sk-secret"))
      })
    )
  )
})
