/**
 * What the engine is told about the memory of a server that many clients connect to.
 *
 * Owns the engine's flags: those that V8 looks at after its start, and that change how much it holds and how soon it is
 * fast, never what a program does.
 *
 * @module
 */
import v8 from "node:v8"
import * as Effect from "effect/Effect"

/**
 * Keeps the young generation at the size it has.
 *
 * Whenever much of it survives, V8 doubles it, up to tens of megabytes, and seldom gives them back: where objects live as
 * long as a computation that saves work. Here it is clients that survive, which connect and then lie idle. A thousand of
 * them hold less than the young generation would grow by. Where much is told to clients that read slowly, collecting a small
 * one also keeps others waiting for a shorter time.
 */
const youngGeneration = "--semi-space-growth-factor=1"

/**
 * Leaves out the compiler in the middle: Node 22 has none either. What is run often is compiled by the last one all the
 * same, a little later, and then is as fast. The threads of the one in the middle keep some 15 MB of what they worked in.
 */
const middleTier = "--no-maglev"

/**
 * For the rest of the process. Only when all that serving needs is loaded: compiled code that is kept, Node's own too, is
 * good for the flags it was compiled under.
 */
export const limit: Effect.Effect<void> = Effect.sync(() => {
  for (const flag of [youngGeneration, middleTier]) v8.setFlagsFromString(flag)
})
