/**
 * The extension that numbers the notifications of a thread (`docs/extensions.md`): its name on the wire, and positions in a
 * thread's sequence.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Extensions } from "../jsonrpc/Envelope.ts"

/** The name of the extension, used in initialize and in envelopes. */
export const Extension = "spindle/sequence"

/** A position in a thread's sequence of notifications. */
export interface Position {
  readonly epoch: string
  readonly seq: number
}

/** The position in the extension's member of a client's envelope; undefined when it is missing or invalid. */
export const positionIn = (extensions: Extensions | undefined): Position | undefined => {
  const after = Predicate.hasProperty(extensions?.[Extension], "after") ? extensions[Extension].after : undefined
  return Predicate.hasProperty(after, "epoch") &&
    Predicate.hasProperty(after, "seq") &&
    typeof after.epoch === "string" &&
    Number.isSafeInteger(after.seq)
    ? { epoch: after.epoch, seq: after.seq as number }
    : undefined
}
