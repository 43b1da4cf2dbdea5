import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ModelHandlers from "../../../src/layers/handlers/model.ts"
import type { ParamsOf } from "../../../src/protocol/methods/ClientRequests.ts"
import * as Config from "../../../src/services/Config.ts"
import * as ModelCatalog from "../../../src/services/ModelCatalog.ts"
import { call } from "../../support/Requests.ts"

const list = (params: ParamsOf<"model/list">) =>
  ModelHandlers.make.pipe(
    Effect.flatMap((handlers) => call(handlers, "model/list", params)),
    Effect.provide([Config.layerTest(), ModelCatalog.layer])
  )

describe("model/list", () => {
  it.effect("pages through the catalogue, whichever provider is configured", () =>
    Effect.gen(function* () {
      const one = yield* list({ limit: 1, cursor: null })
      assert.strictEqual("data" in one ? `${one.data[0]?.id} ${one.nextCursor}` : "", "gpt-6.1-sol 1")
      assert.deepStrictEqual(yield* list({ limit: 1, modelProvider: "ollama" }), one)
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
