/**
 * The goal of a thread.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { EphemeralThread, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import type { ThreadEvent } from "../../services/thread/ThreadEvent.ts"
import { changed, toGoal } from "../../services/thread/ThreadGoal.ts"
import type { Decision, Notification } from "../../services/thread/ThreadJournal.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { seconds } from "../../services/thread/ThreadView.ts"

const unknown = (threadId: string) => new ThreadNotFound({ threadId, sought: "loaded" })

/** Goals are for stored threads that are not archived. */
const checkKept = ({ archived, origin }: ThreadState): Effect.Effect<void, EphemeralThread | ThreadNotFound> => {
  if (origin.ephemeral) return Effect.fail(new EphemeralThread({ threadId: origin.id, unsupported: "goals" }))
  return archived ? Effect.fail(unknown(origin.id)) : Effect.void
}

export const make: Effect.Effect<
  HandlersFor<"thread/goal/set" | "thread/goal/get" | "thread/goal/clear">,
  never,
  Threads
> = Effect.gen(function* () {
  const threads = yield* Threads
  const commit = <A, E>(threadId: string, decide: (state: ThreadState) => Effect.Effect<Decision<A>, E>) =>
    Effect.mapError(
      threads.stored.change(threadId, (state) => Effect.andThen(checkKept(state), decide(state))),
      (error) => (error instanceof ThreadNotFound ? unknown(threadId) : error)
    )

  const set: Handler<"thread/goal/set"> = Effect.fnUntraced(function* ({ threadId, ...params }) {
    const at = yield* Clock.currentTimeMillis
    const change = {
      objective: params.objective ?? null,
      status: params.status ?? null,
      tokenBudget: params.tokenBudget ?? null
    }
    const { publish, value: goal } = yield* commit(
      threadId,
      Effect.fnUntraced(function* (state) {
        const stored = yield* changed(threadId, state.goal, change, seconds(at))
        const goal = toGoal(threadId, stored)
        const events: ReadonlyArray<ThreadEvent> = [{ _tag: "GoalSet", at, goal: stored }]
        const notifications: ReadonlyArray<Notification> = [
          { method: "thread/goal/updated", params: { threadId, turnId: null, goal } }
        ]
        return { events, notifications, value: goal }
      })
    )
    return Reply.withCommit({ goal }, publish)
  })

  const get: Handler<"thread/goal/get"> = Effect.fnUntraced(function* ({ threadId }) {
    const state = yield* threads.stored.state(threadId)
    if (state === null) return yield* unknown(threadId)
    yield* checkKept(state)
    return { goal: state.goal === null ? null : toGoal(threadId, state.goal) }
  })

  const clear: Handler<"thread/goal/clear"> = Effect.fnUntraced(function* ({ threadId }) {
    const at = yield* Clock.currentTimeMillis
    const { publish, value: cleared } = yield* commit(
      threadId,
      Effect.fnUntraced(function* (state) {
        const cleared = state.goal !== null
        const events: ReadonlyArray<ThreadEvent> = cleared ? [{ _tag: "GoalSet", at, goal: null }] : []
        const notifications: ReadonlyArray<Notification> = cleared
          ? [{ method: "thread/goal/cleared", params: { threadId } }]
          : []
        return { events, notifications, value: cleared }
      })
    )
    return Reply.withCommit({ cleared }, publish)
  })

  return { "thread/goal/set": set, "thread/goal/get": get, "thread/goal/clear": clear }
})
