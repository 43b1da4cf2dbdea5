import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Config from "../../../src/services/config/Config.ts"
import { unbounded } from "../../../src/services/config/Bounds.ts"
import {
  effective,
  emptyVersion,
  failure,
  home,
  over,
  overFiles,
  system,
  trust,
  user,
  userFile,
  workspace
} from "../../support/Configs.ts"
import * as MemoryFiles from "../../support/MemoryFiles.ts"

describe("the configuration without settings", () => {
  it.effect("is the release's", () =>
    over({}, (config) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(config.warnings, [])
        const { providers, ...rest } = yield* config.effective({ cwd: null, overrides: {} })
        assert.deepStrictEqual(rest, {
          model: null,
          modelProvider: "openai",
          approvalPolicy: "on-request",
          approvalsReviewer: "user",
          sandboxPolicy: { type: "readOnly", networkAccess: false },
          activePermissionProfile: ":read-only",
          reasoningEffort: null,
          reasoningSummary: null,
          serviceTier: null,
          baseInstructions: null,
          developerInstructions: null,
          shellEnvironmentPolicy: {
            inherit: "all",
            ignoreDefaultExcludes: null,
            exclude: [],
            set: new Map(),
            includeOnly: [],
            useProfile: false
          },
          projectDocMaxBytes: 32_768,
          warnings: [],
          settings: {},
          requirementRules: null,
          requirementMcpServers: null,
          allowedWebSearchModes: null,
          bounds: unbounded,
          ruleFolders: [
            { path: "/etc/codex/rules", mayAllow: true },
            { path: "/home/ada/.spindle/rules", mayAllow: true },
            { path: "/srv/project/.codex/rules", mayAllow: false, within: "/srv/project" }
          ],
          hooks: {
            sources: [
              { path: "/etc/codex/hooks.json", origin: "system", isManaged: true },
              { path: "/home/ada/.spindle/hooks.json", origin: "user", isManaged: false }
            ],
            states: {}
          }
        })
        assert.deepStrictEqual(providers["openai"], {
          id: "openai",
          name: "OpenAI",
          baseUrl: "https://api.openai.com/v1",
          envKey: "OPENAI_API_KEY",
          headers: {},
          envHeaders: { "OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT" },
          queryParams: {},
          requestMaxRetries: 4,
          streamMaxRetries: 5,
          streamIdleTimeoutMs: 300_000,
          requiresOpenaiAuth: true
        })
        assert.deepStrictEqual(
          { ...rest, ruleFolders: [], hooks: { sources: [], states: {} }, providers },
          Config.defaults()
        )
        assert.deepStrictEqual(yield* config.requirements, { supportsIndependentSpeedModes: true, requirements: null })
        const read = yield* config.read({ includeLayers: true })
        assert.deepStrictEqual(
          { origins: read.origins, layers: read.layers },
          {
            origins: {},
            layers: [
              { name: user, version: emptyVersion, config: {} },
              { name: system, version: emptyVersion, config: {} }
            ]
          }
        )
      })
    )
  )
})

describe("instructions for the model", () => {
  it.effect("come from the named file, which takes precedence over the setting", () =>
    Effect.gen(function* () {
      const files = MemoryFiles.make({
        [userFile]: 'model_instructions_file = "base.md"\ninstructions = "setting"\ndeveloper_instructions = "dev"\n',
        [`${home}/base.md`]: "\n  from the file \n"
      })
      yield* overFiles(files, (config) =>
        Effect.gen(function* () {
          const { baseInstructions, developerInstructions } = yield* effective()(config)
          assert.deepStrictEqual([baseInstructions, developerInstructions], ["from the file", "dev"])
          files.write(`${home}/base.md`, "  \n")
          assert.strictEqual(
            (yield* failure(effective()(config)))?.summary,
            `model instructions file is empty: ${home}/base.md`
          )
        })
      )
    })
  )

  it.effect("count as not set when they are blank", () =>
    over({ [userFile]: 'model = " "\ninstructions = ""\nservice_tier = "fast"\n' }, (config) =>
      Effect.gen(function* () {
        const { baseInstructions, model, serviceTier } = yield* effective()(config)
        assert.deepStrictEqual([model, baseInstructions, serviceTier], [null, null, "priority"])
      })
    )
  )
})

describe("the sandbox", () => {
  it.effect.each([
    ['sandbox_mode = "workspace-write"\n', { profile: null, policy: workspace }],
    ['sandbox_mode = "danger-full-access"\n', { profile: null, policy: { type: "dangerFullAccess" } }],
    ['default_permissions = ":workspace"\nsandbox_mode = "read-only"\n', { profile: ":workspace", policy: workspace }],
    [
      'default_permissions = ":workspace"\n[sandbox_workspace_write]\nnetwork_access = true\n',
      { profile: ":workspace", policy: workspace }
    ],
    [
      "[sandbox_workspace_write]\nnetwork_access = true\n",
      { profile: ":read-only", policy: { type: "readOnly", networkAccess: false } }
    ],
    [
      `[sandbox_workspace_write]\nnetwork_access = true\n${trust("trusted")}`,
      { profile: null, policy: { ...workspace, networkAccess: true } }
    ],
    [trust("trusted"), { profile: ":workspace", policy: workspace }]
  ] as const)("of %j is the release's", ([text, expected]) =>
    over({ [userFile]: text }, (config) =>
      Effect.gen(function* () {
        const { activePermissionProfile, sandboxPolicy } = yield* effective()(config)
        assert.deepStrictEqual({ profile: activePermissionProfile, policy: sandboxPolicy }, expected)
      })
    )
  )
})

describe("layerTest", () => {
  it.effect("returns the defaults with the given values", () =>
    Config.Config.use(effective()).pipe(
      Effect.map(({ model, modelProvider }) => assert.deepStrictEqual([model, modelProvider], ["m", "openai"])),
      Effect.provide(Config.layerTest({ effective: { model: "m" } }))
    )
  )
})
