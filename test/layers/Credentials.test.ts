import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as AppServer from "../../src/layers/AppServer.ts"
import * as Auth from "../../src/services/account/Auth.ts"
import { AppServerClient } from "../../src/services/client/AppServerClient.ts"

const account = { type: "apiKey" } as const

describe("the option `auth`", () => {
  it.live.each<readonly [string, AppServer.AppServerOptions, typeof account | null]>([
    ["finds CODEX_API_KEY without it", {}, account],
    ["finds CODEX_API_KEY when it is allowed", { auth: { allowApiKeyEnv: true } }, account],
    ["does not find CODEX_API_KEY when it is not allowed", { auth: { allowApiKeyEnv: false } }, null],
    ["has only the credentials of the program", { auth: Auth.layerTest() }, null]
  ])("%s", ([, options, expected]) =>
    Effect.gen(function* () {
      const home = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped({ prefix: "spindle-auth-" })
      const client = AppServer.client({
        home,
        environment: { CODEX_API_KEY: "sk" },
        clientName: "test",
        clientVersion: "1",
        ...options
      })
      const answer = yield* Effect.provide(
        Effect.flatMap(AppServerClient, ({ request }) => request("account/read", {})),
        client
      )
      assert.deepStrictEqual(answer.account, expected)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
