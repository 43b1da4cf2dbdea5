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
import type { ActiveTurn } from "./ActiveTurn.ts"

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

/** Ends a request that its tool no longer waits for. The end of the turn cancels its requests itself. */
const withdraw = (context: ThreadContext, turn: ActiveTurn, requestId: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (turn.isCut || turn.isOver || !context.services.serverRequests.withdraw(requestId)) return Effect.void
    return context.notify("serverRequest/resolved", { threadId: context.id, requestId })
  })

/** Sends the requests of one turn. */
export const askIn = (context: ThreadContext, turn: ActiveTurn): ToolTurn["ask"] =>
  Effect.fnUntraced(function* <M extends ServerRequestMethod>(
    method: M,
    params: AskParams<M>,
    options: AskOptions<M> = {}
  ): Effect.fn.Return<ServerRequestResult<M>, AskFailed> {
    if (turn.isOver) return yield* new AskFailed({ method, reason: "turnTransition" })
    const waiting = kinds[method]?.waiting
    const full = complete(context, turn, method, params)
    if (waiting !== undefined) context.facts[waiting]++
    const settle = Effect.sync(() => {
      // The end of the turn has already set the facts.
      if (waiting !== undefined && !turn.isOver) context.facts[waiting]--
    })
    const answered = Effect.gen(function* () {
      yield* context.statusChanged
      if (options.item !== undefined) {
        const startedAtMs = "startedAtMs" in full ? Number(full.startedAtMs) : context.now()
        yield* context.itemStarted(turn.id, { ...options.item, startedAtMs })
      }
      const asked = yield* context.services.serverRequests.ask(context.id, method, full)
      const answer = yield* Effect.exit(Effect.onInterrupt(asked.answer, () => withdraw(context, turn, asked.id)))
      yield* context.notify("serverRequest/resolved", { threadId: context.id, requestId: asked.id })
      return answer
    })
    const unflagged = Effect.suspend(() => (turn.isCut || turn.isOver ? Effect.void : context.statusChanged))
    const answer = yield* answered.pipe(
      Effect.ensuring(settle),
      Effect.onInterrupt(() => unflagged)
    )
    const result = Exit.isFailure(answer)
      ? yield* Effect.result(Effect.fail(failureOf(method, answer.cause)))
      : yield* Effect.result(decode(method, answer.value))
    const goesOn = result._tag === "Success" && options.accepts?.(result.success) !== false
    if (goesOn || options.item === undefined) yield* context.statusChanged
    return yield* Effect.fromResult(result)
  })
