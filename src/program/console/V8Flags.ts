/**
 * V8's memory settings for servers.
 *
 * Owns the engine flags: those that V8 reads after its start and that change only memory use and warm-up time.
 *
 * @module
 */
import { PerformanceObserver } from "node:perf_hooks"
import v8 from "node:v8"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Keeps the young generation at its initial size.
 *
 * When many objects survive, V8 doubles the young generation, up to tens of megabytes, and rarely shrinks it. That saves
 * work when objects live as long as a computation. Here the survivors are clients, which connect and then idle: a thousand
 * of them use less memory than the young generation would grow by. When the server sends much to slow clients, collecting a
 * small generation also causes shorter pauses.
 */
const youngGeneration = "--semi-space-growth-factor=1"

/** V8's own setting. */
const defaultGrowth = "--semi-space-growth-factor=2"

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

/** The size up to which the young generation grows in a server with one client, in bytes. */
export const YoungGenerationBytes = 32 * 1024 * 1024

/** Whether the young generation is larger than that. */
const isLarge = (): boolean =>
  v8.getHeapSpaceStatistics().some((space) => {
    return space.space_name === "new_space" && space.space_size >= YoungGenerationBytes
  })

/**
 * Limits the growth of the young generation while the scope is open. Without it, minutes of work, such as the first fill of an
 * index, leave it at 64 MiB for the rest of the process. It can only be looked at after a collection, so it may become twice as
 * large when two collections follow each other without a pause.
 */
export const limitGrowth: Effect.Effect<void, never, Scope.Scope> = Effect.asVoid(
  Effect.acquireRelease(
    Effect.sync(() => {
      let wasLarge = false
      const observer = new PerformanceObserver(() => {
        const large = isLarge()
        if (large !== wasLarge) v8.setFlagsFromString(large ? youngGeneration : defaultGrowth)
        wasLarge = large
      })
      observer.observe({ entryTypes: ["gc"] })
      return observer
    }),
    (observer) => Effect.sync(() => observer.disconnect())
  )
)
