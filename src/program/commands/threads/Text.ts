/**
 * Formats stored threads for terminals and for other programs.
 *
 * Stored text comes from models, from commands and from other programs. Nothing of it may reach a terminal as a control
 * character; the text that other programs read line by line has no line ends and tabs of its own.
 *
 * @module
 */
import type { ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { plain } from "../../console/ShownText.ts"

/** The longest text that is made a line, in characters. */
const MaxLine = 4096

/** A text as one line without control characters. */
export const oneLine = (text: string): string => plain(text.slice(0, MaxLine)).replace(/\s+/g, " ").trim()

/** What a thread is called in lists: its name, or the beginning of its first message. */
export const titleOf = ({ name, preview }: Pick<ThreadSummary, "name" | "preview">): string =>
  oneLine(name ?? "") || oneLine(preview) || "(no message)"

/** Characters that take two columns of a terminal. */
const Wide =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303F\uFF01-\uFF60]/u

const widthOf = (character: string): number => (Wide.test(character) ? 2 : 1)

/** The beginning of a line that fits into a number of columns. */
export const fitted = (text: string, columns: number): string => {
  const characters = Array.from(text)
  const total = characters.reduce((sum, character) => sum + widthOf(character), 0)
  if (total <= columns) return text
  let width = 0
  const kept = characters.filter((character) => (width += widthOf(character)) < columns)
  return `${kept.join("").trimEnd()}…`
}

const pad = (value: number): string => String(value).padStart(2, "0")

/** A time of the machine's zone, such as `2026-11-21 09:05`. */
export const localTime = (millis: number): string => {
  const date = new Date(millis)
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}`
}

/** A time in UTC; empty for one that is none, which a file of another program may have. */
export const utcTime = (millis: number): string => {
  const date = new Date(millis)
  return Number.isNaN(date.getTime()) ? "" : date.toISOString()
}

/** Number of characters of a version 7 UUID that hold its time, which differs between nearly all threads. */
const ShortId = 13

/** The shortest beginnings that distinguish these ids, at least their time. */
export const shortIds = (ids: ReadonlyArray<string>): ReadonlyArray<string> => {
  for (let length = ShortId; length < 36; length++) {
    const short = ids.map((id) => id.slice(0, length))
    if (new Set(short).size === ids.length) return short
  }
  return ids
}

/** Tab-separated values. */
export const tabbed = (...cells: ReadonlyArray<string>): string => `${cells.map(oneLine).join("\t")}\n`

/** Characters that a terminal interprets and that JSON leaves as they are. */
const Unescaped = /[\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069]/g

/** JSON without any character that a terminal interprets. It has the same value. */
export const json = (value: unknown): string =>
  JSON.stringify(value).replace(Unescaped, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
