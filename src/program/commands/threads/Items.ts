/**
 * The items of a turn as texts that people read, in pieces that `show` and the Markdown export lay out.
 *
 * @module
 */
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { UserInput } from "../../../protocol/v2/turn/UserInput.ts"
import type { TurnState } from "../../../services/thread/ThreadState.ts"
import { duration } from "../../reporters/Format.ts"

/** A part of a user's message. Data that is part of it is not shown. */
const partOf = (part: UserInput): string => {
  switch (part.type) {
    case "text":
      return part.text
    case "skill":
    case "mention":
      return `[${part.type}: ${part.name}]`
    case "localImage":
    case "localAudio":
      return `[${part.type === "localImage" ? "image" : "audio"}: ${part.path}]`
    case "image":
    case "audio":
      return `[${part.type}]`
  }
}

/** The text of a user's message. */
export const messageOf = (item: Extract<ThreadItem, { readonly type: "userMessage" }>): string =>
  item.content.map(partOf).join("\n")

/** A text of which only the beginning and the end are kept. */
export const shortened = (text: string, maxLines: number, maxColumns: number): ReadonlyArray<string> => {
  const lines = text.replace(/\n+$/, "").split("\n")
  const left = lines.length - maxLines
  const half = Math.floor(maxLines / 2)
  const kept =
    left <= 1
      ? lines
      : [...lines.slice(0, half), `… ${left} more lines`, ...lines.slice(lines.length - maxLines + half)]
  return kept.map((line) => (line.length > maxColumns ? `${line.slice(0, maxColumns)}…` : line))
}

/** How a turn ended, such as `completed, 2.5 s`. */
export const endOf = ({ endedAt, error, startedAt, status }: TurnState): string => {
  const time = endedAt === null ? "" : `, ${duration(Math.max(0, endedAt - startedAt))}`
  return `${status}${time}${error === null ? "" : `: ${error.message}`}`
}
