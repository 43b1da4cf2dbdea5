/**
 * Server requests of a running call. Clients rely on this order:
 *
 * ```
 *  status with the flag ─► item/started ─► request ─► (answer) ─► serverRequest/resolved ─► status without the flag
 * ```
 *
 * Owns which methods set which waiting flag of a thread. When the answer ends the call, its item completes before the status
 * changes; `ThreadContext.itemCompleted` publishes that change.
 *
 * A tool that stops waiting withdraws its request. The rest of the order is the same.
 *
 * An error or a malformed answer is not a denial: the call fails with `AskFailed`. When the turn ends first, `TurnRunner`
 * cancels the request and publishes `serverRequest/resolved` after the turn's end.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as ErrorCode from "../../../protocol/jsonrpc/ErrorCode.ts"
import {
  type ServerRequestMethod,
  type ServerRequestParams,
  type ServerRequestResult,
  serverRequestTable
} from "../../../protocol/Methods.ts"
import type { RequestError } from "../../routing/RequestError.ts"
import { AskFailed, type AskOptions, type AskParams, type ToolTurn } from "../../tool/Tool.ts"
import type { Facts } from "../ThreadStatus.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import { recordAnswered } from "./Recording.ts"
import type { ActiveTurn, RestoredRequest } from "./ActiveTurn.ts"

type Waiting = keyof Pick<Facts, "pendingApprovals" | "pendingQuestions">

interface Kind {
  /** The waiting flag of the thread. A call that the client runs sets none. */
  readonly waiting?: Waiting
  /** Whether the parameters have `startedAtMs`. */
  readonly timed?: true
}

/** The methods that belong to a turn: `threadId` and `turnId` are filled in. Other methods are sent unchanged. */
const kinds: { readonly [M in ServerRequestMethod]?: Kind } = {
  "item/commandExecution/requestApproval": { waiting: "pendingApprovals", timed: true },
  "item/fileChange/requestApproval": { waiting: "pendingApprovals", timed: true },
  "item/permissions/requestApproval": { waiting: "pendingApprovals", timed: true },
  "mcpServer/elicitation/request": { waiting: "pendingApprovals" },
  "item/tool/requestUserInput": { waiting: "pendingQuestions" },
  "item/tool/call": {}
}

const isTurnTransition = (error: RequestError): boolean =>
  typeof error.data === "object" &&
  error.data !== null &&
  "reason" in error.data &&
  error.data["reason"] === "turnTransition"

const failureOf = (method: string, cause: Cause.Cause<RequestError>): AskFailed => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error !== undefined && isTurnTransition(error)) return new AskFailed({ method, reason: "turnTransition" })
  return new AskFailed({ method, reason: error?.code === ErrorCode.Overloaded ? "overloaded" : "error" })
}

const decode = <M extends ServerRequestMethod>(
  method: M,
  value: unknown
): Effect.Effect<ServerRequestResult<M>, AskFailed> => {
  const schema: Schema.Codec<unknown, unknown> = serverRequestTable[method].result()
  const result = Schema.decodeUnknownOption(schema)(value)
  return Option.isNone(result)
    ? Effect.fail(new AskFailed({ method, reason: "malformed" }))
    : // The table declares the result of the method by this schema.
      Effect.succeed(result.value as ServerRequestResult<M>)
}

/** The complete parameters. The table declares them; a tool's parameters omit the members added here. */
const complete = <M extends ServerRequestMethod>(
  context: ThreadContext,
  turn: ActiveTurn,
  method: M,
  params: AskParams<M>
): ServerRequestParams<M> => {
  const kind = kinds[method]
  if (kind === undefined) return params as unknown as ServerRequestParams<M>
  const at = kind.timed === true ? { startedAtMs: context.now() } : undefined
  return { ...params, ...at, threadId: context.id, turnId: turn.id } as unknown as ServerRequestParams<M>
}

/** What a call may still do. */
export interface Gate {
  /** False for a call that was left behind: it publishes nothing. */
  open: boolean
  /** The call is interrupted from outside: the turn ends. */
  stopping: boolean
}

/** Whether the end of the turn has ended the request. `TurnRunner` publishes it as resolved then. */
const endedWithTurn = (turn: ActiveTurn, answer: Exit.Exit<unknown, RequestError>): boolean =>
  turn.isOver && Exit.isFailure(answer) && answer.cause.reasons.some(isTurnEnd)

const isTurnEnd = (reason: Cause.Reason<RequestError>): boolean =>
  Cause.isInterruptReason(reason) || (Cause.isFailReason(reason) && isTurnTransition(reason.error))

/** The event of a pending request. Parameters of requests are JSON. */
const openedRequest = (
  context: ThreadContext,
  turn: ActiveTurn,
  requestId: number,
  method: string,
  params: unknown
): ThreadEvent => ({
  _tag: "RequestOpened",
  at: context.now(),
  requestId,
  turnId: turn.id,
  method,
  params: params as Schema.Json
})

/** The request from before a crash that this one repeats. Each is taken once. */
const restoredFor = (turn: ActiveTurn, method: string, params: unknown): RestoredRequest | undefined => {
  for (const [callId, restored] of turn.restored) {
    if (restored.method !== method || !isSameRequest(restored.params, params)) continue
    turn.restored.delete(callId)
    return restored
  }
  return undefined
}

/** Whether two requests ask for the same. The parameters are JSON, and one was stored and read. */
const isSameRequest = (restored: unknown, params: unknown): boolean => {
  const timeless = (value: unknown) => JSON.stringify({ ...(value as object), startedAtMs: 0 })
  return timeless(restored) === timeless(params)
}

/** Records the request, sends it and waits for its answer. It is published as resolved once, whatever becomes of it. */
const answerTo = <M extends ServerRequestMethod>(
  context: ThreadContext,
  turn: ActiveTurn,
  gate: Gate,
  method: M,
  params: ServerRequestParams<M>,
  restored: RestoredRequest | undefined
): Effect.Effect<Exit.Exit<unknown, RequestError>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { serverRequests } = context.services
      const record = (requestId: number) => context.commit([openedRequest(context, turn, requestId, method, params)])
      const asked = restored ?? (yield* serverRequests.ask(context.id, method, params, record))
      const answer = yield* Effect.exit(restore(asked.answer))
      if (endedWithTurn(turn, answer)) return answer
      if (Exit.hasInterrupts(answer)) {
        serverRequests.withdraw(asked.id)
        if (gate.stopping) {
          turn.unanswered.push(asked.id)
          return answer
        }
      }
      yield* recordAnswered(context, asked.id)
      return answer
    })
  )

/** The requests of one call. */
export const askIn = (context: ThreadContext, turn: ActiveTurn, gate: Gate): ToolTurn["ask"] =>
  Effect.fnUntraced(function* <M extends ServerRequestMethod>(
    method: M,
    params: AskParams<M>,
    options: AskOptions<M> = {}
  ): Effect.fn.Return<ServerRequestResult<M>, AskFailed> {
    const checkOpen = Effect.suspend(() =>
      turn.isOver || !gate.open ? Effect.fail(new AskFailed({ method, reason: "turnTransition" })) : Effect.void
    )
    yield* checkOpen
    const waiting = kinds[method]?.waiting
    const now = complete(context, turn, method, params)
    const restored = restoredFor(turn, method, now)
    // The item started when the request was first made.
    const full = restored === undefined ? now : (restored.params as ServerRequestParams<M>)
    if (waiting !== undefined) context.facts[waiting]++
    const settle = Effect.sync(() => {
      // The end of the turn has already set the facts.
      if (waiting !== undefined && !turn.isOver) context.facts[waiting]--
    })
    const answered = Effect.gen(function* () {
      yield* context.statusChanged
      if (options.item !== undefined) {
        const startedAtMs = "startedAtMs" in full ? Number(full.startedAtMs) : context.now()
        yield* checkOpen
        yield* context.itemStarted(turn.id, { ...options.item, startedAtMs })
      }
      yield* checkOpen
      return yield* answerTo(context, turn, gate, method, full, restored)
    })
    const abandoned = Effect.suspend(() => (gate.stopping ? Effect.void : context.statusChanged))
    const answer = yield* Effect.onInterrupt(Effect.ensuring(answered, settle), () => abandoned)
    const result = Exit.isFailure(answer)
      ? yield* Effect.result(Effect.fail(failureOf(method, answer.cause)))
      : yield* Effect.result(decode(method, answer.value))
    const goesOn = result._tag === "Success" && options.accepts?.(result.success) !== false
    if (goesOn || options.item === undefined) yield* context.statusChanged
    return yield* Effect.fromResult(result)
  })
