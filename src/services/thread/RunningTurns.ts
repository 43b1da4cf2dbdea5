/**
 * How many turns run in a server, and the last part of its life: turns that run may end, and no other starts.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

/** Where a thread reports its turns, and learns whether another may begin. */
export interface TurnActivity {
  /** False when the server is about to end: no turn may start any more. */
  readonly isAdmitting: () => boolean
  readonly began: (threadId: string) => Effect.Effect<void>
  readonly ended: (threadId: string) => Effect.Effect<void>
  /** The thread may have come into use, or out of it, without a turn. */
  readonly changed: (threadId: string) => void
}

/** `onChange` is called when a turn of the thread has begun or ended, or is accepted. */
export const make = Effect.fnUntraced(function* (onChange: (threadId: string) => void) {
  const running = yield* SubscriptionRef.make(0)
  let isDraining = false

  const change = (threadId: string, by: number) =>
    Effect.andThen(
      SubscriptionRef.update(running, (turns) => turns + by),
      Effect.sync(() => onChange(threadId))
    )

  const activity: TurnActivity = {
    isAdmitting: () => !isDraining,
    began: (threadId) => change(threadId, 1),
    ended: (threadId) => change(threadId, -1),
    changed: onChange
  }

  return {
    activity,
    count: (): number => SubscriptionRef.getUnsafe(running),
    /** From now on no turn begins. Ends when none runs, and logs how many it waits for whenever that changes. */
    drain: Effect.suspend(() => {
      isDraining = true
      return SubscriptionRef.changes(running).pipe(
        Stream.takeWhile((turns) => turns > 0),
        Stream.runForEach((turns) => Effect.logInfo(`draining: waiting for ${turns} running turn(s) to end`))
      )
    })
  }
})
