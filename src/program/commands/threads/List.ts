/**
 * `spindle threads list` and `spindle threads search`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { everyThread, type ThreadMatch, ThreadStore, type ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { toThread } from "../../../services/thread/ThreadView.ts"
import { type OutputStream, TerminalConsole } from "../../console/Console.ts"
import { foldersOf } from "../StoredThreads.ts"
import { eachPage, newestFirst } from "./Home.ts"
import { fitted, json, localTime, oneLine, shortIds, tabbed, titleOf, utcTime } from "./Text.ts"

/** Which threads are shown. */
export interface Selection {
  /** Only threads of this folder; null for every folder. */
  readonly cwd: string | null
  /** Only archived threads. */
  readonly archived: boolean
  /** Archived threads too, and those of sub-agents. */
  readonly all: boolean
  /** Zero is no limit. */
  readonly limit: number
  readonly json: boolean
}

const kinds = ["cli", "vscode", "exec", "appServer", "unknown", "custom"] as const

const filterOf = ({ all, archived, cwd }: Selection) => ({
  ...everyThread,
  archived: archived ? true : all ? null : false,
  sourceKinds: all ? null : kinds,
  cwds: cwd === null ? null : foldersOf(cwd)
})

/** The thread as clients of a server see it. */
export const asJson =
  ({ pathOf }: ThreadStore["Service"]) =>
  (thread: ThreadSummary) =>
    toThread(thread, { type: "notLoaded" }, null, [], { section: () => null, path: (one) => pathOf?.(one) ?? null })

/** Writes an array of JSON values, one on each line, as they come. */
const jsonArray = (out: OutputStream) => {
  let isFirst = true
  return {
    write: (values: ReadonlyArray<unknown>) => {
      const lines = values.map((value) => {
        const start = isFirst ? "[\n" : ",\n"
        isFirst = false
        return `${start}${json(value)}`
      })
      return out.write(lines.join(""))
    },
    end: Effect.suspend(() => out.write(isFirst ? "[]\n" : "\n]\n"))
  }
}

/** The columns of the table: id, time of the last change, number of turns, title; a folder where there is room. */
const row = (out: OutputStream, id: string, thread: ThreadSummary): string => {
  const mark = thread.archived ? "archived: " : ""
  const cells = `${id}  ${localTime(thread.updatedAt)}  ${String(thread.turns).padStart(5)}  `
  return `${out.paint("dim", cells)}${fitted(`${mark}${titleOf(thread)}`, out.columns() - cells.length)}\n`
}

const tableHead = (out: OutputStream, width: number): string =>
  out.paint("bold", `${"ID".padEnd(width)}  ${"CHANGED".padEnd(16)}  TURNS  NAME OR FIRST MESSAGE`) + "\n"

const tableOf = (out: OutputStream, threads: ReadonlyArray<ThreadSummary>): string => {
  const ids = shortIds(threads.map(({ origin }) => origin.id))
  return [
    threads.length === 0 ? "" : tableHead(out, ids[0]?.length ?? 0),
    ...threads.map((thread, index) => row(out, ids[index] ?? "", thread))
  ].join("")
}

const line = (thread: ThreadSummary): string =>
  tabbed(
    thread.origin.id,
    utcTime(thread.updatedAt),
    String(thread.turns),
    thread.archived ? "archived" : "",
    thread.cwd,
    titleOf(thread)
  )

/** Prints the threads. `text` is a part of the name or of the first message, or null. */
export const list = Effect.fnUntraced(function* (selection: Selection, text: string | null) {
  const store = yield* ThreadStore
  const { err, out } = yield* TerminalConsole
  const array = jsonArray(out)
  let count = 0
  const request = { ...newestFirst, filter: { ...filterOf(selection), text } }
  yield* eachPage(store.list, request, selection.limit, ({ threads }) => {
    count += threads.length
    const shown = selection.json
      ? array.write(threads.map(asJson(store)))
      : out.write(out.isTerminal ? tableOf(out, threads) : threads.map(line).join(""))
    return Effect.as(shown, threads.length)
  })
  if (selection.json) yield* array.end
  else if (count === 0 && out.isTerminal) yield* err.write("There are no such threads.\n")
  return 0
})

const matchBlock = (out: OutputStream, id: string, { snippet, thread }: ThreadMatch): string => {
  const head = `${id}  ${localTime(thread.updatedAt)}  `
  const title = fitted(titleOf(thread), out.columns() - head.length)
  return `${out.paint("dim", head)}${out.paint("bold", title)}\n  ${fitted(oneLine(snippet), out.columns() - 2)}\n`
}

const matchLine = ({ snippet, thread }: ThreadMatch): string =>
  tabbed(thread.origin.id, utcTime(thread.updatedAt), titleOf(thread), snippet)

/** Prints the threads in which a text occurs, and the text around it. */
export const search = Effect.fnUntraced(function* (selection: Selection, text: string) {
  const store = yield* ThreadStore
  const { err, out } = yield* TerminalConsole
  const array = jsonArray(out)
  let count = 0
  const request = { ...newestFirst, filter: filterOf(selection) }
  const fetch: (page: Parameters<typeof store.list>[0]) => ReturnType<typeof store.search> = (page) =>
    store.search({ ...page, text })
  yield* eachPage(fetch, request, selection.limit, ({ matches }) => {
    count += matches.length
    const ids = shortIds(matches.map(({ thread }) => thread.origin.id))
    const shown = selection.json
      ? array.write(matches.map(({ snippet, thread }) => ({ thread: asJson(store)(thread), snippet })))
      : out.write(
          matches
            .map((match, index) => (out.isTerminal ? matchBlock(out, ids[index] ?? "", match) : matchLine(match)))
            .join("")
        )
    return Effect.as(shown, matches.length)
  })
  if (selection.json) yield* array.end
  else if (count === 0 && out.isTerminal) yield* err.write("No thread has this text.\n")
  return 0
})
