/**
 * A turn from its first word to its last: the user's message, then model and tools in alternation until the model is done.
 *
 * Owns the order in which clients see a turn, and that every turn which was started ends exactly once. The begin and the end
 * cannot be interrupted; what is between can, at any point.
 *
 * ```
 *  begin: status active ─► turn/started ─► user message
 *  middle: ┌► model answer (items, deltas) ─► token usage ─► tool outputs ─┐   until nothing is left to say
 *          └───────────────── calls, end_turn false, steering ◄────────────┘
 *  end:   [answers to interrupters] ─► status ─► [error] ─► turn/completed ─► [resolved requests]
 * ```
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import type { TurnError } from "../../../protocol/v2/turn/ErrorInfo.ts"
import type { Turn, TurnStatus } from "../../../protocol/v2/turn/Turn.ts"
import { turnDuration, turnsEnded, turnsStarted } from "../../observability/Metrics.ts"
import type { ModelError, ModelRequest } from "../../model/ModelProvider.ts"
import { TurnTransition } from "../../routing/ServerRequests.ts"
import { SmallFiles } from "../../config/SmallFiles.ts"
import { turnOf } from "../ThreadState.ts"
import { seconds } from "../ThreadView.ts"
import { type ToolCall, type ToolOutput, TurnCancelled } from "../../tool/Tool.ts"
import * as Tracing from "../../observability/Tracing.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { approveCommand } from "./Approvals.ts"
import { sample } from "./Sampling.ts"
import { countFailure, countTokens } from "./TokenCount.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import * as TurnSpans from "./TurnSpans.ts"
import { type Message, promptOf, toModel } from "./UserMessage.ts"

/** What a turn's own client names it by at the model server. */
export interface ClientIdentity {
  readonly originator: string
  readonly userAgent: string
}

interface Running {
  readonly call: ToolCall
  readonly custom: boolean
  readonly fiber: Fiber.Fiber<ToolOutput, TurnCancelled>
}

const interruptedNotice =
  "<turn_aborted>\nThe user stopped the previous turn. Commands it had started may have run in part, or may still be running.\n</turn_aborted>"

/** Tells the thread and the model what the user said. Empty input is no message. */
const hear = Effect.fnUntraced(function* (host: ThreadContext, turn: ActiveTurn, message: Message) {
  if (message.input.length === 0) return
  turn.prompt = promptOf(message.input)
  const id = yield* host.services.random.uuidV7()
  const startedAtMs = host.now()
  const item = {
    type: "userMessage" as const,
    id,
    clientId: message.clientId,
    content: message.input,
    startedAtMs,
    completedAtMs: null
  }
  yield* host.itemStarted(turn.id, item)
  yield* host.itemCompleted(turn.id, item)
  const said = yield* Effect.provideService(toModel(message.input), SmallFiles, host.services.files)
  if (said !== null) yield* host.commit([host.entry(said)])
})

/** Tells of requests that ended without an answer. */
const resolved = (host: ThreadContext, requestIds: ReadonlyArray<number>): Effect.Effect<void> =>
  Effect.forEach(requestIds, (requestId) => host.notify("serverRequest/resolved", { threadId: host.id, requestId }), {
    discard: true
  })

const begin = Effect.fnUntraced(function* (host: ThreadContext, turn: ActiveTurn, message: Message) {
  const at = host.now()
  yield* Metric.update(turnsStarted, 1)
  yield* Effect.logDebug("turn started")
  host.facts.running = true
  host.facts.systemError = false
  yield* resolved(host, host.services.serverRequests.cancelThread(host.id, TurnTransition))
  yield* host.statusChanged
  const turnStarted = { ...startingTurn(turn), startedAt: seconds(at) }
  yield* host.commit(
    [{ _tag: "TurnStarted", at, turnId: turn.id, rootTurnId: turn.rootTurnId }],
    [{ method: "turn/started", params: { threadId: host.id, turn: turnStarted } }]
  )
  yield* hear(host, turn, message)
})

/** The turn as turn/start answers it. */
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

const requestOf = (host: ThreadContext, turn: ActiveTurn, caller: ClientIdentity): ModelRequest => {
  const { settings, origin, conversation } = host.state
  return {
    threadId: origin.id,
    sessionId: origin.sessionId,
    turnId: turn.id,
    rootTurnId: turn.rootTurnId,
    provider: settings.modelProvider,
    ...(host.provider === undefined ? {} : { providerInfo: host.provider }),
    model: settings.model,
    effort: settings.effort,
    summary: settings.summary,
    prompt: turn.prompt,
    input: [...host.preamble, ...conversation],
    tools: host.tools.map((tool) => tool.spec),
    parallelToolCalls: true,
    outputSchema: turn.options.outputSchema,
    originator: caller.originator,
    userAgent: caller.userAgent,
    metadata: turn.options.metadata
  }
}

/** UTF-16 units of a call's input; a tool may take less. */
const MaxInput = 1024 * 1024

const runTool = (
  host: ThreadContext,
  turn: ActiveTurn,
  call: ToolCall,
  span: Tracer.AnySpan | undefined
): Effect.Effect<ToolOutput, TurnCancelled> => {
  const tool = host.tools.find(({ spec }) => spec.name === call.name)
  if (tool === undefined || call.namespace !== null) {
    return Effect.succeed({ text: `unsupported call: ${call.name}`, success: false })
  }
  if (call.input.length > MaxInput) {
    return Effect.succeed({ text: `the input of ${call.name} is longer than ${MaxInput} characters`, success: false })
  }
  const { cwd, approvalPolicy, sandboxPolicy } = host.state.settings
  const running = tool.run(call, {
    threadId: host.id,
    turnId: turn.id,
    cwd,
    approvalPolicy,
    sandboxPolicy,
    itemStarted: (item) => host.itemStarted(turn.id, item),
    itemCompleted: (item) => host.itemCompleted(turn.id, item),
    notify: (method, params) => host.notify(method, params),
    approveCommand: (item, approval) => approveCommand(host, turn.id, item, approval)
  })
  return TurnSpans.toolCall(running, call, span)
}

const output = (
  host: ThreadContext,
  turn: ActiveTurn,
  callId: string,
  custom: boolean,
  text: string
): Effect.Effect<void> => {
  turn.openCalls.delete(callId)
  const item = {
    type: custom ? "custom_tool_call_output" : "function_call_output",
    call_id: callId,
    output: text
  } as const
  return host.commit([host.entry(item)])
}

/** One answer with the tools it calls. True when the model has to be asked again. */
const step = Effect.fnUntraced(function* (
  host: ThreadContext,
  turn: ActiveTurn,
  caller: ClientIdentity
): Effect.fn.Return<boolean, ModelError | TurnCancelled, Scope.Scope> {
  const calls: Array<Running> = []
  // Not children of the sampling fiber: calls go on when steering drops the rest of the answer.
  const scope = yield* Effect.scope
  const span = yield* Tracing.current
  const onCall = (call: ToolCall, custom: boolean) =>
    Effect.suspend(() => {
      turn.openCalls.set(call.callId, { custom, startedAt: host.now() })
      return Effect.map(Effect.forkIn(runTool(host, turn, call, span), scope, { startImmediately: true }), (fiber) => {
        calls.push({ call, custom, fiber })
      })
    })
  const request = requestOf(host, turn, caller)
  const sampled = yield* Effect.raceFirst(
    TurnSpans.modelRequest(sample(host, turn, request, onCall), request),
    Effect.as(turn.steered, null)
  ).pipe(Effect.tapError((error) => countFailure(host, turn.id, error)))
  yield* countTokens(host, turn.id, sampled?.usage ?? null)
  for (const { call, custom, fiber } of calls) {
    const { text } = yield* Fiber.join(fiber)
    yield* output(host, turn, call.callId, custom, text)
    yield* Effect.yieldNow
  }
  return calls.length > 0 || sampled?.endTurn === false
}, Effect.scoped)

const middle = Effect.fnUntraced(function* (host: ThreadContext, turn: ActiveTurn, caller: ClientIdentity) {
  // The turn may have failed before its fiber was known, and could not be interrupted then.
  if (turn.failure !== undefined) return yield* Effect.interrupt
  while ((yield* step(host, turn, caller)) || !turn.finish()) {
    for (const message of turn.takeSteering()) yield* hear(host, turn, message)
  }
})

interface Ending {
  readonly status: Exclude<TurnStatus, "inProgress">
  readonly error: TurnError | null
}

const endingOf = (turn: ActiveTurn, exit: Exit.Exit<void, ModelError | TurnCancelled>): Ending => {
  if (turn.failure !== undefined) return { status: "failed", error: turn.failure }
  if (Exit.isSuccess(exit)) return { status: "completed", error: null }
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error instanceof TurnCancelled || Cause.hasInterruptsOnly(exit.cause))
    return { status: "interrupted", error: null }
  return {
    status: "failed",
    error: {
      message: error?.message ?? "the turn ended because of an internal error",
      codexErrorInfo: error?.info ?? "other",
      additionalDetails: error?.details ?? null,
      misalignment: null
    }
  }
}

const counted = Effect.fnUntraced(function* (host: ThreadContext, turn: ActiveTurn, { status }: Ending, at: number) {
  yield* Metric.update(turnsEnded[status], 1)
  yield* Metric.update(turnDuration, (at - startOf(host, turn, at)) / 1000)
  yield* Effect.logDebug(`turn ${status}`)
})

/** What the model has to know of a turn that did not finish, when it is asked the next time. */
const closeConversation = Effect.fnUntraced(function* (host: ThreadContext, turn: ActiveTurn, ending: Ending) {
  const now = host.now()
  for (const [callId, { custom, startedAt }] of Array.from(turn.openCalls)) {
    const text = `Wall time: ${((now - startedAt) / 1000).toFixed(1)} seconds\naborted by user`
    yield* output(host, turn, callId, custom, text)
  }
  if (ending.status !== "interrupted") return
  yield* host.commit([
    host.entry({ type: "message", role: "user", content: [{ type: "input_text", text: interruptedNotice }] })
  ])
})

const end = Effect.fnUntraced(function* (
  host: ThreadContext,
  turn: ActiveTurn,
  exit: Exit.Exit<void, ModelError | TurnCancelled>
) {
  const ending = endingOf(turn, exit)
  if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) yield* Effect.logError("turn died", exit.cause)
  const at = host.now()
  yield* counted(host, turn, ending, at)
  turn.close()
  for (const message of turn.takeSteering()) yield* hear(host, turn, message)
  yield* closeConversation(host, turn, ending)
  Deferred.doneUnsafe(turn.stopped, Exit.void)
  const unanswered = host.services.serverRequests.cancelThread(host.id, TurnTransition)
  host.facts.running = false
  host.facts.pendingApprovals = 0
  host.facts.pendingQuestions = 0
  host.facts.systemError = ending.status === "failed"
  yield* host.statusChanged
  if (ending.error !== null) {
    yield* host.notify("error", { error: ending.error, willRetry: false, threadId: host.id, turnId: turn.id })
  }
  yield* host.commit(
    [{ _tag: "TurnEnded", at, turnId: turn.id, ...ending }],
    [{ method: "turn/completed", params: { threadId: host.id, turn: completedTurn(host, turn, ending, at) } }]
  )
  yield* resolved(host, unanswered)
})

/** Unix milliseconds; `at` for a turn that never came so far. */
const startOf = (host: ThreadContext, turn: ActiveTurn, at: number): number =>
  turnOf(host.state, turn.id)?.startedAt ?? at

/** The end of a turn carries its answer, so that who missed the stream can stop. */
const completedTurn = (host: ThreadContext, turn: ActiveTurn, ending: Ending, at: number): Turn => {
  const startedAt = startOf(host, turn, at)
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

/** Runs a turn to its end, whatever happens in it. `onEnd` is called when the thread may take another. */
export const run = (
  host: ThreadContext,
  turn: ActiveTurn,
  message: Message,
  caller: ClientIdentity,
  onEnd: () => void
): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) => {
    const exit = Effect.exit(Effect.andThen(begin(host, turn, message), restore(middle(host, turn, caller))))
    const whole = Effect.flatMap(exit, (exit) => Effect.andThen(end(host, turn, exit), exit))
    // How it ended is told by now; the failure is for the span alone.
    return Effect.exit(TurnSpans.turn(whole, host, turn, (exit) => endingOf(turn, exit).status)).pipe(
      Effect.andThen(
        Effect.sync(() => {
          onEnd()
          Deferred.doneUnsafe(turn.ended, Exit.void)
        })
      ),
      Effect.annotateLogs({ thread: host.id, turn: turn.id })
    )
  })
