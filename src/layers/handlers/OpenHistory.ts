/**
 * Opens the history of a thread for the requests that read it in pages.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { open, type ThreadHistory } from "../../services/thread/HistoryPages.ts"
import {
  EphemeralThread,
  HistoryUnavailable,
  type InvalidThreadId,
  ThreadNotFound
} from "../../services/thread/ThreadError.ts"
import type { Threads } from "../../services/thread/Threads.ts"
import type { ThreadStore, ThreadStoreError } from "../../services/thread/ThreadStore.ts"

/** Opens the history of a thread that has one. */
export type History = (
  threadId: string,
  unavailable: HistoryUnavailable["operation"]
) => Effect.Effect<
  ThreadHistory,
  EphemeralThread | HistoryUnavailable | InvalidThreadId | ThreadNotFound | ThreadStoreError
>

/** Opens histories. The errors of `thread/turns/list` differ from those of the others. */
export const openHistory = (threads: Threads["Service"], store: ThreadStore["Service"]): History =>
  Effect.fnUntraced(function* (threadId, unavailable) {
    const loaded = threads.find(threadId)?.state
    const found = yield* open(store, loaded, threadId)
    const isTurns = unavailable === "list_turns"
    if (isTurns && loaded?.origin.ephemeral === true)
      return yield* new EphemeralThread({ threadId, unsupported: "thread/turns/list" })
    if (found === null && isTurns) return yield* new ThreadNotFound({ threadId, sought: "readable" })
    const isKept = found !== null && (loaded === undefined || (loaded.isRecorded && !loaded.origin.ephemeral))
    return isKept ? found : yield* new HistoryUnavailable({ operation: unavailable })
  })
