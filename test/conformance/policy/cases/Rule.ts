/**
 * Texts of rules, and the settings that cases share.
 *
 * @module
 */
import type { World } from "../Case.ts"

export type Decision = "allow" | "prompt" | "forbidden"

/** A rule about a command by its prefix. */
export const rule = (decision: Decision, ...pattern: ReadonlyArray<string>): string =>
  `prefix_rule(pattern = ${JSON.stringify(pattern)}, decision = "${decision}")\n`

/** A home whose user has these rules. */
export const ruled = (text: string): World => ({ home: { "rules/default.rules": text } })

/** Every command prompts. */
export const untrusted = { approvalPolicy: "untrusted", sandbox: "danger-full-access" } as const

/** No sandbox; rules may prompt. */
export const onRequest = { approvalPolicy: "on-request", sandbox: "danger-full-access" } as const

/** No sandbox, and no approvals. */
export const never = { approvalPolicy: "never", sandbox: "danger-full-access" } as const

/** A sandbox; rules may prompt. */
export const confined = { approvalPolicy: "on-request", sandbox: "read-only" } as const
