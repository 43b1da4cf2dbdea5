/**
 * When threads are unloaded: after `IdleUnload` without a subscriber and without a turn.
 *
 * Owns the clocks, one for each thread that is not in use. Does not own the unloading (`LoadedThreads`).
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"

/** How long a thread stays loaded that nobody follows and that does nothing. */
export const IdleUnload = Context.Reference("spindle/IdleUnload", { defaultValue: () => Duration.minutes(30) })

export interface IdleOptions {
  readonly isInUse: (threadId: string) => boolean
  /** Run when the time is over and the thread is still not in use. */
  readonly unload: (threadId: string) => Effect.Effect<void>
}

/** A function that is to be called when a thread may have come into use, or out of it. */
export const make = Effect.fnUntraced(function* ({ isInUse, unload }: IdleOptions) {
  const idleUnload = yield* IdleUnload
  const clocks = yield* FiberMap.make<string, void>()
  const start = yield* FiberMap.runtime(clocks)<never>()

  const unloadLater = (threadId: string) =>
    Effect.andThen(
      Effect.sleep(idleUnload),
      // A client may have come in the very moment.
      Effect.suspend(() => (isInUse(threadId) ? Effect.void : unload(threadId)))
    )

  return (threadId: string): void => {
    if (!isInUse(threadId)) start(threadId, unloadLater(threadId), { onlyIfMissing: true })
    else Option.getOrUndefined(FiberMap.getUnsafe(clocks, threadId))?.interruptUnsafe()
  }
})
