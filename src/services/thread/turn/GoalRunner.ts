/**
 * Starts turns for the goal of a thread while the thread is idle.
 *
 * A turn starts when a client sets an active goal, when a turn has ended that was not interrupted, and when the thread is
 * resumed. Queued input goes first. Does not own the goal (`ThreadGoal`), nor how a turn runs (`Thread`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Turn } from "../../../protocol/v2/turn/Turn.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { StoredGoal } from "../ThreadEvent.ts"
import type { ThreadGate } from "../ThreadGate.ts"
import { recorded, withTime } from "../ThreadGoal.ts"
import { seconds } from "../ThreadView.ts"
import { isPursued } from "./GoalAccount.ts"
import { continuation, edited } from "./GoalPrompts.ts"
import { noOpening, type TurnTask } from "./TurnTask.ts"
import type { ClientIdentity } from "./ModelRequests.ts"
import { userTask } from "./UserTurn.ts"

export interface GoalRunnerOptions {
  readonly context: ThreadContext
  readonly gate: ThreadGate
  readonly isRunning: () => boolean
  /** In whose name turns run. */
  readonly caller: () => ClientIdentity
  readonly runTask: (turn: Pick<Turn, "id" | "rootTurnId">, task: TurnTask) => Effect.Effect<void>
  /** Adds an entry to the running turn. False when none runs. */
  readonly inject: (entry: ResponseItem) => boolean
}

/** Maximum number of turns in a row without an item. */
const MaxEmptyTurns = 5

/** The task of a turn for a goal. It has no message of the user. */
const goalTask = (goal: StoredGoal, caller: ClientIdentity): TurnTask => {
  const user = userTask({
    message: { input: [], clientId: null },
    options: { outputSchema: null, metadata: {} },
    caller,
    opening: noOpening
  })
  return {
    ...user,
    message: null,
    run: (at) => Effect.andThen(at.context.commit([at.context.entry(continuation(goal))]), user.run(at))
  }
}

export class GoalRunner {
  readonly #options: GoalRunnerOptions
  /** The number of the last turns in a row without an item. */
  #emptyTurns = 0

  constructor(options: GoalRunnerOptions) {
    this.#options = options
    const { context } = options
    context.goalClock.follow(context.state.goal, context.now())
  }

  /** Whether the configuration of the thread has goals. */
  get isEnabled(): boolean {
    return this.#options.context.hasGoals
  }

  /** The seconds of an active goal that were not counted yet. They count as counted from now on. */
  takeTime(now: number): number {
    return this.#options.context.goalClock.take(now)
  }

  /**
   * Goes on after a turn that was not interrupted. A goal whose turns produce nothing is blocked: they would follow one another
   * without an end.
   */
  afterTurn(isEmpty: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#emptyTurns = isEmpty ? this.#emptyTurns + 1 : 0
      return this.#emptyTurns < MaxEmptyTurns ? this.start : this.#block
    })
  }

  get #block(): Effect.Effect<void> {
    const { context } = this.#options
    const { goal } = context.state
    if (goal === null || !isPursued(context)) return Effect.void
    this.#emptyTurns = 0
    const at = context.now()
    const blocked: StoredGoal = { ...goal, status: "blocked", updatedAt: seconds(at) }
    const { event, notification } = recorded(context.id, null, withTime(blocked, this.takeTime(at)), at)
    context.goalClock.follow(blocked, at)
    return context.commit([event], [notification])
  }

  /** Begins a turn for the goal, unless a turn runs or may not begin. */
  readonly start: Effect.Effect<void> = Effect.suspend(() => {
    const { context, gate } = this.#options
    if (!this.#isDue) return Effect.void
    const begun = Effect.gen({ self: this }, function* () {
      yield* context.journal.recover
      const id = yield* context.services.random.uuidV7()
      const { goal } = context.state
      if (goal === null || !this.#isDue) return
      yield* this.#options.runTask({ id, rootTurnId: goal.rootTurnId ?? id }, goalTask(goal, this.#options.caller()))
    })
    // The failure of the store is already reported.
    return Effect.ignore(gate.inUse(begun))
  })

  get #isDue(): boolean {
    const { context, gate, isRunning } = this.#options
    return !isRunning() && gate.mayBegin && isPursued(context)
  }

  /** A client has changed the goal: the running turn reads a new objective, and an idle thread starts to work. */
  changed(before: StoredGoal | null): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { context, inject, isRunning } = this.#options
      const { goal } = context.state
      context.goalClock.follow(goal, context.now())
      if (goal === null || !isPursued(context)) return Effect.void
      if (!isRunning()) return this.start
      if (before?.status === "active" && before.objective !== goal.objective) inject(edited(goal))
      return Effect.void
    })
  }
}
