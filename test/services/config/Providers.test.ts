import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { effective, over, userFile } from "../../support/Configs.ts"

describe("the model provider", () => {
  it.effect("has what the configuration says of it", () =>
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

  it.effect("of OpenAI can be moved, by the file before the environment", () =>
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

  it.effect("keeps a key that is written into the file out of sight", () =>
    over({ [userFile]: '[model_providers.x]\nname = "X"\nexperimental_bearer_token = "sk-secret"\n' }, (config) =>
      Effect.gen(function* () {
        const { providers } = yield* effective()(config)
        assert.isFalse(JSON.stringify(providers).includes("sk-secret"))
      })
    )
  )
})
