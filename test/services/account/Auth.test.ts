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

/** The key as plain text; null when there is none. */
const keyOf = (auth: Auth.Auth["Service"]) =>
  Effect.map(auth.apiKey, (key) => Option.getOrNull(Option.map(key, Redacted.value)))

describe("the API key", () => {
  const stored = { [file]: '{"auth_mode": "apikey", "OPENAI_API_KEY": " sk-file "}' }
  const environment = { CODEX_API_KEY: "sk-codex", OPENAI_API_KEY: "sk-env" }

  it.effect.each([
    ["the file", {}, false, stored, "sk-file"],
    ["the environment rather than the file", { OPENAI_API_KEY: "sk-env" }, false, stored, "sk-env"],
    ["OPENAI_API_KEY only, where CODEX_API_KEY is not allowed", environment, false, {}, "sk-env"],
    ["CODEX_API_KEY first, where it is allowed", environment, true, stored, "sk-codex"],
    ["the file when the variables are blank", { CODEX_API_KEY: "", OPENAI_API_KEY: "  " }, true, stored, "sk-file"],
    ["no source, when there is neither", {}, true, {}, null],
    ["no source, when the file is invalid", {}, true, { [file]: '{"OPENAI_API_KEY":' }, null],
    ["no source, when the file has other content", {}, true, { [file]: "[1]" }, null],
    ["no source, when the file has no key", {}, true, { [file]: '{"OPENAI_API_KEY": null, "tokens": {}}' }, null],
    ["no source, when the key in the file is empty", {}, true, { [file]: '{"OPENAI_API_KEY": ""}' }, null]
  ] as const)("comes from %s", ([, environment, allowApiKeyEnv, files, expected]) =>
    over(
      MemoryFiles.make({ ...files }),
      (auth) => Effect.map(keyOf(auth), (key) => assert.strictEqual(key, expected)),
      { environment, allowApiKeyEnv }
    )
  )

  it.effect("is read on demand, and the file is read again when it has changed", () =>
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

  it.effect("is none when the file cannot be read", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make(stored)
      files.lock(file)
      assert.strictEqual(yield* over(files, keyOf), null)
    })
  )

  it.effect("is never printed", () =>
    over(MemoryFiles.make(stored), (auth) =>
      Effect.gen(function* () {
        const key = yield* auth.apiKey
        assert.isFalse(`${JSON.stringify(key)} ${String(Option.getOrNull(key))}`.includes("sk-file"))
      })
    )
  )
})

describe("the key of a provider", () => {
  it.effect("is the variable that it names, unless that is blank", () =>
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

  it.effect("is reported for providers that need one", () =>
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

  it.effect("of a test layer has the given key", () =>
    Auth.Auth.use(keyOf).pipe(
      Effect.map((key) => assert.strictEqual(key, "sk-test")),
      Effect.provide(Auth.layerTest({ apiKey: "sk-test" }))
    )
  )
})
