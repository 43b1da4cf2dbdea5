/**
 * `spindle threads show`: the conversation of a stored thread.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import * as StoredTurns from "../../../services/thread/StoredTurns.ts"
import type { TurnState } from "../../../services/thread/ThreadState.ts"
import { ThreadStore, type ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { summaryOf } from "../../../services/thread/ThreadView.ts"
import { type OutputStream, TerminalConsole } from "../../console/Console.ts"
import { plain, shown } from "../../console/ShownText.ts"
import * as Format from "../../reporters/Format.ts"
import { find } from "./Find.ts"
import { failure } from "./Home.ts"
import { endOf, messageOf } from "./Items.ts"
import { localTime, oneLine, titleOf } from "./Text.ts"

const headOf = (out: OutputStream, thread: ThreadSummary): string => {
  const facts = [
    `thread ${thread.origin.id}`,
    oneLine(thread.cwd),
    `${oneLine(thread.model)} (${oneLine(thread.modelProvider)})`,
    `changed ${localTime(thread.updatedAt)}`,
    ...(thread.archived ? ["archived"] : [])
  ]
  return `${out.paint("bold", titleOf(thread))}\n${out.paint("dim", facts.join(" · "))}\n`
}

const commandLines = (out: OutputStream, item: Extract<ThreadItem, { readonly type: "commandExecution" }>) => {
  const output = item.status === "declined" ? "" : (item.aggregatedOutput ?? "")
  const gutter = out.paint("dim", "│")
  return [
    `${out.paint("dim", "$")} ${out.paint("cyan", shown(Format.command(item.command)))}`,
    ...Format.excerpt(output, Math.max(20, out.columns() - 4)).map((line) => `${gutter} ${out.paint("dim", line)}`),
    out.paint("dim", `└ ${oneLine(Format.outcome(item))}`)
  ]
}

const itemLines = (out: OutputStream, item: ThreadItem): ReadonlyArray<string> => {
  switch (item.type) {
    case "userMessage":
      return plain(messageOf(item))
        .trim()
        .split("\n")
        .map((line) => out.paint("bold", `> ${line}`))
    case "agentMessage":
    case "plan":
      return item.text.trim() === "" ? [] : [plain(item.text).trim()]
    case "commandExecution":
      return commandLines(out, item)
    default:
      return Format.work(item).map((line) => out.paint("dim", oneLine(line)))
  }
}

const turnText = (out: OutputStream, turn: TurnState): string => {
  const blocks = turn.items.map((item) => itemLines(out, item)).filter((lines) => lines.length > 0)
  const isWhole = turn.status === "completed"
  const end = isWhole ? [] : [[out.paint("yellow", oneLine(endOf(turn)))]]
  return [...blocks, ...end].map((lines) => `\n${lines.join("\n")}\n`).join("")
}

/** Prints a thread; with `last`, only as many turns of its end. */
export const show = Effect.fnUntraced(function* (target: string, last: number | null) {
  const store = yield* ThreadStore
  const { out } = yield* TerminalConsole
  const thread = yield* find(target)
  const outline = yield* StoredTurns.outline(store, thread.origin.id)
  if (outline === null) return yield* failure(`The thread ${thread.origin.id} was deleted.`)
  const { turns } = outline.state
  const from = last === null ? 0 : Math.max(0, turns.length - last)
  yield* out.write(headOf(out, { ...summaryOf(outline.state), name: thread.name, archived: thread.archived }))
  if (from > 0) yield* out.write(`\n${out.paint("dim", `… ${from} earlier turns`)}\n`)
  yield* StoredTurns.eachTurn(store, outline, from, (turn) => out.write(turnText(out, turn)))
  return 0
})
