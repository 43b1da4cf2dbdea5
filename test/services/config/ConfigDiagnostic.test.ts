import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { effective, failure, home, over, overFiles, project, userFile } from "../../support/Configs.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"

describe("a configuration error", () => {
  const unquoted = "string values must be quoted, expected literal string"
  const at = (file: string, line: number, start: number, end: number) => ({
    path: file,
    range: { start: { line, column: start }, end: { line, column: end } }
  })

  it.effect.each([
    ["syntax", "model = \n", `${userFile}:1:9: ${unquoted}`, at(userFile, 1, 9, 9)],
    ["kind", "\nmodel = 5\n", `${userFile}:2:9: invalid type: integer \`5\`, expected a string`, at(userFile, 2, 9, 9)],
    ["provider", 'model_provider = "nope"\n', "Model provider `nope` not found", { path: null }],
    [
      "profile",
      'profile = "x"\n',
      '`profile = "x"` is no longer supported; move the settings of the profile to the top level',
      { path: null }
    ],
    [
      "instructions file",
      'model_instructions_file = "no.md"\n',
      `failed to read model instructions file ${home}/no.md: No such file or directory (os error 2)`,
      { path: null }
    ],
    [
      "provider without a name",
      '[model_providers.x]\nbase_url = "http://x"\n',
      `${userFile}:1:2: model_providers.x: provider name must not be empty`,
      at(userFile, 1, 2, 16)
    ],
    [
      "provider of a reserved name",
      '[model_providers.openai]\nname = "X"\n',
      `${userFile}:1:2: model_providers contains reserved built-in provider IDs: \`openai\`. Built-in providers cannot be overridden. Rename your custom provider (for example, \`openai-custom\`).`,
      at(userFile, 1, 2, 16)
    ],
    [
      "permission profile",
      'default_permissions = "mine"\n',
      "default_permissions requires a `[permissions]` table",
      { path: null }
    ]
  ] as const)(
    "of the user (%s) is a warning at the start and an error for each request that needs the setting",
    ([, text, details, where]) =>
      over({ [userFile]: text }, (config) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(config.warnings, [
            { summary: "Invalid configuration; using defaults.", details, ...where }
          ])
          const error = yield* failure(effective()(config))
          assert.strictEqual(error?.message, `failed to load configuration: ${details}`)
        })
      )
  )

  it.effect("is gone once it is fixed", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({ [userFile]: "model = \n" })
      yield* overFiles(files, (config) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* failure(config.read({})))?.reason, "syntax")
          files.write(userFile, 'model = "ok"\n')
          assert.strictEqual((yield* effective()(config)).model, "ok")
        })
      )
    })
  )

  it.effect.each([
    [
      "a withdrawn setting",
      { [userFile]: 'approval_policy = "untrusted"\n' },
      [],
      'approval_policy = "untrusted" is no longer supported; remove this setting'
    ],
    ["a flag of the wrong kind", {}, [["model", 5]], "invalid type: integer `5`, expected a string\nin `model`\n"],
    ["a flag that names no provider", {}, [["model_provider", "nope"]], "Model provider `nope` not found"],
    ["the system's file", { "/etc/codex/config.toml": "model =\n" }, [], `/etc/codex/config.toml:1:8: ${unquoted}`],
    [
      "the managed file",
      { "/etc/codex/managed_config.toml": "model=5\n" },
      [],
      "/etc/codex/managed_config.toml:1:7: invalid type: integer `5`, expected a string"
    ],
    [
      "a contradictory requirement",
      { "/etc/codex/requirements.toml": "allowed_approval_policies = []\n" },
      [],
      "field `allowed_approval_policies` cannot be empty"
    ]
  ] as const)("fails the start: %s", ([, files, cliOverrides, summary]) =>
    Effect.gen(function* () {
      const error = yield* failure(over(files, () => Effect.void, { cliOverrides }))
      assert.strictEqual(error?.summary, summary)
    })
  )

  it.effect("in the parameters of a request names the setting and fails only that request", () =>
    over({}, (config) =>
      Effect.gen(function* () {
        const error = yield* failure(effective(null, { "history.persistence": "x" })(config))
        assert.deepStrictEqual(
          { reason: error?.reason, key: error?.key, message: error?.message },
          {
            reason: "value",
            key: "history.persistence",
            message:
              "failed to load configuration: unknown variant `x`, expected `save-all` or `none`\nin `history.persistence`\n"
          }
        )
        assert.strictEqual((yield* effective()(config)).model, null)
      })
    )
  )

  it.effect("of permissions is reported as such", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({ [userFile]: "" })
      files.lock(userFile)
      yield* overFiles(files, (config) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(config.warnings, [
            {
              summary: "Invalid configuration; using defaults.",
              details: `Failed to read config file ${userFile}: permission denied`,
              path: userFile
            }
          ])
          assert.strictEqual((yield* failure(config.read({})))?.reason, "unreadable")
        })
      )
    })
  )

  it.effect("in a key is ignored, and reported once per server and thread", () =>
    over(
      { [userFile]: 'modle = "x"\na = 1\n[model_providers.x]\nname = "X"\nbase_ulr = "y"\n' },
      (config) =>
        Effect.gen(function* () {
          const summary = [
            "Ignoring 4 unrecognized configuration settings. Check for typos or deprecated settings.",
            "  session-flags: `foo` is ignored.",
            `  user (${userFile}): \`a\` is ignored.`,
            `  user (${userFile}): \`model_providers.x.base_ulr\` is ignored.`,
            "  ... and 1 more ignored setting."
          ].join("\n")
          assert.deepStrictEqual(config.warnings, [{ summary, details: null, path: null }])
          assert.deepStrictEqual((yield* effective()(config)).warnings, [summary])
        }),
      { cliOverrides: [["foo", 1]] }
    )
  )

  it.effect("of a project whose file is not a regular file fails requests in that project, not the start", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({ [`${project}/.codex/config.toml`]: "" })
      files.lock(`${project}/.codex/config.toml`, "notRegular")
      const detail = `Failed to read project config file ${project}/.codex/config.toml: path \`${project}/.codex/config.toml\` is not a file`
      yield* overFiles(files, (config) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(
            config.warnings.map(({ details }) => details),
            [detail]
          )
          assert.strictEqual(
            (yield* failure(effective(project)(config)))?.message,
            `failed to load configuration: ${detail}`
          )
          assert.strictEqual((yield* effective("/srv/other")(config)).modelProvider, "openai")
        })
      )
    })
  )

  it.effect.each(["requirements.toml", "managed_config.toml", "config.toml"])(
    "of the machine fails the start: %s cannot be read",
    (name) =>
      Effect.gen(function* () {
        const files = MemoryFiles.make({ [`/etc/codex/${name}`]: "" })
        files.lock(`/etc/codex/${name}`, "tooLarge")
        assert.include((yield* failure(overFiles(files, () => Effect.void)))?.message, `/etc/codex/${name}`)
      })
  )

  it.effect("of a request that is nested too deeply, or has too many markers, fails only that request", () =>
    over({}, (config) =>
      Effect.gen(function* () {
        const refusal = (overrides: Readonly<Record<string, unknown>>) =>
          Effect.map(failure(effective(project, overrides)(config)), (error) => [error?.reason, error?.detail])
        assert.deepStrictEqual(yield* refusal({ [`a${".a".repeat(50_000)}`]: 1 }), [
          "value",
          "nested deeper than 127 levels"
        ])
        let deep: unknown = 1
        for (let level = 0; level < 50_000; level++) deep = [deep]
        assert.deepStrictEqual(yield* refusal({ a: deep }), ["value", "nested deeper than 127 levels"])
        const markers = Array.from({ length: 33 }, (_, index) => `marker-${index}`)
        assert.deepStrictEqual(yield* refusal({ project_root_markers: markers }), ["value", "more than 32 names"])
      })
    )
  )
})
