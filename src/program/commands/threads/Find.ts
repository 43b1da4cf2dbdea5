/**
 * Finds the thread that the user means: by its id in any spelling, by the beginning of its id, or by its name.
 *
 * Owns that a text which fits several threads is refused.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Catalog } from "../../../layers/stores/rollouts/Folder.ts"
import { canonicalId } from "../../../protocol/ThreadIds.ts"
import { Config } from "../../../services/config/Config.ts"
import { problemOf } from "../../../services/thread/ThreadId.ts"
import { ThreadStore, ThreadStoreError, type ThreadSummary } from "../../../services/thread/ThreadStore.ts"
import { shownOnOneLine } from "../../console/ShownText.ts"
import { onlyOne } from "../StoredThreads.ts"
import { allThreads, failure, type ThreadsError } from "./Home.ts"

/** The shortest beginning of an id that is accepted. */
const MinPrefix = 4

const isPrefix = (target: string): boolean =>
  target.length >= MinPrefix && target.length < 36 && /^[0-9a-f]+(?:-[0-9a-f]*)*$/i.test(target)

/** The ids that begin with the text. The names of the files are enough for it. */
const idsBeginningWith = (home: string, prefix: string) =>
  Effect.try({
    try: () => Array.from(new Catalog(home).all().keys()).filter((id) => id.startsWith(prefix)),
    catch: (cause) => new ThreadStoreError({ operation: "list", reason: "unavailable", cause })
  })

const idOf = ({ origin }: ThreadSummary): string => origin.id

const noThread = (target: string): string =>
  `There is no thread with the id or the name ${shownOnOneLine(target.slice(0, 100))}.`

/** The ids of the threads that a text may mean. */
const candidates = Effect.fnUntraced(function* (store: ThreadStore["Service"], target: string) {
  const { home } = yield* Config
  const byId = isPrefix(target) ? yield* idsBeginningWith(home, target.toLowerCase()) : []
  const named = yield* allThreads(store, { text: target })
  return Array.from(new Set([...byId, ...named.filter(({ name }) => name === target).map(idOf)])).sort()
})

/** The summary of the thread that a text means. */
export const find = Effect.fnUntraced(function* (
  target: string
): Effect.fn.Return<ThreadSummary, ThreadsError | ThreadStoreError, Config | ThreadStore> {
  const store = yield* ThreadStore
  if (target === "") return yield* failure("The id of the thread is empty.")
  const id = canonicalId(target)
  const found = problemOf(id) === undefined ? [id] : yield* candidates(store, target)
  const first = yield* onlyOne(found, {
    none: noThread(target),
    several: `Several threads fit ${shownOnOneLine(target)}.`
  }).pipe(Effect.mapError(failure))
  return (yield* store.summary(first)) ?? (yield* failure(noThread(target)))
})
