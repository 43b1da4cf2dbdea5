/**
 * The port to the history of files: the content of files before tools changed them, per turn.
 *
 * Owns the vocabulary, and where the history of a thread is kept. Does not own how it is stored, nor the history of the
 * conversation (`ThreadStore`).
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A version of a text file. */
export interface FileVersion {
  readonly text: string
  /** The permission bits. */
  readonly mode: number
}

/** What a tool is about to do to a file. Null: the file does not exist. */
export interface FileRecord {
  /** Absolute, without links among its folders. */
  readonly path: string
  readonly before: FileVersion | null
  readonly after: FileVersion | null
}

/**
 * Why a file is not restored:
 *
 * - `changed`: it has a content that no tool of the thread has written or replaced
 * - `notKept`: its former content was not stored, because of a limit or an error
 * - `notAFile`: there is something else now, or another file was reached through a link
 */
export interface RestoreConflict {
  /** Absolute path. */
  readonly path: string
  readonly reason: "changed" | "notKept" | "notAFile"
}

/** What is restored. A file that a tool created is deleted, one that it deleted is created. */
export interface RestoredFile {
  /** Absolute path. */
  readonly path: string
  readonly kind: "add" | "delete" | "update"
}

/** What a restoration would do, as the files are now. */
export interface RestorePlan {
  readonly files: ReadonlyArray<RestoredFile>
  readonly conflicts: ReadonlyArray<RestoreConflict>
}

/** No file was restored. */
export class RestoreFailed extends Schema.TaggedError<RestoreFailed>()("RestoreFailed", {
  /** What failed. */
  detail: Schema.String
}) {
  override get message(): string {
    return `the files were not restored: ${this.detail}`
  }
}

/** The port to the history of files. */
export class FileHistory extends Context.Service<
  FileHistory,
  {
    /** Stores files before a tool changes them. Never fails: what cannot be stored cannot be restored later. */
    readonly record: (threadId: string, turnId: string, files: ReadonlyArray<FileRecord>) => Effect.Effect<void>
    /** Deletes the history of a thread. Never fails. */
    readonly forget: (threadId: string) => Effect.Effect<void>
    /** What `restore` would do. */
    readonly plan: (threadId: string, turnIds: ReadonlyArray<string>) => Effect.Effect<RestorePlan, RestoreFailed>
    /** Restores the files as they were before the first of these turns, all of the plan or none. Conflicts are left as they are. */
    readonly restore: (threadId: string, turnIds: ReadonlyArray<string>) => Effect.Effect<RestorePlan, RestoreFailed>
  }
>()("spindle/FileHistory") {}

const isThreadId = /^[0-9a-zA-Z-]{1,64}$/

/** The folder of a thread's history below the home folder; undefined for an id that is no name of a folder. */
export const folderOf = (home: string, threadId: string): string | undefined =>
  isThreadId.test(threadId) ? `${home}/spindle_files/${threadId}` : undefined
