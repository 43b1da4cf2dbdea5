/**
 * The port to the files that clients read, write and watch with `fs/*`.
 *
 * Owns the vocabulary between the handlers and the machine. Paths are absolute, with neither `.`, `..` nor a slash at the end.
 * Does not own permissions: a client may do whatever the server's user may do.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { FsGetMetadataResponse, FsReadDirectoryEntry } from "../../protocol/v2/file/FileSystem.ts"

/**
 * A file request failed. `detail` is the text for the client.
 *
 * - `refused`: the request asks for what is not supported, such as the content of a folder
 * - `failed`: the operating system refused it
 */
export class FileRequestError extends Schema.TaggedError<FileRequestError>()("FileRequestError", {
  reason: Schema.Literals(["refused", "failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** A watch that has begun. */
export interface FileWatch {
  /**
   * The changed paths, in batches: the first change of a batch is at most 200 ms old when it is delivered. It never fails and
   * ends with the scope of the watch.
   */
  readonly changes: Stream.Stream<ReadonlyArray<string>>
}

/** The port to the files of the machine. */
export class MachineFiles extends Context.Service<
  MachineFiles,
  {
    /** The whole content of a regular file. */
    readonly read: (path: string) => Effect.Effect<Uint8Array, FileRequestError>
    /** Replaces the content, or creates the file. The parent folder must exist. */
    readonly write: (path: string, content: Uint8Array) => Effect.Effect<void, FileRequestError>
    /** Creates a folder. With `recursive` missing parents are created, and an existing folder is no error. */
    readonly makeDirectory: (
      path: string,
      options: { readonly recursive: boolean }
    ) => Effect.Effect<void, FileRequestError>
    /** What a path is. Links are followed, except for `isSymlink`. */
    readonly metadata: (path: string) => Effect.Effect<FsGetMetadataResponse, FileRequestError>
    /** The children of a folder, in no particular order, without links whose target is missing. */
    readonly readDirectory: (path: string) => Effect.Effect<ReadonlyArray<FsReadDirectoryEntry>, FileRequestError>
    /** Removes a file, a link or a folder. With `force` a missing path is no error. */
    readonly remove: (
      path: string,
      options: { readonly recursive: boolean; readonly force: boolean }
    ) => Effect.Effect<void, FileRequestError>
    /** Copies a file or a link, or with `recursive` a folder. */
    readonly copy: (
      source: string,
      destination: string,
      options: { readonly recursive: boolean }
    ) => Effect.Effect<void, FileRequestError>
    /** Watches a file, the direct children of a folder, or a path that does not exist yet. */
    readonly watch: (path: string) => Effect.Effect<FileWatch, FileRequestError, Scope.Scope>
  }
>()("spindle/MachineFiles") {}
