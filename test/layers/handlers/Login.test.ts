import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as AccountHandlers from "../../../src/layers/handlers/Account.ts"
import * as LoginHandlers from "../../../src/layers/handlers/Login.ts"
import * as Auth from "../../../src/services/account/Auth.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { FileReplacement, FileReplacementError } from "../../../src/services/config/FileReplacement.ts"
import * as Reply from "../../../src/services/connection/Reply.ts"
import { ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import { encode } from "../../../src/services/routing/OutboundMessage.ts"
import * as OutboundRouter from "../../../src/services/routing/OutboundRouter.ts"
import { openConnection } from "../../support/Connections.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { takeFrom } from "../../support/Queues.ts"

const home = "/home/ada/.spindle"
const authFile = `${home}/auth.json`

/** The handlers of a server with a client that reads notifications. */
const server = (options: { readonly full?: true; readonly auth?: Layer.Layer<Auth.Auth> } = {}) =>
  Effect.gen(function* () {
    const files = MemoryFiles.make()
    const stored = new Map<string, string>()
    const router = yield* OutboundRouter.make
    const services = Layer.mergeAll(
      options.auth ?? Auth.layer({ home, environment: {}, allowApiKeyEnv: false }).pipe(Layer.provide(files.layer)),
      Config.layerTest({ home }),
      Layer.succeed(ModelProvider, { stream: () => Stream.empty }),
      Layer.succeed(OutboundRouter.OutboundRouter, router),
      Layer.succeed(FileReplacement, {
        replace: (path, text) =>
          options.full === true
            ? Effect.fail(new FileReplacementError({ path, code: "ENOSPC" }))
            : Effect.sync(() => {
                stored.set(path, text)
                files.write(path, text)
              }),
        remove: (path) =>
          Effect.sync(() => {
            stored.delete(path)
            files.remove(path)
          })
      })
    )
    const handlers = yield* Effect.all([LoginHandlers.make, AccountHandlers.make]).pipe(
      Effect.map(([login, account]) => ({ ...login, ...account })),
      Effect.provide(services)
    )
    const connection = yield* openConnection()
    yield* router.connect(connection)
    const context = { connection, requestId: 1, trace: undefined, extensions: undefined }
    const notified = Effect.map(takeFrom(connection.outgoing), (message): unknown => {
      const { method, params } = JSON.parse(encode(message))
      return [method, params]
    })
    return { handlers, context, stored, notified }
  })

/** The result of an answer, after what follows it. */
const settled = Effect.fnUntraced(function* <A>(answer: A | Reply.Reply<A>) {
  if (!(answer instanceof Reply.Reply)) return answer
  const { commit, result } = answer.take()
  yield* commit ?? Effect.void
  return result
})

const message = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure.message : "no error"))

const login = { type: "apiKey", apiKey: "sk-secret" } as const

describe("a login with an API key", () => {
  it.effect("stores the key, and every client learns of it", () =>
    Effect.gen(function* () {
      const { context, handlers, notified, stored } = yield* server()
      assert.deepStrictEqual(yield* settled(yield* handlers["account/login/start"](login, context)), { type: "apiKey" })
      assert.deepStrictEqual(JSON.parse(stored.get(authFile) ?? ""), {
        auth_mode: "apikey",
        OPENAI_API_KEY: "sk-secret"
      })
      assert.deepStrictEqual(yield* notified, [
        "account/login/completed",
        { loginId: null, success: true, error: null, onboardingEntrypoint: null }
      ])
      assert.deepStrictEqual(yield* notified, ["account/updated", { authMode: "apikey", planType: null }])
      const read = yield* settled(yield* handlers["account/read"]({}, context))
      assert.deepStrictEqual(read.account, { type: "apiKey" })
    })
  )

  it.effect("shows the key only to a client that asks for it", () =>
    Effect.gen(function* () {
      const { context, handlers } = yield* server()
      yield* handlers["account/login/start"](login, context)
      const status = (params: object) => Effect.flatMap(handlers.getAuthStatus(params, context), settled)
      assert.deepStrictEqual(yield* status({}), { authMethod: "apikey", authToken: null, requiresOpenaiAuth: true })
      assert.deepStrictEqual(yield* status({ includeToken: true }), {
        authMethod: "apikey",
        authToken: "sk-secret",
        requiresOpenaiAuth: true
      })
    })
  )

  it.effect("ends with a logout", () =>
    Effect.gen(function* () {
      const { context, handlers, notified, stored } = yield* server()
      yield* handlers["account/login/start"](login, context)
      assert.deepStrictEqual(yield* settled(yield* handlers["account/logout"](undefined, context)), {})
      assert.strictEqual(stored.size, 0)
      assert.deepStrictEqual(yield* notified, ["account/updated", { authMode: null, planType: null }])
      const read = yield* settled(yield* handlers["account/read"]({}, context))
      assert.strictEqual(read.account, null)
    })
  )

  it.effect("fails without the key in its text when it cannot be stored", () =>
    Effect.gen(function* () {
      const { context, handlers } = yield* server({ full: true })
      const text = yield* message(handlers["account/login/start"](login, context))
      assert.strictEqual(text, `${authFile} cannot be written (ENOSPC)`)
    })
  )

  it.effect("is refused where the program provides the credentials", () =>
    Effect.gen(function* () {
      const { context, handlers } = yield* server({ auth: Auth.layerTest({ apiKey: "own" }) })
      const refusal = "the program that runs this server provides the credentials; they cannot be changed here"
      assert.strictEqual(yield* message(handlers["account/login/start"](login, context)), refusal)
      assert.strictEqual(yield* message(handlers["account/logout"](undefined, context)), refusal)
    })
  )
})

describe("other logins", () => {
  it.effect("are refused", () =>
    Effect.gen(function* () {
      const { context, handlers } = yield* server()
      assert.strictEqual(
        yield* message(handlers["account/login/start"]({ type: "chatgptDeviceCode" }, context)),
        "a login of the kind `chatgptDeviceCode` is not supported by this server; log in with an API key"
      )
    })
  )

  it.effect("cannot be cancelled, because none goes on", () =>
    Effect.gen(function* () {
      const { context, handlers } = yield* server()
      const cancel = (loginId: string) => handlers["account/login/cancel"]({ loginId }, context)
      assert.deepStrictEqual(yield* settled(yield* cancel("00000000-0000-4000-8000-000000000000")), {
        status: "notFound"
      })
      assert.strictEqual(yield* message(cancel("nope")), "invalid login id: nope")
    })
  )
})
