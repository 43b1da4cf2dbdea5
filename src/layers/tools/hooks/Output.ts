/**
 * What a hook has decided, from its exit status and its output.
 *
 * Pure. A hook that cannot be understood has failed: it decides nothing, and its run says why.
 *
 * @module
 */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { HookOutputEntry, HookRunStatus } from "../../../protocol/v2/hook/Hook.ts"

/** The events with a decision. */
export type Point = "preToolUse" | "postToolUse" | "userPromptSubmit" | "sessionStart" | "stop"

/** How a hook's process ended. */
export type Ended =
  | { readonly _tag: "Exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** It could not be started, or did not end in time. */
  | { readonly _tag: "Failed"; readonly reason: string }

/** What it means. */
export interface Verdict {
  readonly status: Exclude<HookRunStatus, "running">
  readonly entries: ReadonlyArray<HookOutputEntry>
  /** For `blocked`, and for `stopped` behind a tool: the text for the model. */
  readonly reason?: string
  readonly updatedInput?: unknown
}

/** Longest text of one entry in UTF-16 units. */
const MaxText = 40_000

const names: Readonly<Record<Point, readonly [name: string, inErrors: string, blocking: string]>> = {
  preToolUse: ["PreToolUse", "pre-tool-use", "a blocking reason"],
  postToolUse: ["PostToolUse", "post-tool-use", "a blocking reason"],
  userPromptSubmit: ["UserPromptSubmit", "user prompt submit", "a blocking reason"],
  sessionStart: ["SessionStart", "session start", "a blocking reason"],
  stop: ["Stop", "stop hook", "a blocking reason"]
}

const text = Schema.optionalKey(Schema.NullOr(Schema.String))

const universal = {
  continue: Schema.optionalKey(Schema.Boolean),
  stopReason: text,
  suppressOutput: Schema.optionalKey(Schema.Boolean),
  systemMessage: text
}

const block = { decision: Schema.optionalKey(Schema.NullOr(Schema.Literal("block"))), reason: text }

const specific = <Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) => ({
  hookSpecificOutput: Schema.optionalKey(
    Schema.NullOr(Schema.Struct({ hookEventName: Schema.Literal(name), additionalContext: text, ...fields }))
  )
})

/** The outputs by point. A member that is not known makes an output invalid. */
const schemas = {
  preToolUse: Schema.Struct({
    ...universal,
    decision: Schema.optionalKey(Schema.NullOr(Schema.Literals(["approve", "block"]))),
    reason: text,
    ...specific("PreToolUse", {
      permissionDecision: Schema.optionalKey(Schema.NullOr(Schema.Literals(["allow", "deny", "ask"]))),
      permissionDecisionReason: text,
      updatedInput: Schema.optionalKey(Schema.Unknown)
    })
  }),
  postToolUse: Schema.Struct({
    ...universal,
    ...block,
    ...specific("PostToolUse", { updatedMCPToolOutput: Schema.optionalKey(Schema.Unknown) })
  }),
  userPromptSubmit: Schema.Struct({ ...universal, ...block, ...specific("UserPromptSubmit", {}) }),
  sessionStart: Schema.Struct({ ...universal, ...specific("SessionStart", {}) }),
  stop: Schema.Struct({ ...universal, ...block })
}

type Pre = typeof schemas.preToolUse.Type
type Other = {
  readonly continue?: boolean
  readonly stopReason?: string | null
  readonly suppressOutput?: boolean
  readonly systemMessage?: string | null
  readonly decision?: "block" | null
  readonly reason?: string | null
  readonly hookSpecificOutput?: {
    readonly additionalContext?: string | null
    readonly updatedMCPToolOutput?: unknown
  } | null
}

const parsed = (content: string): unknown => {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

const cut = (content: string): string => (content.length > MaxText ? `${content.slice(0, MaxText)}… (cut)` : content)

const trimmed = (content: string | null | undefined): string | undefined => {
  const rest = content?.trim()
  return rest === undefined || rest === "" ? undefined : cut(rest)
}

const entry = (kind: HookOutputEntry["kind"], content: string): HookOutputEntry => ({ kind, text: cut(content) })

const failed = (problem: string, before: ReadonlyArray<HookOutputEntry> = []): Verdict => ({
  status: "failed",
  entries: [...before, entry("error", problem)]
})

const blocked = (reason: string, before: ReadonlyArray<HookOutputEntry>): Verdict => ({
  status: "blocked",
  entries: [...before, entry("feedback", reason)],
  reason
})

/** The problem of an output in front of a tool that asks for more than the point has. */
const unsupportedPre = ({ decision, hookSpecificOutput: own, reason, ...rest }: Pre): string | undefined => {
  if (rest.continue === false) return "unsupported continue:false"
  if (rest.stopReason != null) return "unsupported stopReason"
  if (rest.suppressOutput === true) return "unsupported suppressOutput"
  const permission = own?.permissionDecision ?? null
  const input = own?.updatedInput ?? null
  if (input !== null && permission !== "allow") return "updatedInput without permissionDecision:allow"
  if (permission === "allow") return input === null ? "unsupported permissionDecision:allow" : undefined
  if (permission === "ask") return "unsupported permissionDecision:ask"
  if (permission === "deny") {
    return trimmed(own?.permissionDecisionReason) === undefined
      ? "permissionDecision:deny without a non-empty permissionDecisionReason"
      : undefined
  }
  if (own?.permissionDecisionReason != null) return "permissionDecisionReason without permissionDecision"
  if (decision === "approve") return "unsupported decision:approve"
  if (decision === "block")
    return trimmed(reason) === undefined ? "decision:block without a non-empty reason" : undefined
  return reason == null ? undefined : "reason without decision"
}

const ofPre = (output: Pre): Verdict => {
  const { decision, hookSpecificOutput: own, reason, systemMessage } = output
  const warning = systemMessage == null ? [] : [entry("warning", systemMessage)]
  const problem = unsupportedPre(output)
  if (problem !== undefined) return failed(`PreToolUse hook returned ${problem}`, warning)
  const context = trimmed(own?.additionalContext)
  const entries = context === undefined ? warning : [...warning, entry("context", context)]
  const denied =
    own?.permissionDecision === "deny"
      ? trimmed(own.permissionDecisionReason)
      : decision === "block"
        ? trimmed(reason)
        : undefined
  if (denied !== undefined) return blocked(denied, entries)
  const updatedInput = own?.permissionDecision === "allow" ? (own.updatedInput ?? null) : null
  return { status: "completed", entries, ...(updatedInput === null ? {} : { updatedInput }) }
}

const ofOther = (point: Exclude<Point, "preToolUse">, output: Other): Verdict => {
  const { decision, hookSpecificOutput: own, reason, stopReason, systemMessage } = output
  const [name] = names[point]
  const warning = systemMessage == null ? [] : [entry("warning", systemMessage)]
  const isAfterTool = point === "postToolUse"
  if (isAfterTool && output.suppressOutput === true) {
    return failed(`${name} hook returned unsupported suppressOutput`, warning)
  }
  if (isAfterTool && own?.updatedMCPToolOutput != null) {
    return failed(`${name} hook returned unsupported updatedMCPToolOutput`, warning)
  }
  const context = trimmed(own?.additionalContext)
  const entries = context === undefined ? warning : [...warning, entry("context", context)]
  if (output.continue === false) {
    const why = trimmed(stopReason) ?? (isAfterTool ? `${name} hook stopped execution` : undefined)
    const stopped = why === undefined ? entries : [...entries, entry("stop", why)]
    return { status: "stopped", entries: stopped, reason: trimmed(reason) ?? why ?? `${name} hook stopped execution` }
  }
  const given = trimmed(reason)
  if (decision !== "block") {
    return isAfterTool && reason != null
      ? failed(`${name} hook returned reason without decision`, entries)
      : { status: "completed", entries }
  }
  return given === undefined
    ? failed(`${name} hook returned decision:block without a non-empty reason`, entries)
    : blocked(given, entries)
}

/** The verdict of an output of a hook that exited with 0. */
const ofOutput = (point: Point, stdout: string): Verdict => {
  const content = stdout.trim()
  if (content === "") return { status: "completed", entries: [] }
  const invalid = failed(`hook returned invalid ${names[point][1]} JSON output`)
  if (!content.startsWith("{") && !content.startsWith("[")) {
    if (point === "stop") return invalid
    return {
      status: "completed",
      entries: point === "userPromptSubmit" || point === "sessionStart" ? [entry("context", content)] : []
    }
  }
  const value = parsed(content)
  const strict = { onExcessProperty: "error" as const }
  if (point === "preToolUse") {
    const exit = Schema.decodeUnknownExit(schemas.preToolUse)(value, strict)
    return Exit.isSuccess(exit) ? ofPre(exit.value) : invalid
  }
  const exit: Exit.Exit<Other, unknown> = Schema.decodeUnknownExit(schemas[point] as Schema.Codec<Other>)(value, strict)
  return Exit.isSuccess(exit) ? ofOther(point, exit.value) : invalid
}

/** What the end of a hook's process means at a point. */
export const verdictOf = (point: Point, ended: Ended): Verdict => {
  if (ended._tag === "Failed") return failed(ended.reason)
  const { code, stderr, stdout } = ended
  if (code === 0) return ofOutput(point, stdout)
  if (code !== 2 || point === "sessionStart") return failed(`hook exited with code ${code}`)
  const reason = trimmed(stderr)
  const [name, , what] = names[point]
  return reason === undefined
    ? failed(`${name} hook exited with code 2 but did not write ${what} to stderr`)
    : blocked(reason, [])
}
