/**
 * The port to the storage of threads.
 *
 * A store keeps an append-only list of numbered events per thread, and answers queries over all threads from summaries.
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
import type { GitInfo, ThreadReadState, ThreadSection } from "../../protocol/v2/thread/Thread.ts"
import type { HistoryRange, TurnView } from "./History.ts"
import type { EventOf, NumberedEvent, ThreadEvent, ThreadOrigin } from "./ThreadEvent.ts"
import type { Membership } from "./ThreadFacts.ts"
import type { StoredItem, TurnState } from "./ThreadState.ts"

/** An operation of the store failed. Events appended before are unaffected. */
export class ThreadStoreError extends Schema.TaggedError<ThreadStoreError>()("ThreadStoreError", {
  operation: Schema.Literals(["append", "read", "list", "search", "fork", "delete", "claim"]),
  /**
   * - `conflict`: the thread has other events than expected: another writer has appended.
   * - `unavailable`: the medium failed: disk full, no permission, connection lost. A later try may succeed.
   * - `referenced`: forks of the thread are stored as references to it, so that it cannot be deleted.
   * - `locked`: another process has the thread open for writing.
   * - `timeout`: the operation exceeded its time limit and may have taken effect. Stores never raise it themselves.
   */
  reason: Schema.Literals(["conflict", "unavailable", "locked", "referenced", "timeout"]),
  /** The thread, where the message names it. */
  threadId: Schema.optionalKey(Schema.String),
  cause: Schema.Defect()
}) {
  override get message(): string {
    if (this.reason === "locked") return `thread ${this.threadId ?? ""} already has an active writer`
    if (this.reason === "referenced") {
      return `cannot delete thread ${this.threadId ?? ""}: forked history still references it`
    }
    return this.reason === "conflict"
      ? `thread store refused to ${this.operation}: another writer has changed the thread`
      : `thread store failed to ${this.operation}`
  }
}

/** The summary of a thread for lists. A store can return it without folding the thread. */
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
  /** Number of turns. */
  readonly turns: number
  /** Unix milliseconds. */
  readonly updatedAt: number
  /** When the last turn started, in Unix milliseconds. */
  readonly recencyAt: number
  readonly gitInfo: GitInfo | null
  readonly daybreakEnabled: boolean | null
  readonly section: Membership | null
  /** Null: the thread counts as read. */
  readonly readState: ThreadReadState | null
  /** What identifies the attachments. */
  readonly attachments: ReadonlyArray<AttachmentIdentity>
}

/** An attachment of a thread without its payload. */
export interface AttachmentIdentity {
  readonly attachmentType: string
  readonly identityKey: string
}

/** The kind of program that a thread was started from, as named by filters. */
export type SourceKind = "cli" | "vscode" | "exec" | "appServer" | "unknown" | "custom" | SubAgentKind

/** Why a thread that no user started exists, as named by filters. */
export type SubAgentKind = "subAgentReview" | "subAgentCompact" | "subAgentThreadSpawn" | "subAgentOther"

/** Selects threads. A null member matches all threads; an empty list matches none. */
export interface ThreadFilter {
  readonly archived: boolean | null
  readonly sourceKinds: ReadonlyArray<SourceKind> | null
  readonly modelProviders: ReadonlyArray<string> | null
  /** Working folders, compared exactly. */
  readonly cwds: ReadonlyArray<string> | null
  /** Part of the preview or of the name; upper and lower case differ. */
  readonly text: string | null
  readonly excludedIds: ReadonlyArray<string>
  /** Threads in one of these sections, or in none of them. */
  readonly section: { readonly anyOf: ReadonlyArray<string> } | { readonly noneOf: ReadonlyArray<string> } | null
  /** Threads with this attachment, also those that have had no turn. */
  readonly attachment: AttachmentIdentity | null
}

/** A filter that all threads match which have had a turn. */
export const everyThread: ThreadFilter = {
  archived: null,
  sourceKinds: null,
  modelProviders: null,
  cwds: null,
  text: null,
  excludedIds: [],
  section: null,
  attachment: null
}

/** Selects a page. */
export interface ThreadPageRequest {
  /** Which threads are in the list. */
  readonly filter: ThreadFilter
  /** Where the page begins; null for the first page. */
  readonly cursor: ThreadCursor | null
  /** Maximum number of threads on the page; at least one. */
  readonly limit: number
  /**
   * The value by which the list is sorted. Threads without a section have no `section_position`, and are not in a page that
   * is sorted by it.
   */
  readonly sortKey: "created_at" | "updated_at" | "recency_at" | "section_position"
  /** The order of the list. */
  readonly sortDirection: SortDirection
}

/** A part of a list of threads. */
export interface ThreadPage {
  /** In the order of the list, at most `limit` of them. */
  readonly threads: ReadonlyArray<ThreadSummary>
  /** Null at the end. */
  readonly nextCursor: string | null
  /** Cursor of the opposite direction, which starts at the first thread of this page. */
  readonly backwardsCursor: string | null
}

/** A search result: a thread and the text around the first occurrence. */
export interface ThreadMatch {
  /** The thread. */
  readonly thread: ThreadSummary
  /** The text around the first occurrence. */
  readonly snippet: string
}

/** A page of search results, with cursors like those of `ThreadPage`. */
export interface ThreadMatches extends Omit<ThreadPage, "threads"> {
  readonly matches: ReadonlyArray<ThreadMatch>
}

/** The port to storage: threads as sequences of events, and queries over their summaries. */
export class ThreadStore extends Context.Service<
  ThreadStore,
  {
    /** Whether the store loses its threads when the process ends. Optional; default: false. */
    readonly volatile?: Effect.Effect<boolean>
    /**
     * Appends events to a thread, all or none. `expectedSeq` is the number of the first of them, which equals the current
     * number of events; otherwise it fails with reason `conflict`. A thread begins with `Created` at 0.
     */
    readonly append: (
      threadId: string,
      expectedSeq: number,
      events: ReadonlyArray<ThreadEvent>
    ) => Effect.Effect<void, ThreadStoreError>
    /**
     * Takes the right to append to a thread until the returned effect runs, which frees it. Fails with reason `locked` when
     * another process has it. `isNew`: no other process can know the thread yet, so that taking it need not wait. Optional: a store
     * that no other process uses. An append to a thread without a claim claims it for that append.
     */
    readonly claim?: (threadId: string, isNew: boolean) => Effect.Effect<Effect.Effect<void>, ThreadStoreError>
    /** Events from number `from` on, at most `limit` of them; empty for an unknown thread. */
    readonly read: (
      threadId: string,
      range: { readonly from: number; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<NumberedEvent>, ThreadStoreError>
    /** The summary of one thread, or null. */
    readonly summary: (threadId: string) => Effect.Effect<ThreadSummary | null, ThreadStoreError>
    /** A page of threads that have had a turn. */
    readonly list: (request: ThreadPageRequest) => Effect.Effect<ThreadPage, ThreadStoreError>
    /** A page of threads that have had a turn, and in whose messages, answers or commands `text` occurs, in any case. */
    readonly search: (
      request: ThreadPageRequest & { readonly text: string }
    ) => Effect.Effect<ThreadMatches, ThreadStoreError>
    /**
     * Turns of a thread in the order of the range; null for an unknown thread. Optional: a store that can find them without
     * reading the whole thread. Items that the view leaves out may be missing.
     */
    readonly readTurns?: (
      threadId: string,
      range: HistoryRange,
      view: TurnView
    ) => Effect.Effect<ReadonlyArray<TurnState> | null, ThreadStoreError>
    /** Items of a thread, or of one of its turns, as with `readTurns`. */
    readonly readItems?: (
      threadId: string,
      range: HistoryRange,
      turnId: string | null
    ) => Effect.Effect<ReadonlyArray<StoredItem> | null, ThreadStoreError>
    /**
     * Makes a new thread from the first `atSeq` events of another: `created` replaces the source's first event. Fails with
     * reason `conflict` when the new thread exists or the source has fewer events.
     */
    readonly fork: (
      sourceId: string,
      atSeq: number,
      created: EventOf<"Created">
    ) => Effect.Effect<void, ThreadStoreError>
    /** Removes a thread with all its events. Removing an unknown thread is not an error. */
    readonly delete: (threadId: string) => Effect.Effect<void, ThreadStoreError>
    /**
     * The file that a thread is kept in, for clients that show it; null when it has none yet or never will. It is called often
     * and must be fast. Optional: a store without files.
     */
    readonly pathOf?: (thread: ThreadSummary) => string | null
    /** The id of the thread that a file holds; null for any other file. Optional, as `pathOf`. */
    readonly threadAt?: (path: string) => Effect.Effect<string | null, ThreadStoreError>
    /**
     * The definitions of sections, as one small list that is read once and replaced as a whole. Optional: without it they last
     * as long as the server.
     */
    readonly sections?: {
      /** All sections; empty when none were saved. */
      readonly load: Effect.Effect<ReadonlyArray<ThreadSection>, ThreadStoreError>
      /** Replaces the list. Completes when it is stored. */
      readonly save: (sections: ReadonlyArray<ThreadSection>) => Effect.Effect<void, ThreadStoreError>
    }
  }
>()("spindle/ThreadStore") {}
