/**
 * A patch while the model writes it, as `item/fileChange/patchUpdated`.
 *
 * Owns what is shown of an unfinished patch, and how often: at most every half second, and once more at its end. The text may
 * still turn out not to be a patch. Nothing in it is verified, and paths are as the model writes them, as in the release.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { FileUpdateChange } from "../../../protocol/v2/item/WorkItem.ts"
import type { ToolTurn } from "../../../services/tool/Tool.ts"
import { cut } from "./Cut.ts"
import { MaxFileDiff } from "./Item.ts"
import { MaxFiles } from "./Parser.ts"

/** Milliseconds between two notifications. */
const Interval = 500

/** Maximum length of a text that is shown, in UTF-16 units. Calls with a longer input are refused. */
const MaxText = 1024 * 1024

const header = /^\*\*\* (Add|Delete|Update) File: (.+?)\s*$/

interface Unfinished {
  readonly path: string
  readonly type: "add" | "delete" | "update"
  move: string | null
  readonly diff: Array<string>
}

/** The removed lines of a chunk in front of the added ones; lines that stay are among both. */
const chunkOf = (lines: ReadonlyArray<string>): string => {
  const with_ = (sign: string, other: string) =>
    lines.filter((line) => !line.startsWith(other)).map((line) => `${sign}${line.slice(1)}\n`)
  return [...with_("-", "+"), ...with_("+", "-")].join("")
}

const diffOf = ({ diff, move, type }: Unfinished): string => {
  if (type === "delete") return ""
  if (type === "add") return diff.map((line) => `${line.slice(1)}\n`).join("")
  const parts: Array<string> = []
  let chunk: Array<string> = []
  for (const line of diff) {
    if (!line.startsWith("@@")) {
      if (/^[ +-]/.test(line)) chunk.push(line)
      continue
    }
    parts.push(chunkOf(chunk), `${line}\n`)
    chunk = []
  }
  return parts.join("") + chunkOf(chunk) + (move === null ? "" : `\n\nMoved to: ${move}`)
}

/** The files in the complete lines of a text, by path. */
export const changesIn = (text: string): ReadonlyArray<FileUpdateChange> => {
  const files: Array<Unfinished> = []
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    const [, kind, path] = header.exec(line) ?? []
    const open = files.at(-1)
    if (kind !== undefined && path !== undefined && files.length < MaxFiles) {
      files.push({ path, type: kind.toLowerCase() as Unfinished["type"], move: null, diff: [] })
    } else if (open?.type === "update" && line.startsWith("*** Move to: ")) open.move = line.slice(13).trim()
    else if (open !== undefined && (open.type === "update" || line.startsWith("+"))) open.diff.push(line)
  }
  return files
    .map((file): FileUpdateChange => ({
      path: file.path,
      kind: file.type === "update" ? { type: "update", move_path: file.move } : { type: file.type },
      diff: cut(diffOf(file), MaxFileDiff)
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

export class PatchProgress {
  readonly #callId: string
  readonly #turn: ToolTurn
  #text = ""
  /** What was published last. */
  #shown = "[]"
  #shownAt = 0

  constructor(callId: string, turn: ToolTurn) {
    this.#callId = callId
    this.#turn = turn
  }

  /** Adds a piece of the text. */
  add(delta: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (this.#text.length + delta.length > MaxText) return
      this.#text += delta
      if ((yield* Clock.currentTimeMillis) - this.#shownAt >= Interval && delta.includes("\n")) yield* this.show
    })
  }

  /** Publishes the text so far, if it shows more than before. */
  readonly show: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const changes = changesIn(this.#text)
    const shown = JSON.stringify(changes)
    if (shown === this.#shown) return
    this.#shown = shown
    this.#shownAt = yield* Clock.currentTimeMillis
    const { threadId, turnId } = this.#turn
    yield* this.#turn.notify("item/fileChange/patchUpdated", { threadId, turnId, itemId: this.#callId, changes })
  })
}
