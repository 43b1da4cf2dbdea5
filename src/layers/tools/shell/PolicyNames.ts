/**
 * The names of policies in texts for the model and for users.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy } from "../../../protocol/v2/thread/Settings.ts"

/** The release's text for a policy. */
export const policyName = (policy: AskForApproval): string => {
  if (policy === "never") return "Never"
  if (policy === "on-request") return "OnRequest"
  if (policy === "untrusted") return "UnlessTrusted"
  const { sandbox_approval, rules, skill_approval, request_permissions, mcp_elicitations } = policy.granular
  const members = { sandbox_approval, rules, skill_approval, request_permissions, mcp_elicitations }
  const text = Object.entries(members).map(([name, value]) => `${name}: ${value}`)
  return `Granular(GranularApprovalConfig { ${text.join(", ")} })`
}

/** The name of a policy in the configuration, such as `read-only`. */
export const settingName = ({ type }: SandboxPolicy): string =>
  type.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
