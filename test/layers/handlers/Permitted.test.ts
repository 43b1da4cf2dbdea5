import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import type { ThreadSettings } from "../../../src/protocol/v2/thread/Settings.ts"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { failure, workspace } from "../../support/Configs.ts"
import { inForce, policyServer, requirementsFile, type Start, type Turn } from "../../support/Policies.ts"
import { created, settings as recorded, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { cwd, userInput } from "../../support/Server.ts"

const readOnly = { type: "readOnly", networkAccess: false } as const
const full = { type: "dangerFullAccess" } as const
const readOnlyName =
  "Managed { file_system: Restricted { entries: [FileSystemSandboxEntry { path: Special { value: Root }, access: Read, missing_path_behavior: None }], glob_scan_max_depth: None }, network: Restricted }"
const notMode = (mode: string, allowed: string) =>
  `invalid value for \`sandbox_mode\`: \`${mode}\` is not in the allowed set ${allowed} (set by ${requirementsFile})`
const fallsBack = (mode: string, allowed: string) =>
  `Configured value for \`permission_profile\` is disallowed by requirements; falling back to required value ${readOnlyName}. Details: ${notMode(mode, allowed)}`
const override = (detail: string) => `invalid thread settings override: ${detail}`

const onlyReadOnly = 'allowed_sandbox_modes = ["read-only"]\n'

describe("requirements for settings", () => {
  const starts: ReadonlyArray<readonly [way: string, params: Start, profile: string | null]> = [
    ["permissions", { permissions: ":danger-full-access" }, null],
    ["permissions, less", { permissions: ":workspace" }, null],
    ["permissions, allowed", { permissions: ":read-only" }, ":read-only"],
    ["sandbox", { sandbox: "danger-full-access" }, null],
    ["config", { config: { sandbox_mode: "danger-full-access" } }, null],
    ["config, a profile", { config: { default_permissions: ":danger-full-access" } }, null],
    [
      "config, its terms",
      { config: { "sandbox_workspace_write.network_access": true, sandbox_mode: "workspace-write" } },
      null
    ],
    ["config, trust", { config: { projects: { [cwd]: { trust_level: "trusted" } } } }, null],
    ["nothing", {}, ":read-only"]
  ]
  for (const [way, params, profile] of starts) {
    it.effect(`bind what a thread is started with: ${way}`, () =>
      Effect.gen(function* () {
        const { start, turn } = yield* policyServer(onlyReadOnly)
        const started = yield* start(params)
        assert.deepStrictEqual(
          { published: started.answer.sandbox, profile: started.profile, tool: yield* turn(started.threadId) },
          { published: readOnly, profile, tool: { approvalPolicy: "on-request", sandboxPolicy: readOnly } }
        )
      })
    )
  }

  it.effect("report why a profile was not used", () =>
    Effect.gen(function* () {
      const { client, withRealPath, start } = yield* policyServer(onlyReadOnly)
      const { threadId } = yield* start({ permissions: ":danger-full-access" })
      const warning = yield* client.notified("warning")
      assert.deepStrictEqual(
        { ...warning, message: withRealPath(warning.message) },
        { threadId, message: fallsBack("DangerFullAccess", "[ReadOnly]") }
      )
    })
  )

  it.effect("refuse a turn that exceeds them, and do not change the thread", () =>
    Effect.gen(function* () {
      const { refused, start, turn } = yield* policyServer(
        `${onlyReadOnly}allowed_approval_policies = ["on-request"]\nallowed_approvals_reviewers = ["user"]\n`
      )
      const { threadId } = yield* start({})
      const refusals = yield* Effect.forEach(
        [
          { permissions: ":danger-full-access" },
          { permissions: ":workspace" },
          { sandboxPolicy: full },
          { sandboxPolicy: { type: "externalSandbox", networkAccess: "enabled" } },
          { approvalPolicy: "never" },
          { approvalPolicy: "untrusted" },
          { approvalsReviewer: "guardian_subagent" },
          { permissions: ":zork" },
          { permissions: "zork" },
          { permissions: ":read-only", sandboxPolicy: readOnly }
        ] satisfies ReadonlyArray<Turn>,
        (params) => refused(threadId, params)
      )
      assert.deepStrictEqual(refusals, [
        override(fallsBack("DangerFullAccess", "[ReadOnly]")),
        override(fallsBack("WorkspaceWrite", "[ReadOnly]")),
        override(notMode("DangerFullAccess", "[ReadOnly]")),
        override(notMode("ExternalSandbox", "[ReadOnly]")),
        override(
          `invalid value for \`approval_policy\`: \`Never\` is not in the allowed set [OnRequest] (set by ${requirementsFile})`
        ),
        override(
          `invalid value for \`approval_policy\`: \`UnlessTrusted\` is not in the allowed set [OnRequest] (set by ${requirementsFile})`
        ),
        override(
          `invalid value for \`approvals_reviewer\`: \`AutoReview\` is not in the allowed set [User] (set by ${requirementsFile})`
        ),
        "failed to load configuration: default_permissions refers to unknown built-in profile `:zork`",
        "failed to load configuration: default_permissions refers to undefined profile `zork`",
        "`permissions` cannot be combined with `sandboxPolicy`"
      ])
      assert.deepStrictEqual(yield* turn(threadId), { approvalPolicy: "on-request", sandboxPolicy: readOnly })
    })
  )

  it.effect("that change apply to a loaded thread from its next turn on", () =>
    Effect.gen(function* () {
      const { client, demand, start, turn } = yield* policyServer("")
      const { threadId } = yield* start({ permissions: ":danger-full-access", approvalPolicy: "never" })
      assert.deepStrictEqual(yield* turn(threadId), { approvalPolicy: "never", sandboxPolicy: full })
      demand(`${onlyReadOnly}allowed_approval_policies = ["on-request"]\n`)
      yield* client.request("turn/start", { threadId, input: userInput("look") })
      const { threadSettings } = yield* client.notified("thread/settings/updated")
      assert.deepStrictEqual(inForce(threadSettings), { approvalPolicy: "on-request", sandboxPolicy: readOnly })
      assert.deepStrictEqual(threadSettings.activePermissionProfile, null)
      assert.match((yield* client.notified("warning")).message, /^Configured value for `approval_policy`/)
      assert.match((yield* client.notified("warning")).message, /^Configured value for `permission_profile`/)
    })
  )

  it.effect("that change apply to a resumed thread; otherwise it keeps its policies", () =>
    Effect.gen(function* () {
      const id = "0198c0de-0000-7000-8000-00000000000a"
      const had: ThreadSettings = {
        ...recorded,
        cwd,
        approvalPolicy: "never",
        sandboxPolicy: full,
        activePermissionProfile: { id: ":danger-full-access", extends: null }
      }
      const resumed = (requirements: string, params: Omit<ParamsInputOf<"thread/resume">, "threadId"> = {}) =>
        Effect.scoped(
          Effect.gen(function* () {
            const store = yield* Layer.build(Memory.layer)
            yield* Context.get(store, ThreadStore).append(id, 0, [
              { ...created(id), settings: had },
              ...turnEvents("t1", 1_700_000_000_000, "hi", "hello")
            ])
            const { client } = yield* policyServer(requirements, { store: Layer.succeedContext(store) })
            const answer = yield* client.request("thread/resume", { threadId: id, ...params })
            return [answer.approvalPolicy, answer.sandbox, answer.activePermissionProfile?.id ?? null]
          })
        )
      assert.deepStrictEqual(
        {
          free: yield* resumed(""),
          bound: yield* resumed(`${onlyReadOnly}allowed_approval_policies = ["on-request"]\n`),
          asked: yield* resumed(onlyReadOnly, { permissions: ":workspace" }),
          narrowed: yield* resumed("", { config: { sandbox_mode: "read-only" }, approvalPolicy: "on-request" })
        },
        {
          free: ["never", full, ":danger-full-access"],
          bound: ["on-request", readOnly, null],
          asked: ["never", readOnly, null],
          narrowed: ["on-request", readOnly, null]
        }
      )
    })
  )

  it.effect("about profiles bind policies set in other ways, and provide the default", () =>
    Effect.gen(function* () {
      const both =
        'allowed_permission_profiles = { ":read-only" = true, ":workspace" = true, ":danger-full-access" = false }\n'
      const { client, refused, start } = yield* policyServer(both)
      const published = yield* Effect.forEach(
        [
          {},
          { permissions: ":read-only" },
          { permissions: ":danger-full-access" },
          { sandbox: "danger-full-access" }
        ] as const,
        (params) => Effect.map(start(params), ({ answer, profile }) => [answer.sandbox, profile])
      )
      assert.deepStrictEqual(published, [
        [workspace, ":workspace"],
        [readOnly, ":read-only"],
        [workspace, ":workspace"],
        [workspace, ":workspace"]
      ])
      const { threadId } = yield* start({})
      const from = (name: string) =>
        `Configured value for \`permission_profile\` is disallowed by requirements; falling back from \`${name}\` to required value \`:workspace\`.`
      assert.deepStrictEqual(
        [
          yield* refused(threadId, { permissions: ":danger-full-access" }),
          yield* refused(threadId, { sandboxPolicy: full }),
          yield* refused(threadId, { sandboxPolicy: { ...workspace, writableRoots: ["/"] } }),
          yield* refused(threadId, { sandboxPolicy: { ...readOnly, networkAccess: true } }),
          yield* refused(threadId, { sandboxPolicy: { type: "externalSandbox" } })
        ],
        [":danger-full-access", ":danger-full-access", "workspace-write", "read-only", "external-sandbox"].map((name) =>
          override(from(name))
        )
      )
      assert.strictEqual((yield* client.notified("warning")).message, from(":danger-full-access"))
    })
  )

  it.effect("that this server cannot enforce exclude every policy that needs them", () =>
    Effect.gen(function* () {
      const unread = yield* policyServer('[permissions.filesystem]\ndeny_read = ["/secret"]\n')
      const filtered = yield* policyServer("[experimental_network]\nenabled = true\n")
      const network = {
        config: { "sandbox_workspace_write.network_access": true },
        sandbox: "workspace-write"
      } as const
      assert.deepStrictEqual(
        {
          unread: (yield* unread.start({ sandbox: "danger-full-access" })).answer.sandbox,
          filtered: (yield* filtered.start({ permissions: ":danger-full-access" })).answer.sandbox,
          confined: (yield* filtered.start(network)).answer.sandbox
        },
        { unread: readOnly, filtered: readOnly, confined: workspace }
      )
      const { threadId } = yield* filtered.start({})
      assert.match(
        String(yield* filtered.refused(threadId, { sandboxPolicy: { ...workspace, networkAccess: true } })),
        /^invalid thread settings override: `experimental_network` \(set by .*\) demands that the network is filtered/
      )
      const other = yield* unread.start({})
      assert.strictEqual(
        yield* unread.refused(other.threadId, { sandboxPolicy: full }),
        override(notMode("DangerFullAccess", "[read-only, workspace-write]"))
      )
    })
  )

  const broken: ReadonlyArray<readonly [requirements: string, detail: string]> = [
    [
      'default_permissions = ":workspace"',
      "requirements.toml default_permissions requires allowed_permission_profiles"
    ],
    [
      'allowed_permission_profiles = { ":read-only" = true }',
      "requirements.toml default_permissions must be set unless allowed_permission_profiles allows both `:workspace` and `:read-only`"
    ],
    [
      'default_permissions = "zork"\nallowed_permission_profiles = { zork = true }',
      "requirements.toml allowed_permission_profiles refers to undefined profile `zork`"
    ],
    [
      'default_permissions = ":danger-full-access"\nallowed_permission_profiles = { ":workspace" = true }',
      "requirements.toml default_permissions `:danger-full-access` must be allowed by allowed_permission_profiles"
    ],
    ["allowed_approvals_reviewers = []", "field `allowed_approvals_reviewers` cannot be empty"],
    ["allowed_approval_policies = []", "field `allowed_approval_policies` cannot be empty"],
    [
      'allowed_sandbox_modes = ["workspace-write"]',
      `invalid value for \`allowed_sandbox_modes\`: \`[WorkspaceWrite]\` is not in the allowed set must include 'read-only' to allow any PermissionProfile (set by ${requirementsFile})`
    ],
    [
      "rules = 5",
      `failed to parse requirements layer ${requirementsFile}: invalid type: integer \`5\`, expected a table\nin \`rules\`\n`
    ]
  ]
  for (const [requirements, detail] of broken) {
    it.effect(`that make no sense let no turn start: ${requirements}`, () =>
      Effect.gen(function* () {
        const { demand, refused, withRealPath, start } = yield* policyServer("")
        const { threadId } = yield* start({})
        demand(requirements)
        assert.include(String(yield* refused(threadId, {})), detail)
        assert.include(withRealPath(String((yield* failure(start({})))?.message)), detail)
      })
    )
  }
})
