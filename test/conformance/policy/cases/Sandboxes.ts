/**
 * Every approval policy with every sandbox, for many command lines and without a rule: which ask, which run confined, which
 * run freely.
 *
 * @module
 */
import type { Case } from "../Case.ts"
import { forms } from "./CommandLines.ts"
import { flagged } from "./Flagged.ts"

const granular = (allowed: boolean) => ({
  granular: { sandbox_approval: allowed, rules: allowed, mcp_elicitations: true }
})

const policies: Readonly<Record<string, unknown>> = {
  untrusted: "untrusted",
  "on-request": "on-request",
  never: "never",
  "granular, all": granular(true),
  "granular, nothing": granular(false)
}

const sandboxes = ["read-only", "workspace-write", "danger-full-access"] as const

/** The command lines: every form of one that leaves a mark, and destructive ones. */
export const lines: Readonly<Record<string, string>> = {
  ...forms,
  ...Object.fromEntries(Object.entries(flagged).slice(0, 12))
}

export const cases: ReadonlyArray<Case> = Object.entries(policies).flatMap(([policy, approvalPolicy]) =>
  sandboxes.flatMap((sandbox) =>
    Object.entries(lines).map(([name, cmd]): Case => ({
      name: `${policy}, ${sandbox}, without a rule: ${name}`,
      world: {},
      start: { approvalPolicy, sandbox },
      steps: [{ call: { cmd } }]
    }))
  )
)
