/**
 * The port to where threads are kept when nobody has them loaded.
 *
 * A store keeps an append-only list of numbered events per thread, and answers questions about all threads from summaries.
 * It does not own loaded threads (`Threads`), nor what clients see of them (`ThreadView`).
 *
 * Invariants: the events of a thread are numbered densely from 0, and the first one is `Created`; an append is all or
 * nothing; what was appended is read back as it was; a filter is plain data, so that a store may translate it into a query.
 * `spindle-app-server/testing` has a suite that holds a store to them.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SortDirection, ThreadCursor } from "./ThreadCursor.ts"
import type { EventOf, NumberedEvent, ThreadEvent, ThreadOrigin } from "./ThreadEvent.ts"

/** The store could not do its work. What was appended before is still there. */
export class ThreadStoreError extends Schema.TaggedError<ThreadStoreError>()("ThreadStoreError", {
  operation: Schema.Literals(["append", "read", "list", "search", "fork", "delete"]),
  /**
   * - `conflict`: the thread has other events than the writer expected. Another writer was there.
   * - `unavailable`: the medium failed: disk full, no permission, connection lost. A later try may succeed.
   * - `timeout`: the store did not answer in time. Whether it has done its work is not known. Stores do not fail with it.
   */
  reason: Schema.Literals(["conflict", "unavailable", "timeout"]),
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.reason === "conflict"
      ? `thread store refused to ${this.operation}: another writer has changed the thread`
      : `thread store failed to ${this.operation}`
  }
}

/** What a list shows of a thread. A store can answer with it without folding the whole thread. */
export interface ThreadSummary {
  readonly origin: ThreadOrigin
  readonly model: string
  readonly modelProvider: string
  readonly effort: string | null
  /** Absolute path of the thread's working folder. */
  readonly cwd: string
  /** The first text of the user. */
  readonly preview: string
  readonly name: string | null
  readonly archived: boolean
  /** How many turns there are. */
  readonly turns: number
  /** Unix milliseconds. */
  readonly updatedAt: number
}

/** The kind of program that a thread was started from, as filters name it. */
export type SourceKind = "cli" | "vscode" | "exec" | "appServer" | "unknown" | "custom" | "subAgent"

/** Which threads. A null member filters nothing; an empty list matches no thread. */
export interface ThreadFilter {
  readonly archived: boolean
  readonly sourceKinds: ReadonlyArray<SourceKind> | null
  readonly modelProviders: ReadonlyArray<string> | null
  /** Working folders, compared exactly. */
  readonly cwds: ReadonlyArray<string> | null
  /** Part of the preview or of the name; upper and lower case differ. */
  readonly text: string | null
  readonly excludedIds: ReadonlyArray<string>
}

/** Which page of them. */
export interface ThreadPageRequest {
  readonly filter: ThreadFilter
  readonly cursor: ThreadCursor | null
  /** At least one. */
  readonly limit: number
  readonly sortKey: "created_at" | "updated_at" | "recency_at"
  readonly sortDirection: SortDirection
}

export interface ThreadPage {
  readonly threads: ReadonlyArray<ThreadSummary>
  /** Null at the end. */
  readonly nextCursor: string | null
  /** For the other direction, which starts at the first of this page. */
  readonly backwardsCursor: string | null
}

/** A thread in which the sought text occurs, with the words around its first occurrence. */
export interface ThreadMatch {
  readonly thread: ThreadSummary
  readonly snippet: string
}

export class ThreadStore extends Context.Service<
  ThreadStore,
  {
    /**
     * Adds events to a thread, all or none. `expectedSeq` is the number that the first of them gets: how many the thread has.
     * Fails with reason `conflict` when that is another number. A thread begins with `Created` at 0.
     */
    readonly append: (
      threadId: string,
      expectedSeq: number,
      events: ReadonlyArray<ThreadEvent>
    ) => Effect.Effect<void, ThreadStoreError>
    /** Events from number `from` on, at most `limit` of them; none for a thread that the store does not know. */
    readonly read: (
      threadId: string,
      range: { readonly from: number; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<NumberedEvent>, ThreadStoreError>
    /** What a list shows of one thread, or null. */
    readonly summary: (threadId: string) => Effect.Effect<ThreadSummary | null, ThreadStoreError>
    /** A page of threads that have had a turn. */
    readonly list: (request: ThreadPageRequest) => Effect.Effect<ThreadPage, ThreadStoreError>
    /** Threads in whose messages, answers or commands `text` occurs, in any case; the last changed first. */
    readonly search: (request: {
      readonly text: string
      readonly filter: ThreadFilter
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<ThreadMatch>, ThreadStoreError>
    /**
     * Makes a new thread of the first `atSeq` events of another one: `created` takes the place of the source's first event.
     * Fails with reason `conflict` when the new thread exists or the source has fewer events.
     */
    readonly fork: (
      sourceId: string,
      atSeq: number,
      created: EventOf<"Created">
    ) => Effect.Effect<void, ThreadStoreError>
    /** Removes a thread with all its events. Removing a thread that is not there is no error. */
    readonly delete: (threadId: string) => Effect.Effect<void, ThreadStoreError>
  }
>()("spindle/ThreadStore") {}
