import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { workspace } from "../../support/Configs.ts"
import { type InForce, policyServer, type Start } from "../../support/Policies.ts"
import { cwd } from "../../support/Server.ts"

const full = { type: "dangerFullAccess" } as const
const readOnly = { type: "readOnly", networkAccess: false } as const
const modes = ["read-only", "workspace-write", "danger-full-access"] as const
const profileIds = [":read-only", ":workspace", ":danger-full-access"] as const
const policies = ["on-request", "never", "untrusted"] as const
const reviewers = ["user", "auto_review", "guardian_subagent"] as const
const sandboxPolicies = [
  full,
  readOnly,
  { ...readOnly, networkAccess: true },
  workspace,
  { ...workspace, networkAccess: true, writableRoots: ["/"] },
  { type: "externalSandbox", networkAccess: "enabled" },
  { type: "externalSandbox", networkAccess: "restricted" }
] as const

const subset = <A extends string>(values: ReadonlyArray<A>) =>
  Schema.Struct(Object.fromEntries(values.map((value) => [value, Schema.Boolean])))
const maybe = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

/** Requirements, user configuration, and client requests, in any combination. */
const Organisation = Schema.Struct({
  modes: maybe(subset(modes.slice(1))),
  policies: maybe(subset(policies)),
  reviewers: maybe(subset(reviewers.slice(0, 2))),
  profiles: maybe(subset(profileIds)),
  network: Schema.Boolean
})
const User = Schema.Struct({
  sandbox_mode: maybe(Schema.Literals(modes)),
  default_permissions: maybe(Schema.Literals(profileIds)),
  approval_policy: maybe(Schema.Literals(policies.slice(0, 2))),
  approvals_reviewer: maybe(Schema.Literals(reviewers)),
  network_access: Schema.Boolean,
  trusted: Schema.Boolean
})
const Ask = Schema.Struct({
  fresh: Schema.Boolean,
  approvalPolicy: maybe(Schema.Literals(policies)),
  approvalsReviewer: maybe(Schema.Literals(reviewers)),
  sandbox: maybe(Schema.Literals(modes)),
  permissions: maybe(Schema.Literals(profileIds)),
  sandboxPolicy: maybe(Schema.Literals([0, 1, 2, 3, 4, 5, 6])),
  dotted: Schema.Boolean,
  config: User
})

const chosen = (values: Readonly<Record<string, boolean>>) =>
  Object.entries(values).flatMap(([value, isIn]) => (isIn ? [value] : []))

const demandsOf = (organisation: (typeof Organisation)["Type"]): string => {
  const profiles = chosen(organisation.profiles ?? {})
  const lists = {
    allowed_sandbox_modes: organisation.modes && ["read-only", ...chosen(organisation.modes)],
    allowed_approval_policies: organisation.policies && chosen(organisation.policies),
    allowed_approvals_reviewers: organisation.reviewers && chosen(organisation.reviewers)
  }
  return [
    ...Object.entries(lists).flatMap(([key, list]) => (list?.length ? [`${key} = ${JSON.stringify(list)}`] : [])),
    ...(profiles.length === 0
      ? []
      : [
          `default_permissions = "${profiles[0]}"`,
          `allowed_permission_profiles = { ${profiles.map((id) => `"${id}" = true`).join(", ")} }`
        ]),
    ...(organisation.network ? ["[experimental_network]", "enabled = true"] : [])
  ].join("\n")
}

const settingsOf = ({ network_access, trusted, ...user }: (typeof User)["Type"]): Record<string, unknown> => ({
  ...user,
  ...(network_access ? { sandbox_workspace_write: { network_access } } : {}),
  ...(trusted ? { projects: { [cwd]: { trust_level: "trusted" } } } : {})
})

const asToml = ({ network_access, trusted, ...user }: (typeof User)["Type"]): string =>
  [
    ...Object.entries(user).map(([key, value]) => `${key} = "${value}"`),
    ...(network_access ? ["[sandbox_workspace_write]", "network_access = true"] : []),
    ...(trusted ? [`[projects."${cwd}"]`, 'trust_level = "trusted"'] : [])
  ].join("\n")

const dotted = (settings: Record<string, unknown>): Record<string, unknown> => {
  const { sandbox_workspace_write: terms, ...rest } = settings
  return terms === undefined ? rest : { ...rest, "sandbox_workspace_write.network_access": true }
}

const modeNames = {
  readOnly: "read-only",
  workspaceWrite: "workspace-write",
  dangerFullAccess: "danger-full-access",
  externalSandbox: "external-sandbox"
} as const

/** The model: settings that violate the requirements, implemented differently from the server. */
const exceeds = (organisation: (typeof Organisation)["Type"], { approvalPolicy, sandboxPolicy }: InForce) => {
  const exceeded: Array<string> = []
  const mode = modeNames[sandboxPolicy.type]
  const allowedPolicies = chosen(organisation.policies ?? {})
  if (allowedPolicies.length > 0 && !allowedPolicies.includes(String(approvalPolicy))) exceeded.push("approval")
  if (organisation.modes && !["read-only", ...chosen(organisation.modes)].includes(mode)) exceeded.push("mode")
  const profiles = chosen(organisation.profiles ?? {})
  const hasNetwork = mode === "danger-full-access" || JSON.stringify(sandboxPolicy).match(/"networkAccess":(true|"en)/)
  if (organisation.network && hasNetwork) exceeded.push("network")
  if (profiles.length > 0) {
    // The modes may forbid every profile; then only read access remains.
    const reach = [
      "read-only",
      ...profiles.map(
        (id) => ({ ":read-only": "read-only", ":workspace": "workspace-write" })[id] ?? "danger-full-access"
      )
    ]
    if (!reach.includes(mode) || (hasNetwork && mode !== "danger-full-access")) exceeded.push("profile")
  }
  return exceeded
}

describe("settings in force", () => {
  it.effect.prop(
    "never exceed the requirements, for any sequence of requests",
    [Organisation, Organisation, User, Schema.Array(Ask).check(Schema.isMaxLength(6))],
    ([first, second, user, asks]) =>
      Effect.gen(function* () {
        const { client, demand, seen, server, start, turn } = yield* policyServer(demandsOf(first), {
          config: asToml(user)
        })
        const { threads } = server
        let organisation = first
        let threadId: string | undefined
        const steps = asks.map((ask, index) => ({ ask, changes: index === Math.floor(asks.length / 2) }))
        for (const { ask, changes } of steps) {
          if (changes) {
            organisation = second
            demand(demandsOf(second))
          }
          const { config, dotted: isDotted, fresh, sandbox, sandboxPolicy, ...both } = ask
          const settings = isDotted ? dotted(settingsOf(config)) : settingsOf(config)
          if (fresh || threadId === undefined) {
            const begun = yield* Effect.result(
              start({
                ...both,
                ...(sandbox === undefined ? {} : { sandbox }),
                config: settings as Start["config"] & {}
              })
            )
            if (begun._tag === "Failure") continue
            const { answer } = begun.success
            threadId = begun.success.threadId
            assert.deepStrictEqual(
              exceeds(organisation, { approvalPolicy: answer.approvalPolicy, sandboxPolicy: answer.sandbox }),
              []
            )
          }
          const policy = sandboxPolicy === undefined ? {} : { sandboxPolicy: sandboxPolicies[sandboxPolicy] }
          const before = seen.length
          const tried = yield* Effect.result(turn(threadId, { ...both, ...policy }))
          assert.strictEqual(seen.length, tried._tag === "Success" ? before + 1 : before)
          if (tried._tag === "Failure") continue
          assert.deepStrictEqual(exceeds(organisation, seen.at(-1)!), [])
          assert.deepStrictEqual(exceeds(organisation, threads.find(threadId)!.settings), [])
        }
        yield* client.handle.shutdown
      }).pipe(Effect.scoped),
    { timeout: 120_000, arbitrary: { runs: 100 } }
  )
})
