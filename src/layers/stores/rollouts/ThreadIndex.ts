/**
 * The port to what answers queries over all threads of a home.
 *
 * The rollout files are the truth; an index may be slow, rebuilt or absent, but never wrong for long and never in the way: it
 * is told of changes and must not fail because of them.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type {
  ThreadMatches,
  ThreadPage,
  ThreadPageRequest,
  ThreadSummary
} from "../../../services/thread/ThreadStore.ts"

export interface ThreadIndex {
  readonly page: (request: ThreadPageRequest) => Effect.Effect<ThreadPage, Error>
  /** Null for an unknown thread. */
  readonly summary: (threadId: string) => Effect.Effect<ThreadSummary | null, Error>
  /** A page of the threads in whose messages, answers or commands the text occurs, in any case. */
  readonly search: (request: ThreadPageRequest & { readonly text: string }) => Effect.Effect<ThreadMatches, Error>
  /** Called after a thread's file was written, moved or deleted by this server. Synchronous and cheap. */
  readonly changed: (threadId: string) => void
}
