import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Auth from "../../../src/services/account/Auth.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"

const home = "/home/ada/.spindle"
const file = `${home}/auth.json`

const over = <A, E>(
  files: MemoryFiles.MemoryFiles,
  use: (auth: Auth.Auth["Service"]) => Effect.Effect<A, E>,
  options: Partial<Auth.AuthOptions> = {}
): Effect.Effect<A, E> =>
  Auth.Auth.use(use).pipe(
    Effect.provide(Auth.layer({ home, environment: {}, allowApiKeyEnv: false, ...options })),
    Effect.provide(files.layer)
  )

/** The key in the clear; null where there is none. */
const keyOf = (auth: Auth.Auth["Service"]) =>
  Effect.map(auth.apiKey, (key) => Option.getOrNull(Option.map(key, Redacted.value)))

describe("the API key", () => {
  const stored = { [file]: '{"auth_mode": "apikey", "OPENAI_API_KEY": " sk-file "}' }
  const environment = { CODEX_API_KEY: "sk-codex", OPENAI_API_KEY: "sk-env" }

  it.effect.each([
    ["the file", {}, false, stored, "sk-file"],
    ["the environment before the file", { OPENAI_API_KEY: "sk-env" }, false, stored, "sk-env"],
    ["no variable of others", environment, false, {}, "sk-env"],
    ["the variable of its own first, where that counts", environment, true, stored, "sk-codex"],
    ["no blank variable", { CODEX_API_KEY: "", OPENAI_API_KEY: "  " }, true, stored, "sk-file"],
    ["nowhere", {}, true, {}, null],
    ["no file that is damaged", {}, true, { [file]: '{"OPENAI_API_KEY":' }, null],
    ["no file with something else", {}, true, { [file]: "[1]" }, null],
    ["no file without a key", {}, true, { [file]: '{"OPENAI_API_KEY": null, "tokens": {}}' }, null],
    ["no file with an empty key", {}, true, { [file]: '{"OPENAI_API_KEY": ""}' }, null]
  ] as const)("comes from %s", ([, environment, allowApiKeyEnv, files, expected]) =>
    over(
      MemoryFiles.make({ ...files }),
      (auth) => Effect.map(keyOf(auth), (key) => assert.strictEqual(key, expected)),
      { environment, allowApiKeyEnv }
    )
  )

  it.effect("is looked for when it is asked for, and the file is read anew when it has changed", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make(stored)
      yield* over(files, (auth) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(files.reads, [])
          assert.strictEqual(yield* keyOf(auth), "sk-file")
          assert.strictEqual(yield* keyOf(auth), "sk-file")
          assert.deepStrictEqual(files.reads, [file])
          files.write(file, '{"OPENAI_API_KEY": "sk-new"}')
          assert.strictEqual(yield* keyOf(auth), "sk-new")
          files.remove(file)
          assert.strictEqual(yield* keyOf(auth), null)
        })
      )
    })
  )

  it.effect("is none where the file cannot be read", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make(stored)
      files.lock(file)
      assert.strictEqual(yield* over(files, keyOf), null)
    })
  )

  it.effect("shows itself to nobody", () =>
    over(MemoryFiles.make(stored), (auth) =>
      Effect.gen(function* () {
        const key = yield* auth.apiKey
        assert.isFalse(`${JSON.stringify(key)} ${String(Option.getOrNull(key))}`.includes("sk-file"))
      })
    )
  )
})

describe("the key of a provider", () => {
  it.effect("is the variable it names, unless that is blank", () =>
    over(
      MemoryFiles.make(),
      (auth) =>
        Effect.gen(function* () {
          const read = (variable: string) =>
            Effect.map(auth.environmentKey(variable), (key) => Option.getOrNull(Option.map(key, Redacted.value)))
          assert.deepStrictEqual(yield* Effect.forEach(["X_KEY", "BLANK", "NONE"], read), ["k", null, null])
        }),
      { environment: { X_KEY: " k ", BLANK: " " } }
    )
  )
})

describe("the account", () => {
  const none = { account: null, userId: null, workspaceRouting: null }

  it.effect("is told to providers that need one", () =>
    Effect.gen(function* () {
      const keyed = MemoryFiles.make({ [file]: '{"OPENAI_API_KEY": "sk-file"}' })
      const accounts = (files: MemoryFiles.MemoryFiles) =>
        over(files, (auth) => Effect.all([auth.account(true), auth.account(false)]))
      assert.deepStrictEqual(yield* accounts(MemoryFiles.make()), [
        { ...none, requiresOpenaiAuth: true },
        { ...none, requiresOpenaiAuth: false }
      ])
      assert.deepStrictEqual(yield* accounts(keyed), [
        { ...none, account: { type: "apiKey" }, requiresOpenaiAuth: true },
        { ...none, requiresOpenaiAuth: false }
      ])
    })
  )

  it.effect("of a test has the key it is given", () =>
    Auth.Auth.use(keyOf).pipe(
      Effect.map((key) => assert.strictEqual(key, "sk-test")),
      Effect.provide(Auth.layerTest({ apiKey: "sk-test" }))
    )
  )
})
