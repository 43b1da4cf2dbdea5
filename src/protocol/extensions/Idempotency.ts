/**
 * The extension that makes a repeated `turn/start` one turn (`docs/extensions.md`): its name on the wire, and the key in an
 * envelope.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Extensions } from "../jsonrpc/Envelope.ts"

/** The name of the extension, used in initialize and in envelopes. */
export const Extension = "spindle/idempotency"

/** Maximum number of characters of a key. */
export const MaxKey = 128

/** The key in the extension's member of a client's envelope: undefined without the member, null for an invalid key. */
export const keyIn = (extensions: Extensions | undefined): string | null | undefined => {
  const member = extensions?.[Extension]
  if (member === undefined) return undefined
  const key = Predicate.hasProperty(member, "key") ? member.key : undefined
  return typeof key === "string" && key.length > 0 && key.length <= MaxKey ? key : null
}
