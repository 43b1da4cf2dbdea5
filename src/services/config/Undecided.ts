/**
 * The settings of a project without a trust decision.
 *
 * The release trusts such a project automatically when a thread may write, records that in the user's file, and then applies
 * the project's whole `config.toml`. In this server only the user decides. Until then the file may only restrict a thread: a
 * narrower sandbox, a stricter approval policy, approvals by the user, and fewer environment variables apply. Everything
 * else in the file is ignored. The file does not narrow what a request, the command line or a managed file selects, because
 * these take precedence over every project. A read-only thread has nothing to narrow.
 *
 * Owns which of two selections is the narrower one. Does not own where the selections come from. The check against the
 * requirements follows later.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import type { Reviewer } from "./Bounds.ts"
import type { Sandbox } from "./SandboxChoice.ts"
import type { ShellEnvironmentPolicy } from "./ShellEnvironmentPolicy.ts"

/** The settings that control what commands may do. */
export interface Choice {
  readonly approvalPolicy: AskForApproval
  readonly approvalsReviewer: Reviewer
  readonly sandbox: Sandbox
  readonly shellEnvironmentPolicy: ShellEnvironmentPolicy
}

/** `own`, narrowed by a project's suggestion. Never wider than `own`. */
export const narrow = (own: Choice, suggested: Choice): Choice => {
  const sandbox = narrowSandbox(own.sandbox, suggested.sandbox)
  const confined = sandbox.policy.type === "readOnly" || sandbox.policy.type === "workspaceWrite"
  return {
    approvalPolicy: narrowPolicy(own.approvalPolicy, suggested.approvalPolicy, confined),
    approvalsReviewer: suggested.approvalsReviewer === "user" ? "user" : own.approvalsReviewer,
    sandbox,
    shellEnvironmentPolicy: narrowEnvironment(own.shellEnvironmentPolicy, suggested.shellEnvironmentPolicy)
  }
}

/** Narrowest first. */
const sandboxes: ReadonlyArray<SandboxPolicy["type"]> = [
  "readOnly",
  "workspaceWrite",
  "externalSandbox",
  "dangerFullAccess"
]

const narrowSandbox = (own: Sandbox, suggested: Sandbox): Sandbox => {
  const [mine, theirs] = [own.policy, suggested.policy]
  if (mine.type === "workspaceWrite" && theirs.type === "workspaceWrite") {
    const policy: SandboxPolicy = {
      type: "workspaceWrite",
      writableRoots: mine.writableRoots.filter((root) => theirs.writableRoots.includes(root)),
      networkAccess: mine.networkAccess && theirs.networkAccess,
      excludeTmpdirEnvVar: mine.excludeTmpdirEnvVar || theirs.excludeTmpdirEnvVar,
      excludeSlashTmp: mine.excludeSlashTmp || theirs.excludeSlashTmp
    }
    return isSame(mine, policy) ? own : { policy, profile: null, chosen: true }
  }
  return sandboxes.indexOf(theirs.type) < sandboxes.indexOf(mine.type) ? suggested : own
}

type Workspace = Extract<SandboxPolicy, { readonly type: "workspaceWrite" }>

const isSame = (left: Workspace, right: Workspace): boolean =>
  left.writableRoots.length === right.writableRoots.length &&
  left.networkAccess === right.networkAccess &&
  left.excludeTmpdirEnvVar === right.excludeTmpdirEnvVar &&
  left.excludeSlashTmp === right.excludeSlashTmp

/**
 * In a sandbox, `never` is the strictest policy, because whatever the sandbox blocks is refused. Without a sandbox it is the
 * loosest, because commands run without asking.
 */
const narrowPolicy = (own: AskForApproval, suggested: AskForApproval, confined: boolean): AskForApproval => {
  if (own === "untrusted" || own === suggested) return own
  if (own === "never") return confined ? own : suggested
  if (suggested === "never") return confined ? suggested : own
  if (suggested === "untrusted" || own === "on-request") return suggested
  if (suggested === "on-request") return own
  const [mine, theirs] = [own.granular, suggested.granular]
  return {
    granular: {
      sandbox_approval: mine.sandbox_approval && theirs.sandbox_approval,
      rules: mine.rules && theirs.rules,
      skill_approval: mine.skill_approval === true && theirs.skill_approval === true,
      request_permissions: mine.request_permissions === true && theirs.request_permissions === true,
      mcp_elicitations: mine.mcp_elicitations && theirs.mcp_elicitations
    }
  }
}

/** Fewest variables first. */
const inherited: ReadonlyArray<ShellEnvironmentPolicy["inherit"]> = ["none", "core", "all"]
const defaultExcludes: ReadonlyArray<ShellEnvironmentPolicy["ignoreDefaultExcludes"]> = [false, null, true]

/** The one of two values that comes first in `order`. */
const first = <A>(order: ReadonlyArray<A>, own: A, suggested: A): A =>
  order.indexOf(suggested) < order.indexOf(own) ? suggested : own

const narrowEnvironment = (own: ShellEnvironmentPolicy, suggested: ShellEnvironmentPolicy): ShellEnvironmentPolicy => ({
  inherit: first(inherited, own.inherit, suggested.inherit),
  ignoreDefaultExcludes: first(defaultExcludes, own.ignoreDefaultExcludes, suggested.ignoreDefaultExcludes),
  exclude: [...new Set([...own.exclude, ...suggested.exclude])],
  set: own.set,
  // Two lists of patterns have no simple intersection, so the user's own is kept.
  includeOnly: own.includeOnly.length > 0 ? own.includeOnly : suggested.includeOnly,
  useProfile: own.useProfile && suggested.useProfile
})
