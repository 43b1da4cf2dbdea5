/**
 * V8's memory settings for a server with many clients.
 *
 * Owns the engine flags: those that V8 reads after its start and that change only memory use and warm-up time.
 *
 * @module
 */
import v8 from "node:v8"
import * as Effect from "effect/Effect"

/**
 * Keeps the young generation at its initial size.
 *
 * When many objects survive, V8 doubles the young generation, up to tens of megabytes, and rarely shrinks it. That saves
 * work when objects live as long as a computation. Here the survivors are clients, which connect and then idle: a thousand
 * of them use less memory than the young generation would grow by. When the server sends much to slow clients, collecting a
 * small generation also causes shorter pauses.
 */
const youngGeneration = "--semi-space-growth-factor=1"

/**
 * Disables the mid-tier compiler, which Node 22 does not have either. Hot code is still compiled by the optimizing compiler,
 * a little later, and then runs as fast. The mid-tier compiler's threads retain about 15 MB of working memory.
 */
const middleTier = "--no-maglev"

/**
 * Applies to the rest of the process. Call it only after all modules for serving are loaded: cached code, including Node's
 * own, is only valid for the flags it was compiled with.
 */
export const limit: Effect.Effect<void> = Effect.sync(() => {
  for (const flag of [youngGeneration, middleTier]) v8.setFlagsFromString(flag)
})
