/**
 * The goal of a thread as the tools of its model read and change it.
 *
 * A tool waits until the answer with its call was counted, so that the goal contains the tokens of that answer, or begins after
 * them. Does not own the declarations of the tools (`layers/tools/Goals`).
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { GoalRefused, type ToolGoal } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadRefusal } from "../ThreadError.ts"
import type { StoredGoal } from "../ThreadEvent.ts"
import { created, ended, recorded, toGoal, withTime } from "../ThreadGoal.ts"
import { seconds } from "../ThreadView.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import type { Gate } from "./Questions.ts"

/** The goal as the tools of this call see it. */
export const goalDesk = (context: ThreadContext, turn: ActiveTurn, gate: Gate): ToolGoal => {
  const { id: threadId } = context
  const counted = Effect.suspend(() => {
    if (context.state.origin.ephemeral)
      return Effect.fail(new GoalRefused({ problem: "Goal tools require a persistent thread." }))
    return Deferred.await(turn.counted)
  })

  const change = (decide: (goal: StoredGoal | null, now: number) => Effect.Effect<StoredGoal, ThreadRefusal>) =>
    Effect.gen(function* () {
      yield* counted
      if (!gate.open) return yield* Effect.interrupt
      const at = context.now()
      const { publish, value } = yield* context.journal.change(({ goal }) =>
        Effect.map(decide(goal, seconds(at)), (decided) => {
          const next = withTime(decided, context.goalClock.take(at))
          const { event, notification } = recorded(threadId, turn.id, next, at)
          return { events: [event], notifications: [notification], value: next }
        })
      )
      context.goalClock.follow(value, at)
      yield* publish
      return toGoal(threadId, value)
    }).pipe(Effect.catchTag("ThreadRefusal", ({ problem }) => Effect.fail(new GoalRefused({ problem }))))

  return {
    get: Effect.map(counted, () => {
      const { goal } = context.state
      return goal === null ? null : toGoal(threadId, goal)
    }),
    create: (objective, tokenBudget) =>
      change((goal, now) => created(goal, { objective, tokenBudget, rootTurnId: turn.rootTurnId }, now)),
    end: (status) => change((goal, now) => ended(goal, status, now))
  }
}
