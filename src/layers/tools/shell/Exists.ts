/**
 * Checks whether a folder of rules exists.
 *
 * @module
 */
import * as Fs from "node:fs"

/** True when the path exists, or when that is unknown. Runs once at the start of every thread. */
export const exists = (folder: string): boolean => {
  try {
    return Fs.statSync(folder, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}
