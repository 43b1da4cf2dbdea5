/**
 * `spindle threads export`: a stored thread as a document, to stdout or to a file.
 *
 * Owns the file: it appears or changes only when the export is complete, and other people cannot read it.
 *
 * @module
 */
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Config } from "../../../services/config/Config.ts"
import * as StoredTurns from "../../../services/thread/StoredTurns.ts"
import { ThreadStore, type ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { cut, summaryOf, toTurn } from "../../../services/thread/ThreadView.ts"
import { TerminalConsole } from "../../console/Console.ts"
import { problemOf } from "../FileProblem.ts"
import { find } from "./Find.ts"
import { failure, type ThreadsError } from "./Home.ts"
import { asJson } from "./List.ts"
import * as Markdown from "./Markdown.ts"
import { json } from "./Text.ts"

export type Format = "json" | "markdown"

/** Writes the parts of a document. */
type Write = (text: string) => Effect.Effect<void, ThreadsError>

const trying = <A>(file: string, step: () => Promise<A>): Effect.Effect<A, ThreadsError> =>
  Effect.tryPromise({ try: step, catch: (error) => failure(`${file} cannot be written: ${problemOf(error)}`) })

/** The file behind links. It may not exist yet. */
const resolved = (file: string) =>
  Effect.promise(async () => {
    const folder = await Fs.realpath(Path.dirname(file)).catch(() => Path.resolve(Path.dirname(file)))
    const path = Path.join(folder, Path.basename(file))
    return Fs.realpath(path).catch(() => path)
  })

/** Refuses what is no file, and the files of the store. */
const checked = Effect.fnUntraced(function* (file: string) {
  const path = yield* resolved(file)
  const stat = yield* Effect.promise(() => Fs.lstat(path).catch(() => undefined))
  if (stat !== undefined && !stat.isFile()) {
    return yield* failure(`${file} cannot be written: it is not a regular file. Without --output, stdout is used.`)
  }
  const { home } = yield* Config
  const real = yield* Effect.promise(() => Fs.realpath(home).catch(() => home))
  const [part = ""] = Path.relative(real, path).split(Path.sep)
  if (part === "sessions" || part === "archived_sessions") {
    return yield* failure(`${file} cannot be written: the stored threads are in this folder.`)
  }
  return path
})

/** A file that replaces `file` when `commit` runs; otherwise it is removed. */
const replacement = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<
  { readonly write: Write; readonly commit: Effect.Effect<void, ThreadsError> },
  ThreadsError,
  Config | Scope.Scope
> {
  const path = yield* checked(file)
  const temporary = Path.join(Path.dirname(path), `.${Path.basename(path).slice(0, 100)}.${process.pid}.tmp`)
  const handle = yield* Effect.acquireRelease(
    trying(file, () => Fs.open(temporary, "wx", 0o600)),
    (opened) =>
      Effect.promise(async () => {
        await opened.close().catch(() => undefined)
        await Fs.rm(temporary, { force: true })
      })
  )
  return {
    write: (text) => Effect.asVoid(trying(file, () => handle.appendFile(text))),
    commit: trying(file, async () => {
      await handle.sync()
      await Fs.rename(temporary, path)
    })
  }
})

const markdown = (thread: ThreadSummary, outline: StoredTurns.Outline, write: Write) =>
  Effect.gen(function* () {
    const store = yield* ThreadStore
    yield* write(Markdown.head(thread))
    yield* StoredTurns.eachTurn(store, outline, 0, (turn, index) => write(Markdown.turn(cut(turn), index)))
  })

/** A `Thread` of the protocol with its turns; each turn is a line. */
const asDocument = (thread: ThreadSummary, outline: StoredTurns.Outline, write: Write) =>
  Effect.gen(function* () {
    const store = yield* ThreadStore
    const { turns: _, ...facts } = asJson(store)(thread)
    yield* write(`${json(facts).slice(0, -1)},"turns":[`)
    yield* StoredTurns.eachTurn(store, outline, 0, (turn, index) =>
      write(`${index === 0 ? "\n" : ",\n"}${json(toTurn(cut(turn), "full"))}`)
    )
    yield* write(outline.state.turns.length === 0 ? "]}\n" : "\n]}\n")
  })

/** Exports a thread. Null and `-` are stdout. */
export const run = Effect.fnUntraced(function* (target: string, format: Format, file: string | null) {
  const store = yield* ThreadStore
  const { out } = yield* TerminalConsole
  const found = yield* find(target)
  const output = file === null || file === "-" ? undefined : yield* replacement(file)
  const outline = yield* StoredTurns.outline(store, found.origin.id)
  if (outline === null) return yield* failure(`The thread ${found.origin.id} was deleted.`)
  const thread = { ...summaryOf(outline.state), name: found.name, archived: found.archived }
  const write: Write = output?.write ?? out.write
  yield* format === "json" ? asDocument(thread, outline, write) : markdown(thread, outline, write)
  yield* output?.commit ?? Effect.void
  return 0
}, Effect.scoped)
