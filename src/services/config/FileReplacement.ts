/**
 * The port that replaces the server's own small files, such as the user's settings.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A file was not replaced. It still has its former content. */
export class FileReplacementError extends Schema.TaggedError<FileReplacementError>()("FileReplacementError", {
  path: Schema.String,
  /** The system's error code, such as `EROFS`. */
  code: Schema.String
}) {
  override get message(): string {
    return `${this.path} cannot be written (${this.code})`
  }
}

/** The port to replacing files. */
export class FileReplacement extends Context.Service<
  FileReplacement,
  {
    /**
     * Replaces the whole file in one step: a reader sees the former or the new content, also after a crash. A link is followed
     * and stays a link. A new file has mode 0600, an existing one keeps its mode.
     */
    readonly replace: (path: string, text: string) => Effect.Effect<void, FileReplacementError>
    /** Removes the file. A missing one is no error. */
    readonly remove: (path: string) => Effect.Effect<void, FileReplacementError>
  }
>()("spindle/FileReplacement") {}
