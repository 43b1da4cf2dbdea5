/**
 * Formats protocol values for users: one line each, without colours.
 *
 * @module
 */
import { homedir } from "node:os"
import type { Item, ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ResultOf } from "../../protocol/Methods.ts"
import type { AskForApproval, SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import type { TokenUsageBreakdown } from "../../protocol/v2/thread/Thread.ts"
import { plain } from "../console/ShownText.ts"

const sandboxes: Readonly<Record<SandboxPolicy["type"], string>> = {
  dangerFullAccess: "danger-full-access",
  externalSandbox: "external sandbox",
  readOnly: "read-only",
  workspaceWrite: "workspace-write"
}

const approval = (policy: AskForApproval): string => (typeof policy === "string" ? policy : "granular")

const folder = (path: string): string => {
  const home = homedir()
  return path === home || path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}

/** The first line of a run: model, permissions, folder, and the thread's id. */
export const thread = (started: ResultOf<"thread/start">): string =>
  [
    `${started.model} (${started.modelProvider})`,
    sandboxes[started.sandbox.type],
    `approvals: ${approval(started.approvalPolicy)}`,
    folder(started.cwd),
    `thread ${started.thread.id}`
  ].join(" · ")

/** A token of a command line: in single quotes, in double quotes, bare, or the blank between two tokens. */
const piece = /'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"\\]+)|( )/gsy

/** Splits a command line as the server writes it. A line with other syntax is a single word. */
const wordsOf = (line: string): ReadonlyArray<string> => {
  const words = [""]
  let read = 0
  for (const [whole, single, double, bare, blank] of line.matchAll(piece)) {
    read += whole.length
    if (blank !== undefined) words.push("")
    else words.push(`${words.pop()}${single ?? bare ?? double?.replace(/\\(.)/gs, "$1")}`)
  }
  return read === line.length ? words : [line]
}

/** A shell by its name or in a system folder. A program with such a name elsewhere could be anything. */
const shell = /^(?:(?:\/usr(?:\/local)?)?\/bin\/)?(?:bash|dash|ksh|sh|zsh)$/

/** The script of a command line that only passes it to a system shell; any other line unchanged. */
export const command = (line: string): string => {
  const [program = "", flag = "", script, ...rest] = wordsOf(line)
  if (script === undefined || rest.length > 0 || !/^-l?c$/.test(flag)) return line
  return shell.test(program) ? script : line
}

/** Such as `80 ms`, `2.5 s`, `12 s`, `3 min 5 s`. */
export const duration = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 9950) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.round(millis / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** How a command ended. */
export const outcome = ({ aggregatedOutput, durationMs, exitCode, status }: Item<"commandExecution">): string => {
  // Without a reason the user was asked.
  if (status === "declined") return aggregatedOutput ?? "declined by you, not run"
  const end = exitCode === null ? (status === "inProgress" ? "still running" : "failed") : `exit ${exitCode}`
  return durationMs === null ? end : `${end}, ${duration(durationMs)}`
}

/** How many lines of a command's output are shown: some from its beginning, the rest from its end. */
const HeadLines = 4
const TailLines = 8

/** The output of a command, shortened to a few lines. */
export const excerpt = (output: string, width: number): ReadonlyArray<string> => {
  const text = plain(output).replace(/\n+$/, "")
  if (text === "") return []
  const lines = text.split("\n")
  const left = lines.length - HeadLines - TailLines
  const shown = left <= 1 ? lines : [...lines.slice(0, HeadLines), `… ${left} more lines`, ...lines.slice(-TailLines)]
  return shown.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
}

const marks = { pending: "☐", inProgress: "▸", completed: "☑" } as const

/** A plan as a checklist. */
export const plan = (update: {
  readonly explanation: string | null
  readonly plan: ReadonlyArray<{ readonly step: string; readonly status: keyof typeof marks }>
}): ReadonlyArray<string> => [
  update.explanation ?? "Plan",
  ...update.plan.map(({ status, step }) => `  ${marks[status]} ${step}`)
]

const verbs = { add: "added", delete: "deleted", update: "changed" } as const

/** Completed items other than commands; empty for items that are not shown. */
export const work = (item: ThreadItem): ReadonlyArray<string> => {
  switch (item.type) {
    case "fileChange":
      return item.status === "completed"
        ? item.changes.map(({ kind, path }) => `${verbs[kind.type]} ${folder(path)}`)
        : [`changes to ${item.changes.map(({ path }) => folder(path)).join(", ")}: ${item.status}`]
    case "mcpToolCall":
      return [`${item.server}.${item.tool}: ${item.error?.message ?? item.status}`]
    case "dynamicToolCall":
      return [`${item.tool}: ${item.status}`]
    case "webSearch":
      return [`searched the web: ${item.query}`]
    case "imageView":
      return [`viewed ${folder(item.path)}`]
    case "contextCompaction":
      return ["the conversation was compacted"]
    default:
      return []
  }
}

const counted = new Intl.NumberFormat("en")

/** Token usage and duration of a turn. */
export const cost = (usage: TokenUsageBreakdown | null, millis: number): string => {
  if (usage === null) return duration(millis)
  const part = (count: number, what: string) => (count === 0 ? "" : ` (${counted.format(count)} ${what})`)
  const input = `${counted.format(usage.inputTokens)} in${part(usage.cachedInputTokens, "cached")}`
  const output = `${counted.format(usage.outputTokens)} out${part(usage.reasoningOutputTokens, "reasoning")}`
  return `tokens: ${input}, ${output} · ${duration(millis)}`
}
