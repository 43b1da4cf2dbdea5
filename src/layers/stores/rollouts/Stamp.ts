/**
 * Which content of a file was read, without its content: where it is, and what changes with every write.
 *
 * @module
 */
import * as Fs from "node:fs"

export interface Stamp {
  readonly path: string
  readonly ino: number
  /** In bytes. */
  readonly size: number
  readonly mtimeMs: number
}

/** The stamp of a file; undefined when it does not exist. A link is not followed. */
export const stampOf = (path: string): Stamp | undefined => {
  const stat = Fs.lstatSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : { path, ino: stat.ino, size: stat.size, mtimeMs: stat.mtimeMs }
}

export const isEqual = (a: Stamp, b: Stamp): boolean =>
  a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.path === b.path
