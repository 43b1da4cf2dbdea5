/**
 * Decides whether a command runs, needs approval, or is refused. Pure: all inputs are arguments.
 *
 * ```
 * escalation requested, approval impossible ───► refuse
 * a rule forbids a command ────────────────────► refuse
 * rules allow every command ───────────────────► run, outside the sandbox
 * no concern ──────────────────────────────────► run, confined
 * approved for the session ────────────────────► run
 * the policy permits an approval request ──────► ask
 *                                      else ───► refuse
 * ```
 *
 * A rule that allows applies only to a command that is fully understood. A rule that prompts or forbids applies to every
 * script that may run its program (`Reach`): if this is certain the rule is followed, if it is possible the user is asked. A
 * script that cannot be parsed, or that takes too much work, is refused when its text contains the name of a forbidden
 * program.
 *
 * The texts are those of the released server. It always has a sandbox; here a machine may have none, and then a policy that
 * needs one requires approval.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy } from "../../../protocol/v2/thread/Settings.ts"
import { policyName, settingName } from "./PolicyNames.ts"
import { rejected } from "./RejectedText.ts"
import { type Reach, reaching, reachOf } from "./Reach.ts"
import { allows, programName, restricts, type Word } from "./Rules.ts"
import type { Rule, RuleSet } from "../../../services/tool/ExecRules.ts"
import { read, type Script, type Words } from "./Script.ts"

export interface Request {
  readonly script: Script
  /** Shell, flag and script. Used as the command when the script is not plain. */
  readonly argv: Words
  /** The argv formatted as one line. */
  readonly command: string
  readonly approvalPolicy: AskForApproval
  readonly sandboxPolicy: SandboxPolicy
  /** Whether this machine can enforce the sandbox policy. */
  readonly confinable: boolean
  /** The model requests to run outside of the sandbox. */
  readonly escalated: boolean
  readonly justification: string | null
  /** The prefix of a rule that the model proposes. */
  readonly prefixRule: Words | null
  readonly rules: RuleSet
  /** The search path does not depend on the working folder, so a bare name is never a file of the project. */
  readonly fixedSearchPath: boolean
  /** The user has approved this command for the session. */
  readonly approvedForSession: boolean
}

export type Decision =
  | { readonly type: "run"; readonly confined: boolean }
  | {
      readonly type: "ask"
      readonly reason: string | null
      /** The rule that the user may add with the approval. */
      readonly amendment: Words | null
      /** How it runs when it is approved. */
      readonly confined: boolean
    }
  | ({ readonly type: "refuse" } & Refusal)

export interface Refusal {
  /** For the model. */
  readonly text: string
  /** For users: what refused the command, and why. */
  readonly shown: string
}

type RuleConcern = { readonly type: "promptRule" | "suspectedRule"; readonly rule: Rule }

interface Forbidden {
  readonly type: "forbidden"
  readonly rule: Rule
  /** The command that causes the concern; empty when it is unknown. */
  readonly words: ReadonlyArray<Word>
}

/** A reason why a command needs approval or is refused. */
type Concern =
  | RuleConcern
  | { readonly type: "incompleteRules" | "unreadable" | "flagged" | "untrusted" | "escalated" | "unconfined" }

export const decide = (request: Request): Decision => {
  if (request.escalated && !mayEscalate(request.approvalPolicy)) return noEscalation(request.approvalPolicy)
  const restriction = restrictionOf(request)
  if (restriction?.type === "forbidden") return forbidden(request, restriction)
  const commands = commandsOf(request)
  const isFree = restriction === undefined && !request.rules.incomplete && request.script.readable
  if (isFree && commands.every((words) => isAllowedByRule(request, words))) return { type: "run", confined: false }
  const confined = request.confinable && !request.escalated
  const concern = restriction ?? concernOf(request, commands)
  if (concern === undefined || (request.approvedForSession && mayRemember(request, concern))) {
    return { type: "run", confined }
  }
  const refusal = refusalOf(request, concern)
  if (refusal !== undefined) return refusal
  return {
    type: "ask",
    reason: reasonOf(request, concern),
    amendment: mayAmend(concern) ? amendmentOf(request, commands) : null,
    confined
  }
}

/** The commands to which rules apply: each one in a plain script, else the whole line. */
const commandsOf = (request: Request): ReadonlyArray<Words> =>
  request.script.plain?.map((command) => command.words) ?? [request.argv]

/** The verdict of the restricting rules. The strictest one applies, and of those the first. */
const restrictionOf = (request: Request): RuleConcern | Forbidden | undefined => {
  const restricting = request.rules.rules.filter(({ decision }) => decision !== "allow")
  if (restricting.length === 0) return undefined
  const reach: Reach = reachOf(request.script)
  const isUnderstood = request.script.readable && !reach.exhausted
  const hidden = isUnderstood ? undefined : restricting.find(forbiddenIn(request.argv.at(-1) ?? ""))
  if (hidden !== undefined) return { type: "forbidden", rule: hidden, words: [] }
  const reaches = reaching(reach)
  const found = restricting.map((rule) => ({ rule, reached: reaches(rule) }))
  const forbidding = found.find(
    ({ reached, rule: { decision, required } }) =>
      decision === "forbidden" && (reached === "yes" || (reached === "maybe" && required === true))
  )
  if (forbidding !== undefined) {
    const { rule } = forbidding
    const words = reach.commands.find((command) => restricts(rule, command) === "yes") ?? []
    return { type: "forbidden", rule, words }
  }
  const reached = found.filter((one) => one.reached !== "no")
  // Requirements come first: a session approval does not satisfy them.
  const first =
    reached.find(({ rule }) => rule.needsUser === true) ??
    reached.find(({ rule }) => rule.required === true) ??
    reached.find((one) => one.reached === "yes")
  const concern = first ?? reached[0]
  if (concern === undefined) return undefined
  return { type: concern.reached === "yes" ? "promptRule" : "suspectedRule", rule: concern.rule }
}

/** Maximum length of a script that is searched for names of forbidden programs. A longer one counts as containing them. */
const MaxSearched = 1024 * 1024

/** True for a forbidding rule whose program's name occurs in the text. */
const forbiddenIn = (text: string): ((rule: Rule) => boolean) => {
  const hasAll = text.length > MaxSearched
  const written = hasAll ? "" : text.normalize("NFKC").toLowerCase()
  const unquoted = written.replace(/\\\r?\n|['"\\]/g, "")
  return ({ decision, pattern: [programs = []] }) =>
    decision === "forbidden" &&
    (hasAll || programs.map(programName).some((name) => written.includes(name) || unquoted.includes(name)))
}

const concernOf = (request: Request, commands: ReadonlyArray<Words>): Concern | undefined => {
  if (request.rules.incomplete) return { type: "incompleteRules" }
  const isFlaggedCommand =
    request.script.plain === undefined ? () => isFlaggedScript(request.script) : (words: Words) => isFlagged(words)
  if (commands.some((words) => isFlaggedCommand(words) && !isAllowedByRule(request, words))) return { type: "flagged" }
  if (!request.script.readable) {
    const staysConfined = request.confinable && needsSandbox(request.sandboxPolicy) && !request.escalated
    if (request.approvalPolicy !== "never" && !staysConfined) return { type: "unreadable" }
    if (request.argv.some((word) => /\brm\b/.test(word.replace(/['"\\]/g, "")))) return { type: "flagged" }
  }
  if (request.approvalPolicy === "untrusted") return { type: "untrusted" }
  if (request.escalated && needsSandbox(request.sandboxPolicy)) return { type: "escalated" }
  return request.confinable || request.escalated ? undefined : { type: "unconfined" }
}

/** A session approval applies under every policy that asks, but never against requirements. */
const mayRemember = (request: Request, concern: Concern): boolean =>
  request.approvalPolicy !== "never" && !("rule" in concern && concern.rule.required === true)

/** An allowing rule would not override the causes of these. */
const mayAmend = ({ type }: Concern): boolean =>
  type !== "promptRule" && type !== "suspectedRule" && type !== "incompleteRules" && type !== "unreadable"

const refusalOf = (request: Request, concern: Concern): Decision | undefined => {
  const policy = request.approvalPolicy
  const granular = typeof policy === "object" ? policy.granular : undefined
  switch (concern.type) {
    case "promptRule":
    case "suspectedRule":
    case "incompleteRules":
      if ("rule" in concern && concern.rule.needsUser === true) {
        return refuse(
          "approval request failed",
          "a rule of your organisation requires an answer that no client can give"
        )
      }
      if (policy === "never") {
        const text = "approval required by policy, but AskForApproval is set to Never"
        return refuse(text, `${ruleOf(concern)}, and the approval policy is \`never\``)
      }
      return granular?.rules === false
        ? refuse(
            "approval required by policy rule, but AskForApproval::Granular.rules is false",
            `${ruleOf(concern)}, and the approval policy refuses what rules ask about`
          )
        : undefined
    case "flagged":
      return policy === "never"
        ? refuse(
            `\`${request.command}\` rejected: rm -f style commands are not permitted. Use a safer approach`,
            "a forced removal needs approval, and the approval policy is `never`"
          )
        : undefined
    case "unconfined":
      return policy === "never" || granular?.sandbox_approval === false
        ? refuse(
            `\`${request.command}\` rejected: this machine has no sandbox to enforce ${request.sandboxPolicy.type}, ` +
              "and the approval policy permits no approval request",
            `there is no sandbox here to enforce ${settingName(request.sandboxPolicy)}, and the approval policy permits no question`
          )
        : undefined
    default:
      return undefined
  }
}

const ruleOf = (concern: Concern): string =>
  "rule" in concern
    ? `a rule ${concern.rule.required === true ? "of your organisation " : ""}requires approval`
    : "some rules could not be applied, so it needs approval"

const reasonOf = (request: Request, concern: Concern): string | null => {
  switch (concern.type) {
    case "promptRule": {
      const justification = concern.rule.justification
      return `\`${request.command}\` requires approval${justification === null ? " by policy" : `: ${justification}`}`
    }
    case "suspectedRule": {
      const { decision, justification } = concern.rule
      const what = decision === "forbidden" ? "forbids" : "asks about"
      const may = `This command may run \`${prefixOf(concern.rule)}\`, which a rule ${what}`
      return justification === null ? may : `${may}: ${justification}`
    }
    case "incompleteRules":
      return "Some rules could not be applied, so every command needs approval"
    case "unreadable":
      return "This script cannot be read in full"
  }
  if (request.justification !== null) return request.justification
  if (request.confinable || request.escalated) return null
  return `This machine has no sandbox to enforce ${request.sandboxPolicy.type}: the command would run without one`
}

/** The model's proposal if it would allow the whole line, else the first command that needs a rule. */
const amendmentOf = (request: Request, commands: ReadonlyArray<Words>): Words | null => {
  const policy = request.approvalPolicy
  if (typeof policy === "object" && !policy.granular.sandbox_approval) return null
  const prefix = request.prefixRule
  if (prefix !== null && !isTooBroad(prefix) && commands.every((words) => startsWith(words, prefix))) return prefix
  const open = commands.filter((words) => !isAllowedByRule(request, words))
  return open.find((words) => isFlagged(words)) ?? open[0] ?? null
}

const startsWith = (words: Words, prefix: Words): boolean => prefix.every((word, index) => words[index] === word)

/**
 * A flagged command is only allowed by a rule that includes the flagged part: `rm` does not cover `rm -rf x`. A line that is
 * not plain is only covered by a rule about the whole line.
 */
const isAllowedByRule = (request: Request, words: Words): boolean => {
  const flagged = isFlagged(words)
  const { plain } = request.script
  return request.rules.rules.some(
    (rule) =>
      rule.decision === "allow" &&
      allows(rule, words, request.rules) &&
      (request.fixedSearchPath || words[0]?.startsWith("/") === true) &&
      (plain !== undefined || rule.pattern.length >= words.length) &&
      (!flagged || isFlagged(words.slice(0, rule.pattern.length)))
  )
}

/** The pattern, with the alternatives that match a command. */
const prefixOf = (rule: Rule, words: ReadonlyArray<Word> = []): string =>
  rule.pattern
    .map((alternatives, index) => alternatives.find((word) => word === words[index]) ?? alternatives[0] ?? "")
    .join(" ")

const forbidden = (request: Request, { rule, words }: Forbidden): Decision => {
  const why = rule.justification ?? `policy forbids commands starting with \`${prefixOf(rule, words)}\``
  const whose = rule.required === true ? "a rule of your organisation" : "a rule"
  return refuse(`\`${request.command}\` rejected: ${why}`, `${whose} forbids it: ${why}`)
}

const needsSandbox = (policy: SandboxPolicy): boolean => policy.type === "readOnly" || policy.type === "workspaceWrite"

const mayEscalate = (policy: AskForApproval): boolean =>
  typeof policy === "object" ? policy.granular.sandbox_approval : policy !== "never"

const noEscalation = (policy: AskForApproval): Decision => {
  const name = policyName(policy)
  return {
    type: "refuse",
    text:
      `approval policy is ${name}; reject command — ` +
      `you cannot ask for escalated permissions if the approval policy is ${name}`,
    shown: "refused: the agent asked to leave the sandbox, and the approval policy permits no question"
  }
}

const refuse = (reason: string, why: string): Decision => ({
  type: "refuse",
  text: rejected(reason),
  shown: `refused: ${why}`
})

/** True when some part of the script runs a command that needs approval under every policy. */
const isFlaggedScript = (script: Script, shells = 0): boolean =>
  script.all.some((words) =>
    isFlagged(
      words.map((word) => word ?? ""),
      shells
    )
  )

const Shells = new Set(["sh", "bash", "zsh", "dash", "ksh"])
const Wrappers = new Set(["sudo", "doas", "env", "command", "exec", "nohup", "nice", "time"])

/** Maximum number of wrappers before a command, and of nested shells, that are examined. More of them flag the command. */
const MaxWrappers = 64
const MaxShells = 8

/** Forced removal, also after `sudo` and similar wrappers or inside a shell's `-c`. */
export const isFlagged = (words: Words, shells = 0): boolean => {
  let start = 0
  for (let wrappers = 0; start !== -1; wrappers++) {
    if (wrappers > MaxWrappers) return true
    const name = baseName(words[start])
    if (name === "rm") return words.some((word, at) => at > start && (word === "--force" || /^-[A-Za-z]*f/.test(word)))
    if (Shells.has(name)) return runsFlagged(words.slice(start + 1), shells)
    if (!Wrappers.has(name)) return false
    const from: number = start
    start = words.findIndex((word, at) => at > from && !word.startsWith("-") && !/^\w+=/.test(word))
  }
  return false
}

/** True when the script of a shell's `-c` is flagged. */
const runsFlagged = (args: Words, shells: number): boolean => {
  const flag = args.findIndex((word) => /^-[a-z]*c$/.test(word))
  if (flag === -1) return false
  return shells >= MaxShells || isFlaggedScript(read(args[flag + 1] ?? ""), shells + 1)
}

const baseName = (path = ""): string => path.slice(path.lastIndexOf("/") + 1)

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

/** A prefix that would allow almost anything: an interpreter or a wrapper, alone or with flags only. */
const isTooBroad = (prefix: Words): boolean => {
  const [first = "", ...rest] = prefix
  return first === "" || (Interpreters.has(first.slice(first.lastIndexOf("/") + 1)) && rest.every(isFlag))
}

const isFlag = (word: string): boolean => word.startsWith("-")

/**
 * The key of a session approval, as in the release: the words of a single plain command, or else the exact line; with the
 * working folder, the shell and the permissions.
 */
export const sessionKey = (request: Pick<Request, "script" | "argv" | "escalated">, cwd: string): string => {
  const [shell = ""] = request.argv
  const plain = request.script.plain
  const what = plain?.length === 1 ? plain[0]?.words : request.argv
  return JSON.stringify([shell, cwd, request.escalated, what])
}
