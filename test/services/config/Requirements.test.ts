import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Config from "../../../src/services/config/Config.ts"
import { effective, failure, over, rules, userFile, workspace } from "../../support/Configs.ts"

describe("requirements", () => {
  const file = "/etc/codex/requirements.toml"
  const readOnly =
    "Managed { file_system: Restricted { entries: [FileSystemSandboxEntry { path: Special { value: Root }, access: Read, missing_path_behavior: None }], glob_scan_max_depth: None }, network: Restricted }"
  const overruledPolicy = (value: string, fallback: string, allowed: string, origin = file) =>
    `Configured value for \`approval_policy\` is disallowed by requirements; falling back to required value ${fallback}. Details: invalid value for \`approval_policy\`: \`${value}\` is not in the allowed set [${allowed}] (set by ${origin})`
  const overruledSandbox = (value: string, allowed: string) =>
    `Configured value for \`permission_profile\` is disallowed by requirements; falling back to required value ${readOnly}. Details: invalid value for \`sandbox_mode\`: \`${value}\` is not in the allowed set [${allowed}] (set by ${file})`

  it.effect("override settings that they do not allow, and report it at the start and to the thread", () =>
    over(
      {
        [file]:
          'allowed_approval_policies = ["on-request", "untrusted"]\nallowed_sandbox_modes = ["read-only", "workspace-write"]\n',
        [userFile]: 'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
      },
      (config) =>
        Effect.gen(function* () {
          const warnings = [
            overruledPolicy("Never", "OnRequest", "OnRequest, UnlessTrusted"),
            overruledSandbox("DangerFullAccess", "ReadOnly, WorkspaceWrite")
          ]
          assert.deepStrictEqual(
            config.warnings.map(({ summary }) => summary),
            warnings
          )
          const configured = yield* effective()(config)
          assert.deepStrictEqual(configured.warnings, warnings)
          assert.deepStrictEqual(rules(configured), {
            activePermissionProfile: null,
            approvalPolicy: "on-request",
            sandbox: "readOnly"
          })
          const requested = { approvalPolicy: "untrusted", sandbox: "workspace-write" } as const
          const allowed = yield* config.effective({ cwd: null, overrides: {}, requested })
          assert.deepStrictEqual(
            [allowed.warnings, allowed.approvalPolicy, allowed.sandboxPolicy],
            [[], "untrusted", workspace]
          )
          assert.strictEqual((yield* config.read({})).config.approval_policy, "never")
        })
    )
  )

  const unasked =
    '`approval_policy = "never"` cannot be used because requirements do not allow `sandbox_mode = "danger-full-access"`; Codex would fall back to read-only permissions with approvals disabled. Choose an `approval_policy` based on what you need, such as `on-request`, or choose an allowed sandbox mode.'

  it.effect.each([
    ["a request", "", { sandbox: "danger-full-access" }],
    ["the user's mode", 'sandbox_mode = "danger-full-access"\n', {}],
    ["the user's profile", 'default_permissions = ":danger-full-access"\n', {}],
    ["the profile of a request", "", { permissions: ":danger-full-access" }]
  ] as const)("refuse full access without approvals: %s", ([, settings, requested]) =>
    Effect.gen(function* () {
      const files = {
        [file]: 'allowed_sandbox_modes = ["read-only", "workspace-write"]\n',
        [userFile]: `approval_policy = "never"\n${settings}`
      }
      const error = yield* over(files, (config) => failure(config.effective({ cwd: null, overrides: {}, requested })))
      assert.strictEqual(error?.detail, unasked)
    })
  )

  it.effect("let the workspace profile fall back when approvals are disabled", () =>
    over(
      {
        [file]: 'allowed_sandbox_modes = ["read-only"]\n',
        [userFile]: 'approval_policy = "never"\ndefault_permissions = ":workspace"\n'
      },
      (config) =>
        Effect.gen(function* () {
          const { approvalPolicy, sandboxPolicy } = yield* effective()(config)
          assert.deepStrictEqual([approvalPolicy, sandboxPolicy.type], ["never", "readOnly"])
        })
    )
  )

  it.effect("are read from the cloud, the machine and the managed file, in this order", () =>
    over(
      {
        [file]:
          'allowed_approval_policies = ["on-request"]\nallowed_sandbox_modes = ["read-only"]\nchatgpt_base_url = "http://c"\n',
        "/etc/codex/managed_config.toml": 'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
      },
      (config) =>
        Effect.gen(function* () {
          const { requirements } = yield* config.requirements
          assert.deepStrictEqual(
            Object.fromEntries(Object.entries(requirements ?? {}).filter(([, value]) => value !== null)),
            {
              allowedApprovalPolicies: ["untrusted"],
              allowedLoginMethods: ["api", "chatgpt"],
              allowedSandboxModes: ["read-only"],
              chatgptBaseUrl: "http://c"
            }
          )
          assert.deepStrictEqual((yield* effective()(config)).warnings, [
            overruledPolicy("Never", "UnlessTrusted", "UnlessTrusted", "cloud requirements"),
            overruledSandbox("DangerFullAccess", "ReadOnly")
          ])
        }),
      { cloudRequirements: Effect.succeed({ allowed_approval_policies: ["untrusted"] }) }
    )
  )

  it.effect("of the managed file allow the value that it sets, besides the read-only sandbox", () =>
    over(
      { "/etc/codex/managed_config.toml": 'approval_policy = "never"\nsandbox_mode = "workspace-write"\n' },
      (config) =>
        Effect.gen(function* () {
          const { requirements } = yield* config.requirements
          assert.deepStrictEqual(
            [requirements?.allowedApprovalPolicies, requirements?.allowedSandboxModes],
            [["never"], ["read-only", "workspace-write"]]
          )
        })
    )
  )

  it.effect("that are settings replace the user's in threads and in config/read", () =>
    over(
      {
        [file]:
          'model_provider = "x"\nallow_login_shell = false\n[model_providers.x]\nname = "X"\nbase_url = "http://x"\n',
        [userFile]: 'model_provider = "openai"\n'
      },
      (config) =>
        Effect.gen(function* () {
          const { modelProvider, providers, settings, warnings } = yield* effective()(config)
          assert.deepStrictEqual(
            { modelProvider, baseUrl: providers["x"]?.baseUrl, login: settings["allow_login_shell"], warnings },
            {
              modelProvider: "x",
              baseUrl: "http://x",
              login: false,
              warnings: [
                `Configured value for \`model_provider\` is overridden by the required value "x" from ${file}.`
              ]
            }
          )
          const read = yield* config.read({})
          assert.deepStrictEqual(
            [read.config.model_provider, read.config["allow_login_shell"], read.origins],
            ["x", false, {}]
          )
        })
    )
  )

  it.effect("add to the developer instructions", () =>
    over(
      {
        [file]: 'additional_developer_instructions = "Be kind."\n',
        [userFile]: 'developer_instructions = "Be brief."\n'
      },
      (config) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* effective()(config)).developerInstructions, "Be brief.\n\nBe kind.")
        })
    )
  )

  it.effect("that this server does not enforce are reported to its users", () =>
    over(
      { [file]: 'enforce_residency = "us"\nzork = 1\n[permissions.filesystem]\ndeny_read = ["/x"]\n[hooks]\n' },
      (config) =>
        Effect.gen(function* () {
          assert.deepStrictEqual((yield* effective()(config)).warnings, [
            `Ignoring the unrecognized requirement \`zork\` from ${file}.`,
            `Requirement \`enforce_residency\` from ${file} is not enforced by this server.`,
            `Requirement \`permissions\` from ${file} is not enforced by this server.`
          ])
        })
    )
  )

  it.effect("about commands reach the tools as written, from every source", () =>
    over(
      { [file]: '[[rules.prefix_rules]]\npattern = [{ token = "rm" }]\ndecision = "forbidden"\n' },
      (config) =>
        Effect.gen(function* () {
          assert.deepStrictEqual((yield* effective()(config)).requirementRules, {
            prefix_rules: [
              { pattern: [{ token: "dd" }], decision: "prompt" },
              { pattern: [{ token: "rm" }], decision: "forbidden" }
            ]
          })
        }),
      {
        cloudRequirements: Effect.succeed({
          rules: { prefix_rules: [{ pattern: [{ token: "dd" }], decision: "prompt" }] }
        })
      }
    )
  )

  it.effect("of the cloud are not fetched at the start, once when needed, and again after a failure", () =>
    Effect.gen(function* () {
      let asked = 0
      const error = new Config.ConfigError({
        reason: "requirements",
        location: "",
        detail: "log in again",
        data: { reason: "cloudRequirements", action: "relogin" }
      })
      const cloudRequirements = Effect.suspend(() => {
        asked += 1
        return asked === 1 ? Effect.fail(error) : Effect.succeed(null)
      })
      yield* over(
        {},
        (config) =>
          Effect.gen(function* () {
            assert.strictEqual(asked, 0)
            assert.strictEqual(yield* failure(effective()(config)), error)
            yield* effective()(config)
            yield* config.requirements
            assert.strictEqual(asked, 2)
          }),
        { cloudRequirements }
      )
    })
  )
})
