/**
 * Small files that are looked at often and change rarely.
 *
 * A file is read again when its modification time, size or inode differ. An edit that leaves all three alone is one of the
 * same length, in place and within the clock tick of the one before; nothing but a program does that.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"

/** A file that is there. */
export interface CachedFile<A> {
  readonly path: string
  readonly source: string
  /** What the text was turned into; the same object for as long as the file is the same. */
  readonly value: A
}

export interface FileCache<A> {
  /** The file as it is now; undefined where there is none. Fails where it is there and cannot be read. */
  readonly read: (path: string) => Effect.Effect<CachedFile<A> | undefined, PlatformError>
}

interface Entry<A> {
  readonly modified: number
  readonly size: bigint
  readonly inode: bigint
  readonly file: CachedFile<A>
}

/** Files beyond this many are forgotten, all at once: far more than a server looks at. */
const capacity = 512

/** Also what stands below a file that is no folder is not there: the platform calls that a bad resource. */
const isAbsent = (error: PlatformError): boolean =>
  error.reason._tag === "NotFound" || (error.reason._tag === "BadResource" && error.reason.method === "stat")

/** A cache of files that `parse` turns into values. */
export const make = <A>(parse: (source: string, path: string) => A) =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const entries = new Map<string, Entry<A>>()

    const read: FileCache<A>["read"] = Effect.fnUntraced(
      function* (path: string) {
        // The state is taken before the text: a change in between makes the next look see a difference.
        const info = yield* fileSystem.stat(path)
        const modified = Option.match(info.mtime, { onNone: () => Number.NaN, onSome: (time) => time.getTime() })
        const inode = Option.getOrElse(info.ino, () => 0n)
        const size = BigInt(info.size)
        const known = entries.get(path)
        if (known !== undefined && known.modified === modified && known.size === size && known.inode === inode) {
          return known.file
        }
        const source = yield* fileSystem.readFileString(path)
        const file: CachedFile<A> = { path, source, value: parse(source, path) }
        if (entries.size >= capacity) entries.clear()
        entries.set(path, { modified, size, inode, file })
        return file
      },
      (effect, path) =>
        Effect.catchIf(effect, isAbsent, () => {
          entries.delete(path)
          return Effect.undefined
        })
    )

    return { read } satisfies FileCache<A>
  })
