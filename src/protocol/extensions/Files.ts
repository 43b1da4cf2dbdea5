/**
 * The extension that restores files with `thread/revert` (`docs/extensions.md`): its name on the wire, and its member of an
 * envelope.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Extensions } from "../jsonrpc/Envelope.ts"

/** The name of the extension, used in initialize and in envelopes. */
export const Extension = "spindle/files"

/** What to do with files that cannot be restored: refuse the whole request, or leave them as they are. */
export type OnConflict = "refuse" | "skip"

/**
 * The request in the extension's member of a client's envelope: undefined without the member or with `restore: false`, null for
 * an invalid one.
 */
export const restoreIn = (extensions: Extensions | undefined): OnConflict | null | undefined => {
  const member = extensions?.[Extension]
  if (member === undefined) return undefined
  const restore = Predicate.hasProperty(member, "restore") ? member.restore : undefined
  const onConflict = Predicate.hasProperty(member, "onConflict") ? member.onConflict : "refuse"
  if (restore === false) return undefined
  return restore === true && (onConflict === "refuse" || onConflict === "skip") ? onConflict : null
}
