/**
 * The running turns of a server, and draining: running turns may end, and no other turn starts.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { Signal } from "../routing/QueueOptions.ts"

/** Where a thread reports its turns and checks whether another may begin. */
export interface TurnActivity {
  /** False while the server drains: no turn may start. */
  readonly isAdmitting: () => boolean
  readonly began: (threadId: string) => Effect.Effect<void>
  readonly ended: (threadId: string) => Effect.Effect<void>
  /** The thread may have come into use, or out of it, without a turn. */
  readonly changed: (threadId: string) => void
}

/** `onChange` is called when a turn of the thread has begun or ended, or is accepted. */
export const make = (onChange: (threadId: string) => void) => {
  let running = 0
  let isDraining = false
  const changed = new Signal()

  const change = (threadId: string, by: number) =>
    Effect.sync(() => {
      running += by
      changed.fire()
      onChange(threadId)
    })

  const activity: TurnActivity = {
    isAdmitting: () => !isDraining,
    began: (threadId) => change(threadId, 1),
    ended: (threadId) => change(threadId, -1),
    changed: onChange
  }

  /** Logs the number of running turns, and waits until it changes. */
  const logged = Effect.suspend(() => {
    const next = Deferred.await(changed.wait)
    return Effect.andThen(Effect.logInfo(`draining: waiting for ${running} running turn(s) to end`), next)
  })

  return {
    activity,
    count: (): number => running,
    /** Prevents new turns and waits until none runs. Logs the number of running turns whenever it changes. */
    drain: Effect.suspend(() => {
      isDraining = true
      return Effect.whileLoop({ while: () => running > 0, body: () => logged, step: () => {} })
    })
  }
}
