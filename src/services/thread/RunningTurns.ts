/**
 * The running turns of a server, and draining: running turns may end, and no other turn starts.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"

/** Where a thread reports its turns and checks whether another may begin. */
export interface TurnActivity {
  /** False while the server drains: no turn may start. */
  readonly isAdmitting: () => boolean
  readonly began: (threadId: string) => Effect.Effect<void>
  readonly ended: (threadId: string) => Effect.Effect<void>
}

/** `onChange` is called when a turn of the thread has begun or ended. */
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
    ended: (threadId) => change(threadId, -1)
  }

  return {
    activity,
    count: (): number => SubscriptionRef.getUnsafe(running),
    /** Prevents new turns and waits until none runs. Logs the number of running turns whenever it changes. */
    drain: Effect.suspend(() => {
      isDraining = true
      return SubscriptionRef.changes(running).pipe(
        Stream.takeWhile((turns) => turns > 0),
        Stream.runForEach((turns) => Effect.logInfo(`draining: waiting for ${turns} running turn(s) to end`))
      )
    })
  }
})
