/**
 * The goal of a thread.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"
import { isFeatureOff } from "../../services/thread/Switches.ts"
import { Config, type ConfigError } from "../../services/config/Config.ts"
import { EphemeralThread, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import { changed, recorded, toGoal, withTime } from "../../services/thread/ThreadGoal.ts"
import type { Changed, Decision } from "../../services/thread/ThreadJournal.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import type { ChangeError } from "../../services/thread/ThreadChanges.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { seconds } from "../../services/thread/ThreadView.ts"

const unknown = (threadId: string) => new ThreadNotFound({ threadId, sought: "loaded" })

/** Goals are for stored threads that are not archived. */
const checkKept = ({ archived, origin }: ThreadState): Effect.Effect<void, EphemeralThread | ThreadNotFound> => {
  if (origin.ephemeral) return Effect.fail(new EphemeralThread({ threadId: origin.id, unsupported: "goals" }))
  return archived ? Effect.fail(unknown(origin.id)) : Effect.void
}

type Commit = <A, E>(
  threadId: string,
  decide: (state: ThreadState) => Effect.Effect<Decision<A>, E>
) => Effect.Effect<Changed<A>, E | GoalError>

type GoalError = ChangeError | ConfigError | EphemeralThread | RequestError

const makeSet = (threads: Threads["Service"], commit: Commit): Handler<"thread/goal/set"> =>
  Effect.fnUntraced(function* ({ threadId, ...params }) {
    const at = yield* Clock.currentTimeMillis
    const change = {
      objective: params.objective ?? null,
      status: params.status ?? null,
      tokenBudget: params.tokenBudget
    }
    const { publish, value } = yield* commit(
      threadId,
      Effect.fnUntraced(function* ({ goal: before }) {
        const next = yield* changed(threadId, before, change, seconds(at))
        const goal = withTime(next, threads.find(threadId)?.goal.takeTime(at) ?? 0)
        const { event, notification } = recorded(threadId, null, goal, at)
        return { events: [event], notifications: [notification], value: { goal, before } }
      })
    )
    const started = threads.find(threadId)?.goal.changed(value.before) ?? Effect.void
    return Reply.withCommit({ goal: toGoal(threadId, value.goal) }, Effect.andThen(publish, started))
  })

const makeClear = (threads: Threads["Service"], commit: Commit): Handler<"thread/goal/clear"> =>
  Effect.fnUntraced(function* ({ threadId }) {
    const at = yield* Clock.currentTimeMillis
    const { publish, value: cleared } = yield* commit(threadId, ({ goal }) =>
      Effect.succeed<Decision<boolean>>(
        goal === null
          ? { events: [], value: false }
          : {
              events: [{ _tag: "GoalSet", at, goal: null }],
              notifications: [{ method: "thread/goal/cleared", params: { threadId } }],
              value: true
            }
      )
    )
    const stopped = threads.find(threadId)?.goal.changed(null) ?? Effect.void
    return Reply.withCommit({ cleared }, Effect.andThen(publish, stopped))
  })

export const make: Effect.Effect<
  HandlersFor<"thread/goal/set" | "thread/goal/get" | "thread/goal/clear">,
  never,
  Config | Threads
> = Effect.gen(function* () {
  const threads = yield* Threads
  const config = yield* Config

  /** Fails when the configuration of the thread, or that of the server for a thread that is not loaded, has no goals. */
  const checkEnabled = Effect.fnUntraced(function* (threadId: string) {
    const loaded = threads.find(threadId)
    if (loaded?.state.origin.ephemeral === true) return
    const isOff =
      loaded === undefined
        ? isFeatureOff(yield* config.effective({ cwd: null, overrides: {} }), "goals")
        : !loaded.goal.isEnabled
    if (isOff) return yield* invalidRequest("goals feature is disabled")
  })

  const commit: Commit = (threadId, decide) =>
    Effect.andThen(
      checkEnabled(threadId),
      Effect.mapError(
        threads.stored.change(threadId, (state) => Effect.andThen(checkKept(state), decide(state))),
        (error) => (error instanceof ThreadNotFound ? unknown(threadId) : error)
      )
    )

  const get: Handler<"thread/goal/get"> = Effect.fnUntraced(function* ({ threadId }) {
    yield* checkEnabled(threadId)
    const state = yield* threads.stored.state(threadId)
    if (state === null) return yield* unknown(threadId)
    yield* checkKept(state)
    return { goal: state.goal === null ? null : toGoal(threadId, state.goal) }
  })

  return {
    "thread/goal/set": makeSet(threads, commit),
    "thread/goal/get": get,
    "thread/goal/clear": makeClear(threads, commit)
  }
})
