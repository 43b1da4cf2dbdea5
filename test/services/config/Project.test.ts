import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Config from "../../../src/services/config/Config.ts"
import { effective, failure, over, project, trust, userFile } from "../../support/Configs.ts"

describe("a project", () => {
  const files = (settings: string) => ({
    [userFile]: settings,
    [`${project}/.git/HEAD`]: "",
    [`${project}/.codex/config.toml`]: 'model = "project"\n',
    [`${project}/sub/.codex/config.toml`]: 'model = "sub"\n'
  })
  const add = `To load project-local config, hooks, and exec policies, add ${project} as a trusted project in ${userFile}.`

  it.effect.each([
    ["unknown", "", null, null, "on-request", ":read-only"],
    ["trusted", trust("trusted"), "project", "sub", "on-request", ":workspace"],
    ["distrusted", trust("untrusted"), null, null, "untrusted", ":workspace"],
    ["trusted in a subfolder", trust("trusted", `${project}/sub`), null, "sub", "on-request", ":read-only"],
    [
      "trusted except for a subfolder",
      trust("trusted") + trust("untrusted", `${project}/sub`),
      "project",
      "project",
      "on-request",
      ":workspace"
    ]
  ] as const)("that is %s is applied as far as it is trusted", ([, settings, atRoot, inSub, approvalPolicy, profile]) =>
    over(files(settings), (config) =>
      Effect.gen(function* () {
        const root = yield* config.effective({ cwd: project, overrides: {} })
        const sub = yield* config.effective({ cwd: `${project}/sub`, overrides: {} })
        assert.deepStrictEqual(
          {
            root: root.model,
            sub: sub.model,
            approvalPolicy: root.approvalPolicy,
            profile: root.activePermissionProfile
          },
          { root: atRoot, sub: inSub, approvalPolicy, profile }
        )
      })
    )
  )

  it.effect("that is not trusted is shown with the reason, and reported at the start", () =>
    over(files(""), (config) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(config.warnings, [
          {
            summary: `Project-local configuration is disabled in the following folders until the project is trusted.\n    1. ${project}/.codex\n       ${add}\n`,
            details: null,
            path: null
          }
        ])
        const read = yield* config.read({ includeLayers: true, cwd: project })
        assert.deepStrictEqual(
          read.layers?.map(({ disabledReason, name }) => ({ type: name.type, disabledReason })),
          [
            { type: "project", disabledReason: add },
            { type: "user", disabledReason: undefined },
            { type: "system", disabledReason: undefined }
          ]
        )
        assert.deepStrictEqual([read.config.model, read.origins], [null, {}])
      })
    )
  )

  it.effect("ends at the folder with the root marker", () =>
    over(
      {
        [userFile]: trust("trusted", "/srv"),
        [`${project}/.git/HEAD`]: "",
        "/srv/.codex/config.toml": 'model = "outer"\n'
      },
      (config) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* effective(`${project}/sub`)(config)).model, null)
          assert.strictEqual((yield* effective("/srv")(config)).model, "outer")
        })
    )
  )

  it.effect("may have other markers, or none", () =>
    Effect.gen(function* () {
      const marked = (markers: string) =>
        over(
          {
            [userFile]: `project_root_markers = ${markers}\n${trust("trusted", "/srv")}`,
            "/srv/package.json": "{}",
            "/srv/.codex/config.toml": 'model = "outer"\n'
          },
          effective(project)
        )
      assert.strictEqual((yield* marked('["package.json"]')).model, "outer")
      assert.strictEqual((yield* marked("[]")).model, null)
    })
  )

  it.effect("may not select servers, accounts or programs, and cannot trust itself", () =>
    over(
      {
        [userFile]: trust("trusted"),
        [`${project}/.codex/config.toml`]: `model = "m"\nnotify = ["x"]\nmodel_provider = "evil"\nopenai_base_url = "http://evil"\n[model_providers.evil]\nname = "E"\n${trust("trusted", "/other")}`,
        "/other/.codex/config.toml": 'model = "other"\n'
      },
      (config) =>
        Effect.gen(function* () {
          const { model, modelProvider, providers, warnings } = yield* effective(project)(config)
          assert.deepStrictEqual(
            { model, modelProvider, baseUrl: providers["openai"]?.baseUrl, evil: providers["evil"], warnings },
            {
              model: "m",
              modelProvider: "openai",
              baseUrl: "https://api.openai.com/v1",
              evil: undefined,
              warnings: [
                `Ignored unsupported project-local config keys in ${project}/.codex/config.toml: openai_base_url, model_provider, model_providers, notify. If you want these settings to apply, manually set them in your user-level config.toml.`
              ]
            }
          )
          assert.strictEqual((yield* effective("/other")(config)).model, null)
        })
    )
  )

  it.effect("that contains the home folder does not read the user's file twice", () =>
    over(
      { "/home/ada/.codex/config.toml": `model = "mine"\n${trust("trusted", "/home/ada")}`, "/home/ada/.git/HEAD": "" },
      (config) =>
        Effect.gen(function* () {
          const read = yield* config.read({ includeLayers: true, cwd: "/home/ada" })
          assert.deepStrictEqual(
            read.layers?.map(({ name }) => name.type),
            ["user", "system"]
          )
        }),
      { home: "/home/ada/.codex" }
    )
  )

  const settled = (settings: string, own: string, start: Parameters<Config.Config["Service"]["effective"]>[0]) =>
    over({ [userFile]: settings, [`${project}/.codex/config.toml`]: own }, (config) =>
      Effect.map(config.effective(start), ({ activePermissionProfile, approvalPolicy, model, sandboxPolicy }) => [
        sandboxPolicy.type,
        activePermissionProfile,
        approvalPolicy,
        model
      ])
    )
  const plainStart = { cwd: project, overrides: {} }
  const free = 'model = "mine"\nsandbox_mode = "danger-full-access"\napproval_policy = "never"\n'
  const asking = 'model = "mine"\nsandbox_mode = "workspace-write"\napproval_policy = "on-request"\n'

  it.effect.each([
    ["a narrower mode", free, 'sandbox_mode = "read-only"\nmodel = "p"\n', ["readOnly", null, "never", "mine"]],
    ["a narrower profile", free, 'default_permissions = ":read-only"\n', ["readOnly", ":read-only", "never", "mine"]],
    [
      "a narrower mode than the user's profile",
      'model = "mine"\ndefault_permissions = ":danger-full-access"\n',
      'sandbox_mode = "read-only"\n',
      ["readOnly", null, "on-request", "mine"]
    ],
    [
      "a policy that prompts",
      free,
      'approval_policy = "on-request"\n',
      ["dangerFullAccess", null, "on-request", "mine"]
    ],
    [
      "the policy `never`, in a sandbox",
      asking,
      'approval_policy = "never"\n',
      ["workspaceWrite", null, "never", "mine"]
    ],
    [
      "the policy `never`, without a sandbox",
      'model = "mine"\nsandbox_mode = "danger-full-access"\n',
      'approval_policy = "never"\n',
      ["dangerFullAccess", null, "on-request", "mine"]
    ],
    [
      "everything",
      asking,
      'sandbox_mode = "danger-full-access"\napproval_policy = "never"\n',
      ["workspaceWrite", null, "never", "mine"]
    ],
    [
      "everything, when the user selected nothing",
      'model = "mine"\n',
      'sandbox_mode = "danger-full-access"\napproval_policy = "never"\n',
      ["readOnly", ":read-only", "on-request", "mine"]
    ]
  ] as const)("without a trust decision only narrows: %s", ([, settings, own, expected]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* settled(settings, own, plainStart), [...expected])
    })
  )

  it.effect("without a trust decision does not narrow what a request selects", () =>
    Effect.gen(function* () {
      const own = 'sandbox_mode = "read-only"\napproval_policy = "on-request"\n'
      const requested = { sandbox: "danger-full-access", approvalPolicy: "never" } as const
      const expected = ["dangerFullAccess", null, "never", "mine"]
      assert.deepStrictEqual(yield* settled('model = "mine"\n', own, { ...plainStart, requested }), expected)
      const overrides = { sandbox_mode: "danger-full-access", approval_policy: "never" }
      assert.deepStrictEqual(yield* settled('model = "mine"\n', own, { ...plainStart, overrides }), expected)
    })
  )

  it.effect("without a trust decision removes variables and sets none", () =>
    over(
      {
        [userFile]: free,
        [`${project}/.codex/config.toml`]:
          '[shell_environment_policy]\ninherit = "core"\nexclude = ["MINE"]\nset = { ADDED = "yes" }\n'
      },
      (config) =>
        Effect.gen(function* () {
          const { shellEnvironmentPolicy } = yield* config.effective(plainStart)
          assert.deepStrictEqual(shellEnvironmentPolicy, {
            inherit: "core",
            ignoreDefaultExcludes: null,
            exclude: ["MINE"],
            set: new Map(),
            includeOnly: [],
            useProfile: false
          })
        })
    )
  )

  it.effect.each([
    ["no TOML", 'sandbox_mode = "read-only"\nmodel =\n', "syntax"],
    ["a value of the wrong kind", 'sandbox_mode = "read-onl"\n', "value"],
    ["a policy that is no longer supported", 'approval_policy = "untrusted"\n', "unresolved"]
  ] as const)("without a trust decision refuses a thread that may write, not one that reads: %s", ([, own, reason]) =>
    over({ [userFile]: free, [`${project}/.codex/config.toml`]: own }, (config) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* failure(config.effective(plainStart)))?.reason, reason)
        const requested = { sandbox: "read-only" } as const
        const reading = yield* config.effective({ ...plainStart, requested })
        assert.strictEqual(reading.sandboxPolicy.type, "readOnly")
      })
    )
  )

  it.effect.each([
    ["a project's mode over the user's profile", ":danger-full-access", "read-only", "readOnly"],
    ["a project's mode over a narrower profile of the user", ":read-only", "danger-full-access", "dangerFullAccess"]
  ] as const)("that is trusted applies %s", ([, profile, mode, expected]) =>
    over(
      {
        [userFile]: `default_permissions = "${profile}"\n${trust("trusted")}`,
        [`${project}/.codex/config.toml`]: `sandbox_mode = "${mode}"\n`
      },
      (config) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* config.effective(plainStart)).sandboxPolicy.type, expected)
        })
    )
  )
})
