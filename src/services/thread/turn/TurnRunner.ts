/**
 * Runs a turn from its begin to its end, for every kind of task.
 *
 * Owns the order in which clients see a turn, and that every started turn ends exactly once. The begin and the end cannot be
 * interrupted; the task between them can, at any point.
 *
 * ```
 *  begin: status active ─► turn/started ─► user message
 *  task:  see `TurnTask`
 *  end:   [answers to interrupters] ─► status ─► [error] ─► turn/completed ─► [resolved requests]
 * ```
 *
 * The code of a port cannot prevent the end of a turn: code that does not stop is abandoned (`Supervised`), and a defect
 * while recording the end fails the turn.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type { TurnError } from "../../../protocol/v2/turn/ErrorInfo.ts"
import type { Turn, TurnStatus } from "../../../protocol/v2/turn/Turn.ts"
import { turnDuration, turnsEnded, turnsStarted } from "../../observability/Metrics.ts"
import { TurnTransition } from "../../routing/ServerRequests.ts"
import { TurnCancelled } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import { AwaitsClients } from "../ThreadJournal.ts"
import { turnOf } from "../ThreadState.ts"
import * as Goal from "../ThreadGoal.ts"
import { seconds } from "../ThreadView.ts"
import { isPursued } from "./GoalAccount.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { acceptance, prepared, recordAborted, recordAnswered, recorded, recordMessage } from "./Recording.ts"
import { endJoined } from "./ShellTurn.ts"
import * as TurnSpans from "./TurnSpans.ts"
import { contextEvents, readsDocuments } from "./TurnContext.ts"
import type { TaskError, TurnTask } from "./TurnTask.ts"
import { type Message, readsFiles } from "./UserMessage.ts"

const interruptedNotice =
  "<turn_aborted>\nThe user stopped the previous turn. Commands it had started may have run in part, or may still be running.\n</turn_aborted>"

/** Records and publishes the end of cancelled requests. */
const resolved = (context: ThreadContext, requestIds: ReadonlyArray<number>): Effect.Effect<void> =>
  Effect.forEach(requestIds, (requestId) => recordAnswered(context, requestId), { discard: true })

/** The claim of a turn that goes on after a crash. */
const claimed = (
  context: ThreadContext,
  turn: ActiveTurn,
  { claim }: TurnTask,
  at: number
): ReadonlyArray<ThreadEvent> =>
  claim !== undefined && context.isRecovering
    ? [{ _tag: "TurnClaimed", at, turnId: turn.id, attempt: 0, ...claim }]
    : []

const begin = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, task: TurnTask) {
  const { message, opening } = task
  const at = context.now()
  yield* Metric.update(turnsStarted, 1)
  yield* Effect.logDebug("turn started")
  context.facts.running = true
  context.facts.systemError = false
  // Its start and its input are recorded, and its requests are pending again.
  if (task.isRecovered === true) return yield* context.statusChanged
  yield* resolved(context, context.services.serverRequests.cancelThread(context.id, TurnTransition))
  const preface = task.preface === undefined ? [] : yield* task.preface({ context, turn })
  yield* context.statusChanged
  const isFirst = context.state.turns.length === 0
  const { id = turn.id, rootTurnId } = { id: task.announcedId, rootTurnId: turn.rootTurnId }
  const turnStarted = { ...startingTurn({ id, rootTurnId }), startedAt: seconds(at) }
  const first = { method: "turn/started" as const, params: { threadId: context.id, turn: turnStarted } }
  const started: ReadonlyArray<ThreadEvent> = [
    { _tag: "TurnStarted", at, turnId: turn.id, rootTurnId: turn.rootTurnId },
    ...claimed(context, turn, task, at),
    ...preface
  ]
  if (message !== null) yield* context.hooks.load
  const isImmediate = message === null || !(readsFiles(message.input) || readsDocuments(context))
  // The start of a turn does not wait for files.
  if (!isImmediate) yield* context.commit(started, [first])
  const input = message === null ? nothing : yield* firstInput(context, turn, task, message)
  // A turn whose start is stored has its input, and what was waiting for the turn waits no longer.
  yield* isImmediate
    ? context.commit(
        [...started, ...input.events, ...opening.events],
        [...opening.notifications, first, ...input.notifications]
      )
    : context.commit([...input.events, ...opening.events], [...opening.notifications, ...input.notifications])
  if (isFirst && context.state.gitInfo === null) yield* Effect.forkIn(recordGitFacts(context), context.scope)
})

const nothing: ReturnType<typeof recorded> = { events: [], notifications: [] }

/** The first message of a turn, behind the context that the model has not been told. */
const firstInput = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  task: TurnTask,
  message: Message
) {
  const input = yield* prepared(context, message)
  if (task.defersMessage?.(context) === true || (task.kind === "user" && context.hooks.precedeMessage)) {
    turn.steer(input)
    return { events: acceptance(context, turn, input), notifications: [] }
  }
  const told = yield* contextEvents(context)
  const { events, notifications } = recorded(context, turn, input)
  return { events: [...told, ...events], notifications }
})

/** The first turn of a thread records the state of the repository, beside its work. */
const recordGitFacts = Effect.fnUntraced(function* (context: ThreadContext) {
  const gitInfo = yield* context.services.gitFacts(context.state.settings.cwd)
  if (gitInfo === null || context.state.gitInfo !== null) return
  yield* context.commit([{ _tag: "GitInfoSet", at: context.now(), gitInfo }])
})

/** The turn as in the response to turn/start. */
export const startingTurn = (turn: Pick<Turn, "id" | "rootTurnId">): Turn => ({
  id: turn.id,
  rootTurnId: turn.rootTurnId,
  items: [],
  itemsView: "notLoaded",
  status: "inProgress",
  error: null,
  startedAt: null,
  completedAt: null,
  durationMs: null
})

interface Ending {
  readonly status: Exclude<TurnStatus, "inProgress">
  readonly error: TurnError | null
}

const errorOf = (error: Exclude<TaskError, TurnCancelled> | undefined): TurnError => ({
  message: error?.message ?? "the turn ended because of an internal error",
  codexErrorInfo: error === undefined ? "other" : error._tag === "TaskFailed" ? null : error.info,
  additionalDetails: error?._tag === "ModelError" ? (error.details ?? null) : null,
  misalignment: null
})

const endingOf = (turn: ActiveTurn, exit: Exit.Exit<void, TaskError>): Ending => {
  if (turn.failure !== undefined) return { status: "failed", error: turn.failure }
  if (Exit.isSuccess(exit)) return { status: "completed", error: null }
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error instanceof TurnCancelled || Cause.hasInterruptsOnly(exit.cause))
    return { status: "interrupted", error: null }
  return { status: "failed", error: errorOf(error) }
}

const counted = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, { status }: Ending, at: number) {
  yield* Metric.update(turnsEnded[status], 1)
  yield* Metric.update(turnDuration, (at - startOf(context, turn, at)) / 1000)
  yield* Effect.logDebug(`turn ${status}`)
})

/** Entries about an unfinished turn for the model's next request. */
const closeConversation = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, ending: Ending) {
  yield* recordAborted(context, turn)
  if (ending.status !== "interrupted") return
  yield* context.commit([
    context.entry({ type: "message", role: "user", content: [{ type: "input_text", text: interruptedNotice }] })
  ])
})

/** Records the input that was accepted while the turn ran, so that it is not lost. */
const recordRest = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, ending: Ending) {
  if (ending.status === "interrupted") yield* endJoined(turn)
  turn.close()
  for (const entry of turn.takeEntries()) yield* context.commit([context.entry(entry)])
  for (const message of turn.takeSteering()) yield* recordMessage(context, turn, message)
  yield* closeConversation(context, turn, ending)
})

const end = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, exit: Exit.Exit<void, TaskError>) {
  if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) yield* Effect.logError("turn died", exit.cause)
  const rest = yield* Effect.exit(recordRest(context, turn, endingOf(turn, exit)))
  if (Exit.isFailure(rest)) yield* Effect.logError("the end of a turn could not be recorded in full", rest.cause)
  turn.close()
  // Decided here, because the store may have failed during the recording above.
  const ending = endingOf(turn, Exit.isFailure(rest) ? rest : exit)
  turn.isOver = true
  const at = context.now()
  yield* counted(context, turn, ending, at)
  Deferred.doneUnsafe(turn.stopped, Exit.void)
  settle(context, turn, ending.status === "failed")
  yield* context.statusChanged
  if (ending.error !== null) {
    yield* stopGoal(context, turn, ending.error)
    yield* context.notify("error", { error: ending.error, willRetry: false, threadId: context.id, turnId: turn.id })
  }
  yield* recordEnd(context, turn, ending, at)
  yield* resolved(context, turn.unanswered.splice(0))
})

/** Ends what waits for an answer, and sets the facts. The requests without an answer are published as resolved later. */
const settle = (context: ThreadContext, turn: ActiveTurn, systemError: boolean): void => {
  const cancelled = context.services.serverRequests.cancelThread(context.id, TurnTransition)
  Object.assign(context.facts, { running: false, pendingApprovals: 0, pendingQuestions: 0, systemError })
  turn.unanswered.push(...cancelled)
  turn.unanswered.sort((a, b) => a - b)
}

/** A turn that fails ends the work on the goal, so that failing turns do not start one another. */
const stopGoal = (context: ThreadContext, turn: ActiveTurn, error: TurnError): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { goal } = context.state
    if (goal === null || turn.kind.kind !== "user" || !isPursued(context)) return Effect.void
    const at = context.now()
    const stopped = Goal.failed(Goal.spent(goal, 0, context.goalClock.take(at), seconds(at)), error, seconds(at))
    context.goalClock.follow(stopped, at)
    const { event, notification } = Goal.recorded(context.id, turn.id, stopped, at)
    return context.commit([event], [notification])
  })

/** A turn that answered or failed is unread, unless an earlier one is. A thread that is kept in memory only has no such mark. */
const unread = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, { status }: Ending) {
  const { origin, readState: current } = context.state
  const isNews = status === "failed" ? turn.kind.kind === "user" : turn.lastAgentMessage !== null
  // The work goes on while the goal is active.
  const goesOn = context.hasGoals && context.state.goal?.status === "active"
  if (status === "interrupted" || !isNews || goesOn || origin.ephemeral) return null
  const firstUnread = current?.firstUnread ?? { type: "turn" as const, turnId: turn.id }
  return { firstUnread, revision: yield* context.services.random.uuidV7() }
})

const recordEnd = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, ending: Ending, at: number) {
  const threadId = context.id
  const readState = yield* unread(context, turn, ending)
  const ended: ThreadEvent = { _tag: "TurnEnded", at, turnId: turn.id, ...ending }
  const completed = { threadId, turn: completedTurn(context, turn, ending, at) }
  yield* context.commit(readState === null ? [ended] : [{ _tag: "ReadStateSet", at, readState }, ended], [
    ...(readState === null ? [] : [{ method: "thread/readState/changed" as const, params: { threadId, readState } }]),
    { method: "turn/completed", params: completed }
  ])
})

/** Ends a turn after a defect in its normal end. The turn is over even if not everything was published. */
const endAnyway = (context: ThreadContext, turn: ActiveTurn, cause: Cause.Cause<never>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const isOpen = turnOf(context.state, turn.id)?.status === "inProgress"
    const ending: Ending = { status: "failed", error: errorOf(undefined) }
    turn.close()
    turn.isOver = true
    settle(context, turn, isOpen || context.facts.systemError)
    return Effect.logError("the end of a turn died", cause).pipe(
      Effect.andThen(context.statusChanged),
      Effect.andThen(isOpen ? recordEnd(context, turn, ending, context.now()) : Effect.void),
      Effect.andThen(resolved(context, turn.unanswered.splice(0)))
    )
  })

/** Unix milliseconds; `at` for a turn that never started. */
const startOf = (context: ThreadContext, turn: ActiveTurn, at: number): number =>
  turnOf(context.state, turn.id)?.startedAt ?? at

/** The end of a turn has its answer, for a client that missed the stream. */
const completedTurn = (context: ThreadContext, turn: ActiveTurn, ending: Ending, at: number): Turn => {
  const startedAt = startOf(context, turn, at)
  const answer = ending.status === "completed" ? turn.lastAgentMessage : null
  return {
    ...startingTurn(turn),
    ...ending,
    items: answer === null ? [] : [answer],
    itemsView: answer === null ? "notLoaded" : "summary",
    startedAt: seconds(startedAt),
    completedAt: seconds(at),
    durationMs: at - startedAt
  }
}

/** Runs a turn to its end, for every exit of its task. `onEnd` is called when the thread may start another turn. */
export const run = (context: ThreadContext, turn: ActiveTurn, task: TurnTask, onEnd: () => void): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) => {
    const running = Effect.suspend(() =>
      // The turn may have been ended before its fiber was set, when it could not be interrupted.
      turn.isCut ? Effect.interrupt : task.run({ context, turn })
    )
    const exit = Effect.exit(Effect.andThen(begin(context, turn, task), restore(running)))
    // The next turn waits for this end, and so do requests. Clients that do not read must not delay them.
    const ended = (exit: Exit.Exit<void, TaskError>) =>
      Effect.catchCause(end(context, turn, exit), (cause) => endAnyway(context, turn, cause)).pipe(
        Effect.provideService(AwaitsClients, false)
      )
    const whole = Effect.flatMap(exit, (exit) => Effect.andThen(ended(exit), exit))
    // The outcome is already published. The failure is only for the span.
    return Effect.exit(TurnSpans.turn(whole, context, turn, (exit) => endingOf(turn, exit).status)).pipe(
      Effect.andThen(
        Effect.sync(() => {
          onEnd()
          Deferred.doneUnsafe(turn.stopped, Exit.void)
          Deferred.doneUnsafe(turn.ended, Exit.void)
        })
      ),
      Effect.annotateLogs({ thread: context.id, turn: turn.id })
    )
  })
