/**
 * Which files a sandbox policy permits to write: the port's vocabulary, and the rule that decides about a path.
 *
 * Owns the decision about a canonical path. Does not own how paths become canonical (`layers/sandboxes/PolicyFiles`), nor
 * how a command is confined (`Sandbox`).
 *
 * The most specific entry decides, as in the released server: a protected folder in a writable root is read-only, and a
 * writable root in a protected folder is writable. Of two entries for one path, the writable root decides.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/** The names in a writable root that stay read-only, also when they do not exist yet. */
export const ProtectedNames: ReadonlyArray<string> = [".git", ".agents", ".codex", ".aws"]

/** A path with the access to it and to everything below it. */
export interface AccessEntry {
  /** Absolute and canonical: it has no symbolic link and no `..`. */
  readonly path: string
  /** `read` for a protected path. */
  readonly access: "read" | "write"
  /**
   * What is at the path. A symbolic link is only reported for a protected path. A protected folder that is empty is reported
   * as missing: it may be one that a sandbox creates for the time of a command.
   */
  readonly kind: "folder" | "file" | "missing" | "link"
}

/** A policy may not write to a path. */
export class WriteDenied extends Schema.TaggedError<WriteDenied>()("WriteDenied", {
  /** The path as it was given. */
  path: Schema.String
}) {
  override get message(): string {
    return `the sandbox policy does not permit to write to ${this.path}`
  }
}

/** The write access of a policy in a working folder, as the files were when it was resolved. */
export interface FileAccess {
  /** `all` when the policy does not restrict files. */
  readonly scope: "all" | "entries"
  /** The writable roots and the protected paths, parents first. Every other path is read-only. Empty for the scope `all`. */
  readonly entries: ReadonlyArray<AccessEntry>
  /**
   * Whether the policy permits to write, create or remove the file at an absolute path. Symbolic links are followed; a link
   * whose target does not exist is not writable. False when the path cannot be examined.
   */
  readonly mayWrite: (path: string) => Effect.Effect<boolean>
  /**
   * Opens the folder of a file, checks the policy for the folder that was opened, and returns a path that reaches the file
   * through it until the scope is closed. A folder that is replaced by a link later has no effect. Open the returned path
   * with `O_NOFOLLOW`, or rename or unlink it. The folder must exist. On platforms without `/proc/self/fd` the path itself
   * is checked and returned.
   */
  readonly hold: (path: string) => Effect.Effect<string, WriteDenied, Scope.Scope>
}

/** Whether `path` is `folder` or below it. Both are absolute and normalised. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`)

/** Whether the entries permit to write to a canonical path. */
export const permits = (entries: ReadonlyArray<AccessEntry>, path: string): boolean => {
  let best: AccessEntry | undefined
  for (const entry of entries) {
    if (!isWithin(path, entry.path)) continue
    const isNearer = best === undefined || entry.path.length > best.path.length
    if (isNearer || (entry.path === best?.path && entry.access === "write")) best = entry
  }
  return best?.access === "write"
}
