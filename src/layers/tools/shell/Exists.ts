/**
 * Whether a folder of rules is there.
 *
 * @module
 */
import * as Fs from "node:fs"

/** True when something is there, or when that is unknown. Runs once at the start of every thread. */
export const exists = (folder: string): boolean => {
  try {
    return Fs.statSync(folder, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}
