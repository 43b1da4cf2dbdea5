/**
 * Parsed files that change rarely. A file is read again when its stamp differs.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as SmallFiles from "./SmallFiles.ts"

/** A file that is there. */
export interface CachedFile<A> {
  readonly path: string
  readonly source: string
  /** What the text was turned into; the same object for as long as the file is the same. */
  readonly value: A
}

export interface FileCache<A> {
  /**
   * The file as it is now; undefined where there is none. Fails where it is there and cannot be read, also because a link
   * leads it out of `within`.
   */
  readonly read: (path: string, within?: string) => Effect.Effect<CachedFile<A> | undefined, SmallFiles.SmallFileError>
}

interface Entry<A> {
  readonly stamp: SmallFiles.FileStamp
  /** Where it was allowed to be. */
  readonly within: string | undefined
  readonly file: CachedFile<A>
}

/** Files beyond this many, or beyond this many characters of text together, are forgotten, all at once. */
const capacity = { files: 512, chars: 16 * 1024 * 1024 }

const sameStamp = (left: SmallFiles.FileStamp, right: SmallFiles.FileStamp): boolean =>
  left.modified === right.modified && left.size === right.size && left.inode === right.inode

/** A cache of files that `parse` turns into values. */
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
        // The stamp is taken before the text: a change in between makes the next look see a difference.
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
