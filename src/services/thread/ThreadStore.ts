/**
 * The port to where threads are kept when nobody has them loaded.
 *
 * Owns the record of a thread: an append-only list of events, from which everything that a client reads is folded
 * (`ThreadRecord`). Does not own loaded threads (Threads) nor what clients see of them.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SortDirection, ThreadCursor } from "./ThreadCursor.ts"
import type { ThreadEvent, ThreadRecord } from "./ThreadRecord.ts"

/** The store could not do its work. What was appended before is still there. */
export class ThreadStoreError extends Schema.TaggedError<ThreadStoreError>()("ThreadStoreError", {
  operation: Schema.Literals(["append", "load", "list"]),
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `thread store failed to ${this.operation}`
  }
}

/** Which threads, and which page of them. */
export interface ThreadQuery {
  readonly cursor: ThreadCursor | null
  /** At least one. */
  readonly limit: number
  readonly sortKey: "created_at" | "updated_at" | "recency_at"
  readonly sortDirection: SortDirection
  readonly matches: (record: ThreadRecord) => boolean
}

export interface ThreadPage {
  readonly records: ReadonlyArray<ThreadRecord>
  /** Null at the end. */
  readonly nextCursor: string | null
  /** For the other direction, which starts at the first of this page. */
  readonly backwardsCursor: string | null
}

export class ThreadStore extends Context.Service<
  ThreadStore,
  {
    /** Adds to a thread's record, all or nothing. The first event of a thread is `Created`. */
    readonly append: (threadId: string, events: ReadonlyArray<ThreadEvent>) => Effect.Effect<void, ThreadStoreError>
    /** The record, or null when the store does not know the thread. */
    readonly load: (threadId: string) => Effect.Effect<ThreadRecord | null, ThreadStoreError>
    /** A page of threads that have had a turn. */
    readonly list: (query: ThreadQuery) => Effect.Effect<ThreadPage, ThreadStoreError>
  }
>()("spindle/ThreadStore") {}
