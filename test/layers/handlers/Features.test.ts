import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as FeatureHandlers from "../../../src/layers/handlers/Features.ts"
import type { GatewayAuth } from "../../../src/protocol/v2/model/Provider.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { call } from "../../support/Requests.ts"

const handlers = (effective: Partial<Config.EffectiveConfig> = {}) =>
  FeatureHandlers.make.pipe(Effect.provide(Config.layerTest({ effective })))

const ids = ["data", "nextCursor"]

describe("permissionProfile/list", () => {
  const profiles = [":read-only", ":workspace", ":danger-full-access"]

  it.effect("has the built-in profiles, and those of the configuration as not allowed", () =>
    Effect.gen(function* () {
      const served = yield* handlers({ settings: { permissions: { mine: { description: "My own" } } } })
      assert.deepStrictEqual(yield* call(served, "permissionProfile/list", {}), {
        data: [
          ...profiles.map((id) => ({ id, description: null, allowed: true })),
          { id: "mine", description: "My own", allowed: false }
        ],
        nextCursor: null
      })
    })
  )

  it.effect("marks those that the requirements forbid", () =>
    Effect.gen(function* () {
      const { bounds } = Config.defaults()
      const values = [":read-only"]
      const served = yield* handlers({
        bounds: { ...bounds, profiles: { values, origin: "r", fallback: ":read-only" } }
      })
      const { data } = (yield* call(served, "permissionProfile/list", {})) as {
        data: ReadonlyArray<{ allowed: boolean }>
      }
      assert.deepStrictEqual(
        data.map(({ allowed }) => allowed),
        [true, false, false]
      )
    })
  )

  it.effect("is paged, and refuses other cursors", () =>
    Effect.gen(function* () {
      const served = yield* handlers()
      const pages: Array<unknown> = []
      let cursor: string | null = null
      do {
        const page: { data: ReadonlyArray<{ id: string }>; nextCursor: string | null } = (yield* call(
          served,
          "permissionProfile/list",
          { cursor, limit: 2 }
        )) as never
        assert.deepStrictEqual(Object.keys(page), ids)
        pages.push(page.data.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== null)
      assert.deepStrictEqual(pages, [profiles.slice(0, 2), profiles.slice(2)])
      const refused = yield* Effect.result(call(served, "permissionProfile/list", { cursor: "x" }))
      assert.isTrue(Result.isFailure(refused) && refused.failure.message === "invalid cursor: x")
    })
  )
})

describe("modelProvider/list", () => {
  it.effect("shows how a provider is authenticated, and no credential", () =>
    Effect.gen(function* () {
      const { providers } = Config.defaults()
      const base = {
        ...providers["openai"]!,
        name: "Mine",
        baseUrl: "http://localhost/v1",
        envKey: null,
        envHeaders: {}
      }
      const served = yield* handlers({
        modelProvider: "b",
        providers: {
          ...providers,
          a: { ...base, id: "a", envKey: "A_KEY" },
          b: { ...base, id: "b" },
          c: { ...base, id: "c", bearerToken: Redacted.make("secret") }
        }
      })
      const gateway = (id: string, auth: GatewayAuth) => ({
        id,
        name: "Mine",
        canEdit: true,
        baseUrl: "http://localhost/v1",
        settings: { type: "customGateway" as const, auth }
      })
      assert.deepStrictEqual(yield* call(served, "modelProvider/list", {}), {
        data: [
          gateway("a", { mode: "environmentVariable", envKey: "A_KEY" }),
          gateway("b", { mode: "none" }),
          gateway("c", { mode: "externallyConfigured", envKey: null }),
          { id: "openai", name: "OpenAI", canEdit: false, baseUrl: null, settings: { type: "openai" } }
        ],
        defaultProviderId: "b",
        canChangeDefault: true
      })
    })
  )
})

describe("experimentalFeature/list", () => {
  it.effect("has the state of each feature in the configuration", () =>
    Effect.gen(function* () {
      const served = yield* handlers({ settings: { features: { shell_tool: false, goals: { enabled: false } } } })
      const { data } = (yield* call(served, "experimentalFeature/list", {})) as {
        data: ReadonlyArray<{ name: string; enabled: boolean; defaultEnabled: boolean }>
      }
      const states = Object.fromEntries(
        data.map(({ defaultEnabled, enabled, name }) => [name, [enabled, defaultEnabled]])
      )
      assert.deepStrictEqual(
        { shell: states["shell_tool"], goals: states["goals"], exec: states["unified_exec"] },
        { shell: [false, true], goals: [false, true], exec: [true, true] }
      )
    })
  )
})
