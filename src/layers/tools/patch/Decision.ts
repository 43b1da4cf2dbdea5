/**
 * Decides whether a patch is applied, needs approval, or is refused. Pure. The texts are those of the released server.
 *
 * | policy | inside of the writable files | elsewhere |
 * |---|---|---|
 * | `untrusted` | ask | ask |
 * | `on-request` | apply | ask |
 * | `never`, granular without `sandbox_approval` | apply | refuse |
 *
 * A patch of which every file was approved for the session is not asked about again.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy } from "../../../protocol/v2/thread/Settings.ts"

export interface Request {
  readonly approvalPolicy: AskForApproval
  readonly sandboxPolicy: SandboxPolicy
  /** Whether the sandbox policy permits every write of the patch. */
  readonly isPermitted: boolean
  /** Whether the user has approved every file of the patch for the session. */
  readonly approvedForSession: boolean
}

export type Decision = { readonly type: "apply" | "ask" } | { readonly type: "refuse"; readonly text: string }

const mayAsk = (policy: AskForApproval): boolean =>
  typeof policy === "object" ? policy.granular.sandbox_approval : policy !== "never"

const causeOf = ({ type }: SandboxPolicy): string =>
  type === "readOnly" ? "writing is blocked by read-only sandbox" : "writing outside of the project"

export const decide = (request: Request): Decision => {
  const { approvalPolicy, approvedForSession, isPermitted, sandboxPolicy } = request
  if (approvalPolicy !== "untrusted" && isPermitted) return { type: "apply" }
  if (!mayAsk(approvalPolicy)) {
    return {
      type: "refuse",
      text: `patch rejected: ${causeOf(sandboxPolicy)}; rejected by user approval settings`
    }
  }
  return { type: approvedForSession ? "apply" : "ask" }
}
