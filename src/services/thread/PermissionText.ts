/**
 * What the model is told about its permissions: the sandbox of its commands and the approval policy.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy, ThreadSettings } from "../../protocol/v2/thread/Settings.ts"

const code = (text: string): string => `\`${text}\``

const network = (isOpen: boolean): string => (isOpen ? "The network is available." : "There is no network.")

const tempFolders = ({ excludeSlashTmp, excludeTmpdirEnvVar }: Extract<SandboxPolicy, { type: "workspaceWrite" }>) => [
  ...(excludeSlashTmp ? [] : ["`/tmp`"]),
  ...(excludeTmpdirEnvVar ? [] : ["the folder in `TMPDIR`"])
]

const sandbox = ({ cwd, environments, sandboxPolicy: policy }: ThreadSettings): string => {
  switch (policy.type) {
    case "dangerFullAccess":
      return "The sandbox mode is `danger-full-access`: commands run without a sandbox. The network is available."
    case "externalSandbox":
      return `Commands run in a sandbox that this server does not control. ${network(policy.networkAccess === "enabled")}`
    case "readOnly":
      return `The sandbox mode is \`read-only\`: commands can read files and write none. ${network(policy.networkAccess)}`
    case "workspaceWrite": {
      const roots = new Set([...(environments?.[0]?.runtimeWorkspaceRoots ?? [cwd]), ...policy.writableRoots])
      const writable = [...Array.from(roots, code), ...tempFolders(policy)].join(", ")
      return `The sandbox mode is \`workspace-write\`: commands can read all files, and write in ${writable}. \`.git\` and the folders of agent settings in there stay read-only. ${network(policy.networkAccess)}`
    }
  }
}

const escalation = `A command can run outside the sandbox if the user approves it. Ask by calling exec_command with sandbox_permissions "require_escalated" and a justification: one short question that says what the command does and why. Do not ask in a message first.
- Ask when a command that the task needs failed, or must fail, because of the sandbox: it writes elsewhere, needs the network, or opens a window.
- Ask before you destroy something that the user did not tell you to destroy, such as with \`rm\` or \`git reset\`.
- prefix_rule offers the user to allow similar commands from now on. Name the words that such commands share, such as ["npm", "test"]; never an interpreter alone, never a destructive command. Leave it out for a command with redirections, substitutions or a here-document, because rules do not apply to those.
- The parts of a command line that are joined by |, &&, ||, ; or parentheses are checked one by one.
- When the user declines, do not try to reach the same in another way.`

const categories = ["sandbox_approval", "rules", "mcp_elicitations", "skill_approval", "request_permissions"] as const

const approvals = (policy: AskForApproval): string => {
  if (policy === "never") {
    return "The approval policy is `never`: nobody is asked. Do not use sandbox_permissions; such a command is refused."
  }
  if (policy === "untrusted") {
    return "The approval policy is `untrusted`: the user is asked before every command that no rule allows."
  }
  if (policy === "on-request") return `The approval policy is \`on-request\`.\n\n${escalation}`
  const listed = (wanted: boolean) =>
    categories
      .filter((category) => policy.granular[category] === wanted)
      .map(code)
      .join(", ")
  return `The approval policy is \`granular\`. The user can be asked about: ${listed(true) || "nothing"}. Refused without a question: ${listed(false) || "nothing"}.${policy.granular.sandbox_approval ? `\n\n${escalation}` : ""}`
}

/** The text for these settings. */
export const permissionText = (settings: ThreadSettings): string =>
  `<permissions instructions>\n${sandbox(settings)}\n${approvals(settings.approvalPolicy)}\n</permissions instructions>`
