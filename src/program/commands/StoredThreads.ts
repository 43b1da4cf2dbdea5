/**
 * What the commands that look for a stored thread share: the folder of a thread, and that a text fits exactly one.
 *
 * @module
 */
import { realpathSync } from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"

/** Limit on the ids in an error. */
const MaxShown = 10

/** A folder, also by its real path: a thread has the path that it was started with, and paths are compared as texts. */
export const foldersOf = (cwd: string): ReadonlyArray<string> => {
  const absolute = Path.resolve(cwd)
  try {
    return Array.from(new Set([absolute, realpathSync(absolute)]))
  } catch {
    return [absolute]
  }
}

/** The id of the only thread that fits. Fails with `none`, or with `several` and the ids. */
export const onlyOne = (
  ids: ReadonlyArray<string>,
  { none, several }: { readonly none: string; readonly several: string }
): Effect.Effect<string, string> => {
  const [first, ...others] = ids
  if (first === undefined) return Effect.fail(none)
  if (others.length === 0) return Effect.succeed(first)
  const more = ids.length > MaxShown ? [`… ${ids.length - MaxShown} more`] : []
  return Effect.fail(`${several} Pass the id of one:\n${[...ids.slice(0, MaxShown), ...more].join("\n")}`)
}
