/**
 * A turn that goes on after a crash: see `Recovery` for when and why.
 *
 * ```
 *  pending requests, offered again ─► their calls run again ─► a note for the model ─► as any turn of a user
 * ```
 *
 * The requests are pending before a client can subscribe. A client that resumes the thread gets each of them once, with its
 * id; the call that asked before waits for the answer, and asks nothing (`Questions`). A request that its call does not take
 * over, because the rules have changed, is withdrawn when the call is over.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { ServerRequestMethod } from "../../../protocol/Methods.ts"
import { serverRequestTable } from "../../../protocol/Methods.ts"
import type { Turn } from "../../../protocol/v2/turn/Turn.ts"
import * as Tracing from "../../observability/Tracing.ts"
import type { ToolCall, TurnCancelled } from "../../tool/Tool.ts"
import { callInConversation, claimedTurn, cutCall } from "../Recovery.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import { callOf, type OpenRequest, type TurnClaim, type TurnState } from "../ThreadState.ts"
import type { RestoredRequest } from "./ActiveTurn.ts"
import { recordAccepted, recordAnswered, recordOutput } from "./Recording.ts"
import { runCall } from "./ToolCalls.ts"
import { noOpening, TaskFailed, type TurnStep, type TurnTask } from "./TurnTask.ts"
import { promptOf } from "./UserMessage.ts"
import { recordAdded, userTask } from "./UserTurn.ts"

const note =
  "<server_restarted>\nThe server stopped during this turn and has restarted. Continue where you were. A call without a result may have run in part, in full, or not at all: check before you repeat it. Commands that were running have ended.\n</server_restarted>"

/** A call that runs again, with its pending request. */
interface RestoredCall {
  readonly call: ToolCall
  readonly custom: boolean
  readonly request: RestoredRequest
}

const isKnown = (method: string): method is ServerRequestMethod => Object.hasOwn(serverRequestTable, method)

/** Makes the request pending again; undefined when its call cannot run again. */
const restoredCall = (context: ThreadContext, open: OpenRequest): RestoredCall | undefined => {
  const { method, params, requestId } = open
  const item = callInConversation(context.state, callOf(open) ?? "")
  if (item === undefined || !isKnown(method)) return undefined
  const namespace = item.namespace ?? null
  if (context.findTool(item.name, namespace)?.asksFirst !== true) return undefined
  const asked = context.services.serverRequests.restore(context.id, requestId, method, params)
  if (asked === undefined) return undefined
  const custom = item.type === "custom_tool_call"
  const input = item.type === "custom_tool_call" ? item.input : item.arguments
  const call = { callId: item.call_id, name: item.name, namespace, input }
  return { call, custom, request: { ...asked, method, params } }
}

/** Restores the requests. Those that cannot be restored are closed, and their calls get an output. */
const restore = Effect.fnUntraced(function* (context: ThreadContext) {
  const restored: Array<RestoredCall> = []
  for (const open of context.state.openRequests) {
    const call = restoredCall(context, open)
    if (call !== undefined) {
      restored.push(call)
      continue
    }
    const item = callInConversation(context.state, callOf(open) ?? "")
    const at = context.now()
    yield* context.commit([{ _tag: "RequestClosed", at, requestId: open.requestId }])
    if (item === undefined) continue
    const type = item.type === "custom_tool_call" ? "custom_tool_call_output" : "function_call_output"
    yield* context.commit([context.entry({ type, call_id: item.call_id, output: cutCall })])
  }
  return restored
})

/** Runs the calls again, concurrently, and records their outputs. */
const finishCalls = Effect.fnUntraced(function* (
  { context, turn }: TurnStep,
  calls: ReadonlyArray<RestoredCall>,
  scope: Scope.Scope
): Effect.fn.Return<void, TurnCancelled> {
  const span = yield* Tracing.current
  for (const { call, custom, request } of calls) {
    turn.openCalls.set(call.callId, { custom, startedAt: context.now() })
    turn.restored.set(call.callId, request)
  }
  const fibers = yield* Effect.forEach(calls, ({ call }) =>
    Effect.forkIn(runCall(context, turn, call, span), scope, { startImmediately: true })
  )
  for (const [index, { call, custom, request }] of calls.entries()) {
    const fiber = fibers[index]
    if (fiber === undefined) continue
    const output = yield* Fiber.join(fiber)
    if (turn.restored.delete(call.callId) && context.services.serverRequests.withdraw(request.id)) {
      yield* recordAnswered(context, request.id)
    }
    yield* recordOutput(context, turn, call.callId, custom, output)
  }
})

const scopedCalls = (at: TurnStep, calls: ReadonlyArray<RestoredCall>): Effect.Effect<void, TurnCancelled> =>
  Effect.acquireUseRelease(Scope.make("parallel"), (scope) => finishCalls(at, calls, scope), Scope.close)

/** What the turn remembers of its items. */
const remember = ({ turn }: TurnStep, { items }: TurnState): void => {
  turn.lastAgentMessage = items.findLast(({ type }) => type === "agentMessage") ?? null
  const message = items.findLast((item) => item.type === "userMessage")
  if (message !== undefined) turn.prompt = promptOf(message.content)
}

const taskOf = (claim: TurnClaim, state: TurnState, calls: ReadonlyArray<RestoredCall>): TurnTask => {
  const { metadata, originator, outputSchema, userAgent } = claim
  const user = userTask({
    message: { input: [], clientId: null },
    options: { outputSchema, metadata },
    caller: { originator, userAgent },
    opening: noOpening
  })
  const run = Effect.fnUntraced(function* (at: TurnStep) {
    remember(at, state)
    yield* scopedCalls(at, calls)
    const content = [{ type: "input_text" as const, text: note }]
    yield* at.context.commit([at.context.entry({ type: "message", role: "user", content })])
    yield* recordAccepted(at.context, at.turn)
    yield* recordAdded(at)
    yield* user.run(at)
  })
  return { kind: "user", steerable: true, opening: noOpening, message: null, isRecovered: true, run }
}

/** A turn whose attempt cannot be stored ends. */
const failing = (message: string): TurnTask => ({
  kind: "user",
  steerable: true,
  opening: noOpening,
  message: null,
  isRecovered: true,
  run: () => Effect.fail(new TaskFailed({ message }))
})

/** Continues the turn that loading has left running, if there is one. Runs before clients can find the thread. */
export const goOn = Effect.fnUntraced(function* (
  context: ThreadContext,
  run: (turn: Pick<Turn, "id" | "rootTurnId">, task: TurnTask) => Effect.Effect<void>
) {
  const turn = claimedTurn(context.state)
  const { claim } = context.state
  if (turn === undefined || claim === null) return
  const counted = yield* Effect.result(context.journal.recover)
  if (counted._tag === "Failure") return yield* run(turn, failing(counted.failure.message))
  yield* Effect.logInfo(`a turn goes on after a restart, attempt ${claim.attempt}`).pipe(
    Effect.annotateLogs({ thread: context.id, turn: turn.id })
  )
  yield* run(turn, taskOf(claim, turn, yield* restore(context)))
})
