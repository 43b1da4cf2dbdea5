/**
 * When threads are unloaded: after `IdleUnload` without a subscriber and without a turn.
 *
 * Owns the timers, one for each unused thread. Does not own the unloading (`LoadedThreads`).
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"

/** How long a thread stays loaded without a subscriber and without a turn. */
export const IdleUnload = Context.Reference("spindle/IdleUnload", { defaultValue: () => Duration.minutes(30) })

export interface IdleOptions {
  readonly isInUse: (threadId: string) => boolean
  /** Runs when the time is over and the thread is still unused. */
  readonly unload: (threadId: string) => Effect.Effect<void>
}

/** Returns a function to call when a thread may have become used or unused. */
export const make = Effect.fnUntraced(function* ({ isInUse, unload }: IdleOptions) {
  const idleUnload = yield* IdleUnload
  const clocks = yield* FiberMap.make<string, void>()
  const start = yield* FiberMap.runtime(clocks)<never>()

  const unloadLater = (threadId: string) =>
    Effect.andThen(
      Effect.sleep(idleUnload),
      // A client may have subscribed at the same moment.
      Effect.suspend(() => (isInUse(threadId) ? Effect.void : unload(threadId)))
    )

  return (threadId: string): void => {
    if (!isInUse(threadId)) start(threadId, unloadLater(threadId), { onlyIfMissing: true })
    else Option.getOrUndefined(FiberMap.getUnsafe(clocks, threadId))?.interruptUnsafe()
  }
})
