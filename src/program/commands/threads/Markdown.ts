/**
 * A thread as a Markdown document for people.
 *
 * It has the messages, the commands with a part of their output, and the changed files; reasoning is left out. A message that
 * is Markdown stays Markdown, unless it could swallow what follows it: then it is quoted. Control characters are removed.
 *
 * @module
 */
import type { Item, ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { TurnState } from "../../../services/thread/ThreadState.ts"
import type { ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { plain } from "../../console/ShownText.ts"
import * as Format from "../../reporters/Format.ts"
import { endOf, messageOf, shortened } from "./Items.ts"
import { oneLine, titleOf, utcTime } from "./Text.ts"

/** Limits on the lines of an output and of a change. */
const MaxOutputLines = 40
const MaxDiffLines = 400

/** Limit on the characters of such a line. */
const MaxColumns = 500

/** A text without Markdown of its own, on one line. */
const literal = (text: string): string => oneLine(text).replace(/[\\`*_{}[\]<>#|~&]/g, "\\$&")

/** The longest run of backticks in a text. */
const longestRun = (text: string): number => {
  let longest = 0
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  return longest
}

/** A text as code in a line. */
const code = (text: string): string => {
  const line = oneLine(text)
  const marks = "`".repeat(longestRun(line) + 1)
  const space = line === "" || line.startsWith("`") || line.endsWith("`") ? " " : ""
  return `${marks}${space}${line}${space}${marks}`
}

/** Lines as a block of code that nothing in them can end. */
const block = (lines: ReadonlyArray<string>, language: string): ReadonlyArray<string> => {
  const marks = "`".repeat(Math.max(3, longestRun(lines.join("\n")) + 1))
  return [`${marks}${language}`, ...lines, marks]
}

const quoted = (text: string): string => text.replaceAll(/^/gm, "> ").replaceAll(/^> $/gm, ">")

/** Whether every block of code in a text ends, and no HTML begins that may not end. */
const isClosed = (text: string): boolean => {
  let open: string | undefined
  for (const line of text.split("\n")) {
    const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    const [, marks = "", rest = ""] = fence ?? []
    if (open === undefined) {
      // A line of backticks with others behind them is no fence.
      if (fence !== null && !rest.includes("`")) open = marks
      else if (/`{3}|~{3}/.test(line) || /^\s*(?:[->+*\d.)]\s*)*<[!?/a-z]/i.test(line)) return false
    } else if (marks.startsWith(open) && rest.trim() === "") open = undefined
  }
  return open === undefined
}

const message = (text: string): string => {
  const safe = plain(text).trim()
  return isClosed(safe) ? safe : quoted(safe)
}

const commandLines = (item: Item<"commandExecution">): ReadonlyArray<string> => {
  const output = item.status === "declined" ? "" : plain(item.aggregatedOutput ?? "").trimEnd()
  const head = `**Command** ${code(Format.command(item.command))} (${literal(Format.outcome(item))})`
  return output === "" ? [head] : [head, "", ...block(shortened(output, MaxOutputLines, MaxColumns), "text")]
}

const verbs = { add: "Added", delete: "Deleted", update: "Changed" } as const

const changeLines = ({ changes, status }: Item<"fileChange">): ReadonlyArray<string> =>
  changes.flatMap(({ diff, kind, path }, index) => {
    const end = status === "completed" ? "" : ` (${status})`
    const head = `**${verbs[kind.type]}** ${code(path)}${end}`
    const text = plain(diff).trimEnd()
    const lines = text === "" ? [head] : [head, "", ...block(shortened(text, MaxDiffLines, MaxColumns), "diff")]
    return index === 0 ? lines : ["", ...lines]
  })

const itemLines = (item: ThreadItem): ReadonlyArray<string> => {
  switch (item.type) {
    case "userMessage":
      return ["### User", "", quoted(plain(messageOf(item)).trim())]
    case "agentMessage":
      return item.text.trim() === "" ? [] : ["### Agent", "", message(item.text)]
    case "plan":
      return ["### Plan", "", message(item.text)]
    case "commandExecution":
      return commandLines(item)
    case "fileChange":
      return changeLines(item)
    default:
      return Format.work(item).map((line) => `*${literal(line)}*`)
  }
}

/** The head of the document. */
export const head = (thread: ThreadSummary): string => {
  const facts = [
    `- Thread: ${code(thread.origin.id)}`,
    `- Folder: ${code(thread.cwd)}`,
    `- Model: ${code(thread.model)} (${literal(thread.modelProvider)})`,
    `- Created: ${utcTime(thread.origin.createdAt * 1000)}`,
    `- Changed: ${utcTime(thread.updatedAt)}`,
    ...(thread.origin.forkedFromId === null ? [] : [`- Fork of: ${code(thread.origin.forkedFromId)}`]),
    ...(thread.archived ? ["- Archived"] : [])
  ]
  return `# ${literal(titleOf(thread))}\n\n${facts.join("\n")}\n`
}

/** A turn of the document; `index` counts from 0. */
export const turn = (state: TurnState, index: number): string => {
  const title = `## Turn ${index + 1}: ${utcTime(state.startedAt)}, ${literal(endOf(state))}`
  const items = state.items.map(itemLines).filter((lines) => lines.length > 0)
  return [`\n${title}`, ...items.map((lines) => lines.join("\n"))].join("\n\n") + "\n"
}
