import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as ConfigHandlers from "../../../src/layers/handlers/Config.ts"
import type { ParamsOf } from "../../../src/protocol/Methods.ts"
import * as Config from "../../../src/services/config/Config.ts"
import { FileReplacement, FileReplacementError } from "../../../src/services/config/FileReplacement.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"
import { call } from "../../support/Requests.ts"

const home = "/home/ada/.spindle"
const userFile = `${home}/config.toml`

const settings = `# The model for everything.
model = "gpt-5.5" # the larger one
since = 1979-05-27T07:32:00Z

[features]
# Tried in October.
shell_tool = true
`

type Edit = Omit<ParamsOf<"config/value/write">, "mergeStrategy"> &
  Partial<Pick<ParamsOf<"config/value/write">, "mergeStrategy">>

/** A server with a user's file. `write` returns the answer or the error of one edit, `text` the file. */
const server = (source: string | undefined, options: Partial<Config.ConfigOptions> & { readonly full?: true } = {}) =>
  Effect.gen(function* () {
    const files = MemoryFiles.make(source === undefined ? {} : { [userFile]: source })
    let current = source
    const { full, ...config } = options
    const handlers = yield* ConfigHandlers.make.pipe(
      Effect.provide(Config.layer({ home, cwd: "/srv", environment: {}, ...config }).pipe(Layer.provide(files.layer))),
      Effect.provideService(FileReplacement, {
        replace: (path, text) =>
          full === true
            ? Effect.fail(new FileReplacementError({ path, code: "ENOSPC" }))
            : Effect.sync(() => {
                current = text
                files.write(path, text)
              }),
        remove: () => Effect.die("not expected")
      })
    )
    return {
      handlers,
      text: () => current,
      write: (edit: Edit) => Effect.result(call(handlers, "config/value/write", { mergeStrategy: "replace", ...edit })),
      edit: (text: string) => {
        current = text
        files.write(userFile, text)
      }
    }
  })

const refusal = <A, E>(result: Result.Result<A, E>) => (Result.isFailure(result) ? result.failure : "answered")

const refused = (code: string, message: string) => ({
  _tag: "RequestError" as const,
  code: -32600,
  message,
  data: { config_write_error_code: code }
})

describe("config/value/write", () => {
  it.effect("changes one setting and keeps comments, order and dates", () =>
    Effect.gen(function* () {
      const { text, write } = yield* server(settings)
      yield* write({ keyPath: "model", value: "gpt-5" })
      assert.strictEqual(text(), settings.replace('"gpt-5.5"', '"gpt-5"'))
      yield* write({ keyPath: "features.shell_tool", value: false })
      assert.strictEqual(text(), settings.replace('"gpt-5.5"', '"gpt-5"').replace("= true", "= false"))
    })
  )

  it.effect("makes the file and the tables on the way", () =>
    Effect.gen(function* () {
      const { text, write } = yield* server(undefined)
      yield* write({ keyPath: 'projects."/a/b.c".trust_level', value: "trusted" })
      assert.strictEqual(text(), '[projects]\n\n[projects."/a/b.c"]\ntrust_level = "trusted"\n')
    })
  )

  it.effect("merges a table, or replaces it", () =>
    Effect.gen(function* () {
      const { text, write } = yield* server('[mcp_servers.a]\ncommand = "x"\n')
      yield* write({ keyPath: "mcp_servers.a", value: { args: ["1"] }, mergeStrategy: "upsert" })
      assert.strictEqual(text(), '[mcp_servers.a]\ncommand = "x"\nargs = [ "1" ]\n')
      yield* write({ keyPath: "mcp_servers.a", value: { command: "y" } })
      assert.strictEqual(text(), '[mcp_servers.a]\ncommand = "y"\n')
      yield* write({ keyPath: "mcp_servers.a", value: null })
      assert.notInclude(text() ?? "", "command")
    })
  )

  it.effect("answers with the new version, which the next write may expect", () =>
    Effect.gen(function* () {
      const { edit, handlers, text, write } = yield* server(settings)
      const first = Result.getOrThrow(yield* write({ keyPath: "model", value: "a" }))
      const expectedVersion = "version" in first ? first.version : ""
      const { layers } = (yield* call(handlers, "config/read", { includeLayers: true })) as {
        layers: ReadonlyArray<{ name: { type: string }; version: string }>
      }
      assert.strictEqual(layers.find(({ name }) => name.type === "user")?.version, expectedVersion)
      assert.strictEqual(refusal(yield* write({ keyPath: "model", value: "b", expectedVersion })), "answered")
      const conflict = refused(
        "configVersionConflict",
        "Configuration was modified since last read. Fetch latest version and retry."
      )
      assert.deepInclude(refusal(yield* write({ keyPath: "model", value: "c", expectedVersion })), conflict)
      edit('model = "by hand"\n')
      assert.deepInclude(refusal(yield* write({ keyPath: "model", value: "c", expectedVersion })), conflict)
      assert.strictEqual(text(), 'model = "by hand"\n')
    })
  )

  it.effect("names the layer that overrides the written setting", () =>
    Effect.gen(function* () {
      const { write } = yield* server(settings, { cliOverrides: [["model", "flag"]] })
      const { overriddenMetadata, status } = Result.getOrThrow(yield* write({ keyPath: "model", value: "a" })) as {
        status: string
        overriddenMetadata: { message: string; effectiveValue: unknown; overridingLayer: { name: unknown } }
      }
      assert.deepStrictEqual(
        [
          status,
          overriddenMetadata.message,
          overriddenMetadata.effectiveValue,
          overriddenMetadata.overridingLayer.name
        ],
        ["okOverridden", "Overridden by session flags", "flag", { type: "sessionFlags" }]
      )
    })
  )

  const wrong: ReadonlyArray<readonly [sentence: string, edit: Edit, code: string, message: string]> = [
    ["an empty path", { keyPath: "", value: 1 }, "configValidationError", "keyPath must not be empty"],
    ["an empty segment", { keyPath: "a..b", value: 1 }, "configValidationError", "keyPath segments must not be empty"],
    ["an open quote", { keyPath: '"a', value: 1 }, "configValidationError", "unterminated quoted keyPath segment"],
    [
      "a value of the wrong type",
      { keyPath: "model", value: 5 },
      "configValidationError",
      "Invalid configuration: invalid type: integer `5`, expected a string\nin `model`\n"
    ],
    [
      "a path through a value",
      { keyPath: "model.sub", value: 5 },
      "configValidationError",
      "cannot set value on non-table parent"
    ],
    [
      "a null inside a value",
      { keyPath: "x", value: [{ a: null }] },
      "configValidationError",
      "invalid value: invalid type: null, expected any valid TOML value"
    ],
    [
      "another file",
      { keyPath: "model", value: "x", filePath: "/etc/codex/config.toml" },
      "configLayerReadonly",
      "Only writes to the user config are allowed"
    ],
    [
      "a relative file",
      { keyPath: "model", value: "x", filePath: "config.toml" },
      "configLayerReadonly",
      "Only writes to the user config are allowed"
    ],
    [
      "a setting of older releases",
      { keyPath: "profiles.a.model", value: "x" },
      "configValidationError",
      "`profiles` contains legacy config profile tables and can no longer be written; use `--profile <name>` with `<name>.config.toml` instead"
    ]
  ]
  for (const [sentence, edit, code, message] of wrong) {
    it.effect(`refuses ${sentence} and writes nothing`, () =>
      Effect.gen(function* () {
        const { text, write } = yield* server(settings)
        assert.deepInclude(refusal(yield* write(edit)), refused(code, message))
        assert.strictEqual(text(), settings)
      })
    )
  }

  it.effect("does not touch a file that is no TOML", () =>
    Effect.gen(function* () {
      const { text, write } = yield* server("model = \n")
      assert.deepInclude(refusal(yield* write({ keyPath: "model", value: "x" })), {
        code: -32603,
        message: `failed to load configuration: ${userFile}:1:9: string values must be quoted, expected literal string`
      })
      assert.strictEqual(text(), "model = \n")
    })
  )

  it.effect("repairs a setting that is wrong", () =>
    Effect.gen(function* () {
      const { text, write } = yield* server("model = 5 # wrong\n")
      assert.strictEqual(refusal(yield* write({ keyPath: "model", value: "x" })), "answered")
      assert.strictEqual(text(), 'model = "x" # wrong\n')
    })
  )

  it.effect("fails when the file cannot be replaced", () =>
    Effect.gen(function* () {
      const { write } = yield* server(settings, { full: true })
      assert.deepInclude(refusal(yield* write({ keyPath: "model", value: "x" })), {
        code: -32603,
        message: `${userFile} cannot be written (ENOSPC)`
      })
    })
  )
})

describe("config/batchWrite", () => {
  it.effect("makes all changes or none", () =>
    Effect.gen(function* () {
      const { handlers, text } = yield* server(settings)
      const edit = (keyPath: string, value: string) => ({ keyPath, value, mergeStrategy: "replace" as const })
      yield* call(handlers, "config/batchWrite", { edits: [edit("model", "a"), edit("model_verbosity", "low")] })
      assert.include(text() ?? "", 'model_verbosity = "low"')
      const before = text()
      const failed = yield* Effect.result(
        call(handlers, "config/batchWrite", { edits: [edit("model", "b"), edit("approval_policy", "bogus")] })
      )
      assert.isTrue(Result.isFailure(failed))
      assert.strictEqual(text(), before)
    })
  )
})
