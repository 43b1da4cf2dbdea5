/**
 * Whether a folder of rules is there.
 *
 * @module
 */
import * as Fs from "node:fs"

/** True when something is there, or when that cannot be told. One look, for the start of every thread. */
export const exists = (folder: string): boolean => {
  try {
    return Fs.statSync(folder, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}
