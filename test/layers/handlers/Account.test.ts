import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AccountHandlers from "../../../src/layers/handlers/Account.ts"
import * as Auth from "../../../src/services/account/Auth.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import * as OutboundRouter from "../../../src/services/routing/OutboundRouter.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { call } from "../../support/Requests.ts"

const home = "/home/ada/.spindle"
const x = '[model_providers.x]\nname = "X"\n'
const offline = { provider: "offline", model: "offline" }
/** A model that replaces every configured provider. */
const own = { answersAs: () => offline }
const keyed = { [`${home}/auth.json`]: '{"OPENAI_API_KEY": "sk"}' }
const account = { type: "apiKey" } as const

describe("account/read", () => {
  it.effect.each([
    ["there is no login", {}, null, true],
    ["a key is there", keyed, account, true],
    ["the provider needs no account", { ...keyed, [`${home}/config.toml`]: `model_provider = "x"\n${x}` }, null, false],
    [
      "another provider needs the account",
      { ...keyed, [`${home}/config.toml`]: `model_provider = "x"\n${x}requires_openai_auth = true\n` },
      account,
      true
    ],
    ["the configuration cannot be used", { ...keyed, [`${home}/config.toml`]: "model =\n" }, account, true],
    ["the offline model is chosen", { ...keyed, [`${home}/config.toml`]: 'model_provider = "offline"\n' }, null, false],
    ["the program brings a model that needs no account", keyed, null, false, own]
  ] as const)("is the release's when %s", ([, files, account, requiresOpenaiAuth, model = {}]) =>
    AccountHandlers.make.pipe(
      Effect.flatMap((handlers) => call(handlers, "account/read", {})),
      Effect.map((answer) =>
        assert.deepStrictEqual(answer, { account, userId: null, requiresOpenaiAuth, workspaceRouting: null })
      ),
      Effect.provide(
        Layer.mergeAll(
          Layer.succeed(ModelProvider, { stream: () => Stream.empty, ...model }),
          Config.layer({ home, cwd: "/srv", environment: {} }),
          Auth.layer({ home, environment: {}, allowApiKeyEnv: true }),
          OutboundRouter.layer
        ).pipe(Layer.provide(MemoryFiles.make({ ...files }).layer))
      )
    )
  )
})
