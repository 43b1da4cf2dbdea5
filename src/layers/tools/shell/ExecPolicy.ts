/**
 * Whether a command runs, is asked about, or is refused. Pure: everything it looks at is an argument.
 *
 * ```
 * escalation asked for, nobody may be asked ───► refuse
 * a rule forbids a command ────────────────────► refuse
 * rules let every command through ─────────────► run, outside the sandbox
 * nothing to ask about ────────────────────────► run, confined
 * approved for the session ────────────────────► run
 * the policy lets the user be asked ───────────► ask
 *                                      else ───► refuse
 * ```
 *
 * The texts are the released server's. It has a sandbox everywhere; here a machine may have none, and then a policy that
 * needs one is something to ask about.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy } from "../../../protocol/Settings.ts"
import { rejected } from "./Refusal.ts"
import { matches, type Rule, type RuleDecision } from "./Rules.ts"
import { read, type Script, type Words } from "./Script.ts"

export interface Request {
  readonly script: Script
  /** As shown: shell, flag, script. Stands for the command where the script is not plain. */
  readonly argv: Words
  /** The argv as one line. */
  readonly command: string
  readonly approvalPolicy: AskForApproval
  readonly sandboxPolicy: SandboxPolicy
  /** Whether this machine can enforce the sandbox policy. */
  readonly confinable: boolean
  /** The model wants to run outside of the sandbox. */
  readonly escalated: boolean
  readonly justification: string | null
  /** The prefix that the model proposes for a rule. */
  readonly prefixRule: Words | null
  readonly rules: ReadonlyArray<Rule>
  /** The user said yes to this very command before, for the session. */
  readonly approvedForSession: boolean
}

export type Decision =
  | { readonly type: "run"; readonly confined: boolean }
  | {
      readonly type: "ask"
      readonly reason: string | null
      /** The rule that a user may add along with the answer. */
      readonly amendment: Words | null
      /** How it runs when the answer is yes. */
      readonly confined: boolean
    }
  | { readonly type: "refuse"; readonly text: string }

/** Why a command may not just run. */
type Concern = "promptRule" | "flagged" | "untrusted" | "escalated" | "unconfined"

export const decide = (request: Request): Decision => {
  if (request.escalated && !mayEscalate(request.approvalPolicy)) return refuse(noEscalation(request.approvalPolicy))
  const forbidding = forbiddenBy(request)
  if (forbidding !== undefined) return refuse(forbidden(request, forbidding))
  const commands = commandsOf(request)
  if (commands.every((words) => isLetThrough(request.rules, words))) return { type: "run", confined: false }
  const confined = request.confinable && !request.escalated
  const concern = concernOf(request, commands)
  if (concern === undefined || (request.approvedForSession && request.approvalPolicy !== "never")) {
    return { type: "run", confined }
  }
  const refusal = refusalOf(request, concern)
  if (refusal !== undefined) return refuse(refusal)
  return {
    type: "ask",
    reason: reasonOf(request, commands, concern),
    amendment: concern === "promptRule" ? null : amendmentOf(request, commands),
    confined
  }
}

/** The commands that rules speak of: one by one in a plain script, else the whole line. */
const commandsOf = (request: Request): ReadonlyArray<Words> =>
  request.script.plain?.map((command) => command.words) ?? [request.argv]

const concernOf = (request: Request, commands: ReadonlyArray<Words>): Concern | undefined => {
  if (commands.some((words) => ruleFor(request.rules, words, "prompt") !== undefined)) return "promptRule"
  const isFlaggedCommand = request.script.plain === undefined ? () => isFlaggedScript(request.script) : isFlagged
  if (commands.some((words) => isFlaggedCommand(words) && !isLetThrough(request.rules, words))) return "flagged"
  if (request.approvalPolicy === "untrusted") return "untrusted"
  if (request.escalated && needsSandbox(request.sandboxPolicy)) return "escalated"
  return request.confinable || request.escalated ? undefined : "unconfined"
}

const refusalOf = (request: Request, concern: Concern): string | undefined => {
  const policy = request.approvalPolicy
  const granular = typeof policy === "object" ? policy.granular : undefined
  switch (concern) {
    case "promptRule":
      if (policy === "never") return rejected("approval required by policy, but AskForApproval is set to Never")
      return granular?.rules === false
        ? rejected("approval required by policy rule, but AskForApproval::Granular.rules is false")
        : undefined
    case "flagged":
      return policy === "never"
        ? rejected(`\`${request.command}\` rejected: rm -f style commands are not permitted. Use a safer approach`)
        : undefined
    case "unconfined":
      return policy === "never" || granular?.sandbox_approval === false
        ? rejected(
            `\`${request.command}\` rejected: this machine has no sandbox to enforce ${request.sandboxPolicy.type}, ` +
              "and the approval policy does not let the user be asked"
          )
        : undefined
    default:
      return undefined
  }
}

const reasonOf = (request: Request, commands: ReadonlyArray<Words>, concern: Concern): string | null => {
  if (concern === "promptRule") {
    const rule = commands.map((words) => ruleFor(request.rules, words, "prompt")).find((found) => found !== undefined)
    const said = rule?.justification ?? null
    return `\`${request.command}\` requires approval${said === null ? " by policy" : `: ${said}`}`
  }
  if (request.justification !== null) return request.justification
  if (request.confinable || request.escalated) return null
  return `This machine has no sandbox to enforce ${request.sandboxPolicy.type}: the command would run without one`
}

/** The model's own proposal where it would let the whole line through, else the first command that needs it. */
const amendmentOf = (request: Request, commands: ReadonlyArray<Words>): Words | null => {
  const policy = request.approvalPolicy
  if (typeof policy === "object" && !policy.granular.sandbox_approval) return null
  const prefix = request.prefixRule
  if (prefix !== null && !isTooBroad(prefix) && commands.every((words) => startsWith(words, prefix))) return prefix
  const open = commands.filter((words) => !isLetThrough(request.rules, words))
  return open.find(isFlagged) ?? open[0] ?? null
}

const startsWith = (words: Words, prefix: Words): boolean => prefix.every((word, index) => words[index] === word)

const ruleFor = (rules: ReadonlyArray<Rule>, words: Words, decision: RuleDecision): Rule | undefined =>
  rules.find((rule) => rule.decision === decision && matches(rule, words))

/** A flagged command is only let through by a rule that names what makes it flagged: `rm` does not cover `rm -rf x`. */
const isLetThrough = (rules: ReadonlyArray<Rule>, words: Words): boolean => {
  const flagged = isFlagged(words)
  return (
    ruleFor(rules, words, "prompt") === undefined &&
    rules.some(
      (rule) =>
        rule.decision === "allow" &&
        matches(rule, words) &&
        (!flagged || isFlagged(words.slice(0, rule.pattern.length)))
    )
  )
}

/** A prohibition holds for every command that can be seen in the script, plain or not. */
const forbiddenBy = (request: Request): Rule | undefined => {
  for (const words of [request.argv, ...request.script.all]) {
    const rule = ruleFor(request.rules, words, "forbidden")
    if (rule !== undefined) return rule
  }
  return undefined
}

const forbidden = (request: Request, rule: Rule): string => {
  const prefix = rule.pattern.map((alternatives) => alternatives[0] ?? "").join(" ")
  return rejected(
    `\`${request.command}\` rejected: ${rule.justification ?? `policy forbids commands starting with \`${prefix}\``}`
  )
}

const needsSandbox = (policy: SandboxPolicy): boolean => policy.type === "readOnly" || policy.type === "workspaceWrite"

const mayEscalate = (policy: AskForApproval): boolean =>
  typeof policy === "object" ? policy.granular.sandbox_approval : policy !== "never"

const noEscalation = (policy: AskForApproval): string => {
  const name = policyName(policy)
  return (
    `approval policy is ${name}; reject command — ` +
    `you cannot ask for escalated permissions if the approval policy is ${name}`
  )
}

/** The name by which the release prints a policy. */
const policyName = (policy: AskForApproval): string => {
  if (policy === "never") return "Never"
  if (policy === "on-request") return "OnRequest"
  if (policy === "untrusted") return "UnlessTrusted"
  const { sandbox_approval, rules, skill_approval, request_permissions, mcp_elicitations } = policy.granular
  const members = { sandbox_approval, rules, skill_approval, request_permissions, mcp_elicitations }
  const text = Object.entries(members).map(([name, value]) => `${name}: ${value}`)
  return `Granular(GranularApprovalConfig { ${text.join(", ")} })`
}

const refuse = (text: string): Decision => ({ type: "refuse", text })

/** True when the script would run, somewhere in it, a command that is asked about under every policy. */
const isFlaggedScript = (script: Script): boolean => script.all.some(isFlagged)

const Shells = new Set(["sh", "bash", "zsh", "dash", "ksh"])
const Wrappers = new Set(["sudo", "doas", "env", "command", "exec", "nohup", "nice", "time"])

/** Forced removal, also behind `sudo` and the like or inside a shell's `-c`. */
export const isFlagged = (words: Words): boolean => {
  const [first = "", ...rest] = words
  const name = first.slice(first.lastIndexOf("/") + 1)
  if (name === "rm") return rest.some((word) => word === "--force" || /^-[A-Za-z]*f/.test(word))
  if (Wrappers.has(name)) {
    const start = rest.findIndex((word) => !word.startsWith("-") && !/^\w+=/.test(word))
    return start !== -1 && isFlagged(rest.slice(start))
  }
  if (!Shells.has(name)) return false
  const flag = rest.findIndex((word) => /^-[a-z]*c$/.test(word))
  return flag !== -1 && isFlaggedScript(read(rest[flag + 1] ?? ""))
}

const Interpreters = new Set([
  ...Shells,
  ...Wrappers,
  "python",
  "python3",
  "node",
  "bun",
  "deno",
  "perl",
  "ruby",
  "php",
  "lua",
  "osascript",
  "powershell",
  "pwsh",
  "git",
  "rm"
])

/** A prefix that would let nearly anything through: an interpreter or a wrapper, with nothing or only flags behind it. */
const isTooBroad = (prefix: Words): boolean => {
  const [first = "", ...rest] = prefix
  return first === "" || (Interpreters.has(first.slice(first.lastIndexOf("/") + 1)) && rest.every(isFlag))
}

const isFlag = (word: string): boolean => word.startsWith("-")

/**
 * By what the release remembers an approval for the session: the words of a single plain command, however it was spaced,
 * or else the very line; where it runs, in which shell, and with which permissions.
 */
export const sessionKey = (request: Pick<Request, "script" | "argv" | "escalated">, cwd: string): string => {
  const [shell = ""] = request.argv
  const plain = request.script.plain
  const what = plain?.length === 1 ? plain[0]?.words : request.argv
  return JSON.stringify([shell, cwd, request.escalated, what])
}
