/**
 * The extension that numbers the notifications of a thread (`docs/extensions.md`): its name on the wire, and a position in
 * the order of a thread.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import type { Extensions } from "../jsonrpc/Envelope.ts"

/** The name of the extension, in initialize and in the envelopes. */
export const Extension = "spindle/sequence"

/** A place in the order of a thread. */
export interface Position {
  readonly epoch: string
  readonly seq: number
}

/** The position a client names in the extension's member of an envelope; undefined when it names none that makes sense. */
export const positionIn = (extensions: Extensions | undefined): Position | undefined => {
  const after = Predicate.hasProperty(extensions?.[Extension], "after") ? extensions[Extension].after : undefined
  return Predicate.hasProperty(after, "epoch") &&
    Predicate.hasProperty(after, "seq") &&
    typeof after.epoch === "string" &&
    Number.isSafeInteger(after.seq)
    ? { epoch: after.epoch, seq: after.seq as number }
    : undefined
}
