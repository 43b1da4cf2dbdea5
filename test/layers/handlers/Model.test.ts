import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as ModelHandlers from "../../../src/layers/handlers/Model.ts"
import type { ParamsOf } from "../../../src/protocol/Methods.ts"
import * as Config from "../../../src/services/config/Config.ts"
import * as ModelCatalog from "../../../src/services/model/ModelCatalog.ts"
import { ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import { call } from "../../support/Requests.ts"

const list = (
  params: ParamsOf<"model/list">,
  model: Partial<ModelProvider["Service"]> = {},
  effective: Partial<Config.EffectiveConfig> = {}
) =>
  ModelHandlers.make.pipe(
    Effect.flatMap((handlers) => call(handlers, "model/list", params)),
    Effect.provide([
      Config.layerTest({ effective }),
      ModelCatalog.layer,
      Layer.succeed(ModelProvider, { stream: () => Stream.empty, ...model })
    ])
  )

const offline = { provider: "offline", model: "offline" }
/** Like the server's default model, which depends on the provider. */
const byProvider = { answersAs: (provider: string) => (provider === "offline" ? offline : undefined) }

const idsOf = (
  params: ParamsOf<"model/list">,
  ...rest: [Partial<ModelProvider["Service"]>, Partial<Config.EffectiveConfig>?]
) =>
  Effect.map(list(params, ...rest), (page) =>
    "data" in page ? page.data.map(({ id, isDefault }) => (isDefault ? `${id} by default` : id)) : []
  )

describe("model/list", () => {
  it.effect("pages through the catalogue, for every configured provider", () =>
    Effect.gen(function* () {
      const one = yield* list({ limit: 1, cursor: null })
      assert.strictEqual("data" in one ? `${one.data[0]?.id} ${one.nextCursor}` : "", "gpt-6.1-sol 1")
      assert.deepStrictEqual(yield* list({ limit: 1, modelProvider: "ollama" }), one)
    })
  )

  it.effect("has only the offline model when that provider is configured or requested", () =>
    Effect.gen(function* () {
      const alone = ["offline by default"]
      assert.deepStrictEqual(yield* idsOf({}, byProvider, { modelProvider: "offline" }), alone)
      assert.deepStrictEqual(yield* idsOf({ modelProvider: "offline" }, byProvider), alone)
      const catalogue = yield* idsOf({}, byProvider)
      assert.deepStrictEqual([catalogue.length, catalogue.includes("offline")], [9, false])
      assert.deepStrictEqual(
        yield* idsOf({ modelProvider: "openai" }, byProvider, { modelProvider: "offline" }),
        catalogue
      )
    })
  )

  it.effect("has only the named model of an embedding program", () =>
    Effect.gen(function* () {
      const own = { answersAs: () => ({ provider: "mine", model: "one" }) }
      assert.deepStrictEqual(yield* idsOf({}, own), ["one by default"])
      assert.deepStrictEqual(yield* idsOf({ modelProvider: "mine" }, own), ["one by default"])
    })
  )

  it.effect.each([
    [
      { modelProvider: "nope" },
      "This chat uses model provider “nope”, which is no longer configured. Restore this provider’s configuration to continue.",
      { type: "modelProviderNotConfigured", modelProvider: "nope" }
    ],
    [
      { modelProvider: "toString" },
      "This chat uses model provider “toString”, which is no longer configured. Restore this provider’s configuration to continue.",
      { type: "modelProviderNotConfigured", modelProvider: "toString" }
    ],
    [{ cursor: "x" }, "invalid cursor: x", undefined],
    [{ cursor: "99" }, "cursor 99 exceeds total models 9", undefined]
  ] as const)("refuses %j", ([params, message, data]) =>
    Effect.gen(function* () {
      const result = yield* Effect.result(list(params))
      assert.deepInclude(Result.isFailure(result) ? result.failure : {}, {
        _tag: "RequestError",
        code: -32600,
        message,
        ...(data === undefined ? {} : { data })
      })
    })
  )
})
