import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ModelListResponse } from "../../../src/protocol/v2/model/Requests.ts"
import * as ModelCatalog from "../../../src/services/model/ModelCatalog.ts"

const visible = [
  "gpt-6.1-sol",
  "gpt-6-astra",
  "gpt-6-sol",
  "gpt-6-luna",
  "gpt-5.6-sol",
  "gpt-6.1-terra",
  "gpt-5.6-terra",
  "gpt-5.6-luna",
  "gpt-5.5"
]

const use = <A, E>(run: (catalog: ModelCatalog.ModelCatalog["Service"]) => Effect.Effect<A, E>) =>
  ModelCatalog.ModelCatalog.use(run).pipe(Effect.provide(ModelCatalog.layer))

const page = (params: { readonly cursor?: string; readonly limit?: number; readonly includeHidden?: boolean }) =>
  use((catalog) => Effect.map(catalog.list(params), ({ data, nextCursor }) => [data.map(({ id }) => id), nextCursor]))

describe("list", () => {
  it.effect("has the release's models in its order, one of them as the default", () =>
    use((catalog) =>
      Effect.gen(function* () {
        const { data, nextCursor } = yield* catalog.list({})
        assert.deepStrictEqual([data.map(({ id }) => id), nextCursor], [visible, null])
        assert.deepStrictEqual(
          data.filter(({ isDefault }) => isDefault).map(({ id }) => id),
          [catalog.defaultModel]
        )
        yield* Schema.decodeUnknownEffect(ModelListResponse())({ data, nextCursor })
      })
    )
  )

  it.effect("has only one model when the provider has only one", () =>
    use((catalog) =>
      Effect.gen(function* () {
        const listed = yield* catalog.list({ limit: 5 }, "mine")
        assert.deepStrictEqual(
          [listed.data.map(({ isDefault, model }) => [model, isDefault]), listed.nextCursor],
          [[["mine", true]], null]
        )
        yield* Schema.decodeUnknownEffect(ModelListResponse())(listed)
        const beyond = yield* Effect.result(catalog.list({ cursor: "2" }, "mine"))
        assert.isTrue(Result.isFailure(beyond))
      })
    )
  )

  it.effect("shows the hidden models on request", () =>
    Effect.gen(function* () {
      const [ids] = yield* page({ includeHidden: true })
      assert.deepStrictEqual(ids, [
        ...visible.slice(0, 8),
        "gpt-daybreak-blue-latest",
        "gpt-daybreak-red-latest",
        "gpt-5.5",
        "codex-auto-review"
      ])
    })
  )

  it.effect("pages by offset, with at least one model per page, and ends with the last model", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* page({ limit: 2 }), [visible.slice(0, 2), "2"])
      assert.deepStrictEqual(yield* page({ limit: 2, cursor: "2" }), [visible.slice(2, 4), "4"])
      assert.deepStrictEqual(yield* page({ limit: 2, cursor: "8" }), [visible.slice(8), null])
      assert.deepStrictEqual(yield* page({ limit: 9 }), [visible, null])
      assert.deepStrictEqual(yield* page({ limit: 0 }), [visible.slice(0, 1), "1"])
      assert.deepStrictEqual(yield* page({ cursor: "9" }), [[], null])
      assert.deepStrictEqual(yield* page({ cursor: "+1", limit: 1 }), [visible.slice(1, 2), "2"])
    })
  )

  it.effect.each([
    ["garbage", "invalid cursor: garbage"],
    ["-1", "invalid cursor: -1"],
    ["", "invalid cursor: "],
    ["1.5", "invalid cursor: 1.5"],
    ["99", "cursor 99 exceeds total models 9"]
  ] as const)("refuses a cursor that it did not issue: %j", ([cursor, message]) =>
    Effect.gen(function* () {
      const result = yield* Effect.result(page({ cursor }))
      assert.strictEqual(Result.isFailure(result) ? result.failure.message : undefined, message)
    })
  )

  it.effect.prop("lists every model exactly once, for any page size", [Schema.Int], ([size]) =>
    Effect.gen(function* () {
      const limit = (Math.abs(size) % 12) + 1
      const seen: Array<unknown> = []
      let cursor: string | undefined = "0"
      while (cursor !== undefined) {
        const [ids, next]: ReadonlyArray<unknown> = yield* page({ limit, cursor })
        if (Array.isArray(ids)) seen.push(...ids)
        cursor = typeof next === "string" ? next : undefined
      }
      assert.deepStrictEqual(seen, visible)
    })
  )
})

describe("metadata", () => {
  it.effect("knows how a model is called", () =>
    use((catalog) =>
      Effect.sync(() => {
        const facts = (model: string) => {
          const { contextWindow, defaultEffort, known, responsesLite, supportsParallelToolCalls, verbosity } =
            catalog.metadata(model)
          return [known, contextWindow, defaultEffort, verbosity, responsesLite, supportsParallelToolCalls]
        }
        assert.deepStrictEqual(["gpt-6.1-sol", "gpt-6.1-terra", "gpt-daybreak-red-latest", "gpt-5.5"].map(facts), [
          [true, 258_400, "low", "low", true, false],
          [true, 475_000, "low", "low", true, false],
          [true, 353_400, "medium", "high", true, false],
          [true, 258_400, "medium", "low", false, true]
        ])
      })
    )
  )

  it.effect("makes conservative assumptions about an unknown model", () =>
    use((catalog) =>
      Effect.sync(() => {
        assert.deepStrictEqual(catalog.metadata("gpt-5"), {
          model: "gpt-5",
          known: false,
          contextWindow: 258_400,
          defaultEffort: null,
          supportedEfforts: [],
          defaultSummary: "auto",
          verbosity: null,
          supportsApplyPatch: false,
          supportsParallelToolCalls: true,
          responsesLite: false,
          serviceTiers: [],
          defaultServiceTier: null
        })
      })
    )
  )

  it.effect("recognises dated names and one namespace, case-sensitively", () =>
    use((catalog) =>
      Effect.sync(() => {
        const names = [
          "gpt-5.5-foo",
          "x/gpt-5.5",
          "openai/gpt-6.1-sol-2026",
          "GPT-5.5",
          "a/b/gpt-5.5",
          "/gpt-5.5",
          "gpt"
        ]
        assert.deepStrictEqual(
          names.map((name) => {
            const { known, model, verbosity } = catalog.metadata(name)
            return [model, known, verbosity]
          }),
          [
            ["gpt-5.5-foo", true, "low"],
            ["x/gpt-5.5", true, "low"],
            ["openai/gpt-6.1-sol-2026", true, "low"],
            ["GPT-5.5", false, null],
            ["a/b/gpt-5.5", false, null],
            ["/gpt-5.5", false, null],
            ["gpt", false, null]
          ]
        )
      })
    )
  )
})
