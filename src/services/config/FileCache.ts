/**
 * A cache of parsed files. A file is read again when its stamp changes.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as SmallFiles from "./SmallFiles.ts"

/** A file that exists. */
export interface CachedFile<A> {
  readonly path: string
  readonly source: string
  /** The parsed text; the same object until the file changes. */
  readonly value: A
}

export interface FileCache<A> {
  /**
   * The current file; undefined when it does not exist. Fails when it exists and cannot be read, or when it is a link to a
   * file outside `within`.
   */
  readonly read: (path: string, within?: string) => Effect.Effect<CachedFile<A> | undefined, SmallFiles.SmallFileError>
}

interface Entry<A> {
  readonly stamp: SmallFiles.FileStamp
  /** The folder that the file had to be in. */
  readonly within: string | undefined
  readonly file: CachedFile<A>
}

/** Limits on the number of files and the characters of their texts together. When one is exceeded, the cache is cleared. */
const capacity = { files: 512, chars: 16 * 1024 * 1024 }

const sameStamp = (left: SmallFiles.FileStamp, right: SmallFiles.FileStamp): boolean =>
  left.modified === right.modified && left.size === right.size && left.inode === right.inode

/** A cache of files parsed with `parse`. */
export const make = <A>(
  parse: (source: string, path: string) => A,
  options: Omit<SmallFiles.ReadOptions, "within">
): Effect.Effect<FileCache<A>, never, SmallFiles.SmallFiles> =>
  Effect.map(SmallFiles.SmallFiles, (files) => {
    const entries = new Map<string, Entry<A>>()
    let chars = 0
    const forget = (path: string) => {
      chars -= entries.get(path)?.file.source.length ?? 0
      entries.delete(path)
    }
    return {
      read: Effect.fnUntraced(function* (path: string, within?: string) {
        // The stamp is read before the text, so a change in between is detected by the next read.
        const stamp = yield* files.stamp(path, options.namedBy)
        const known = entries.get(path)
        const isKnown = known !== undefined && known.within === within
        if (isKnown && stamp !== undefined && sameStamp(known.stamp, stamp)) return known.file
        const bounds = within === undefined ? options : { ...options, within }
        const source = stamp === undefined ? undefined : yield* SmallFiles.text(files, path, bounds)
        forget(path)
        if (stamp === undefined || source === undefined) return undefined
        const file: CachedFile<A> = { path, source, value: parse(source, path) }
        if (entries.size >= capacity.files || chars + source.length > capacity.chars) {
          entries.clear()
          chars = 0
        }
        chars += source.length
        entries.set(path, { stamp, within, file })
        return file
      })
    }
  })
