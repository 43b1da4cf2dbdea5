/**
 * `spindle threads delete`.
 *
 * Owns the question before anything is deleted, and that one thread that cannot be deleted does not save the others.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Terminal } from "effect/Terminal"
import { ThreadStore, type ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { TerminalConsole } from "../../console/Console.ts"
import { plain } from "../../console/ShownText.ts"
import { find } from "./Find.ts"
import { explained, ThreadsError } from "./Home.ts"
import { titleOf } from "./Text.ts"

/** Asks a question that only `y` or `yes` affirms. */
export const confirmed = Effect.fnUntraced(function* (question: string) {
  const { err } = yield* TerminalConsole
  const terminal = yield* Terminal
  yield* err.write(`${err.paint("yellow", "?")} ${question} [y/N] `)
  const line = yield* Effect.option(terminal.readLine)
  if (Option.isNone(line)) yield* err.write("\n")
  return /^y(?:es)?$/i.test(Option.getOrElse(line, () => "").trim())
})

const named = (thread: ThreadSummary): string => `${thread.origin.id}  ${titleOf(thread)}`

/** Deletes one thread; false when that failed, which was printed. */
const removed = Effect.fnUntraced(function* (thread: ThreadSummary) {
  const store = yield* ThreadStore
  const { err, out } = yield* TerminalConsole
  const { id } = thread.origin
  return yield* Effect.matchEffect(store.delete(id), {
    onSuccess: () => Effect.as(out.write(`deleted ${id}\n`), true),
    onFailure: (error) => Effect.as(err.write(`${err.paint("red", "error:")} ${plain(explained(error))}\n`), false)
  })
})

/** Deletes threads. Without `yes` the user is asked. Nothing is deleted unless every target is a thread. */
export const run = Effect.fnUntraced(function* (targets: ReadonlyArray<string>, yes: boolean) {
  const { canAsk, err } = yield* TerminalConsole
  if (!yes && !canAsk) {
    return yield* new ThreadsError({ message: "There is no terminal to ask on: pass --yes to delete.", code: 2 })
  }
  const found = yield* Effect.forEach(targets, find)
  const threads = Array.from(new Map(found.map((thread) => [thread.origin.id, thread])).values())
  if (!yes) {
    yield* err.write(threads.map((thread) => `${named(thread)}\n`).join(""))
    const what = threads.length === 1 ? "this thread" : `these ${threads.length} threads`
    if (!(yield* confirmed(`Delete ${what} for good?`))) {
      yield* err.write("Nothing was deleted.\n")
      return 1
    }
  }
  const done = yield* Effect.forEach(threads, removed)
  return done.every(Boolean) ? 0 : 1
})
