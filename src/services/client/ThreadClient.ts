/**
 * One thread, as a program uses it: turns as streams, and their final answers.
 *
 * Owns which events belong to a thread and to a turn, and what a turn's events amount to. Does not own the life of a turn's
 * stream (TurnStream).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ResultOf } from "../../protocol/Methods.ts"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ThreadTokenUsage } from "../../protocol/v2/thread/Thread.ts"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import type { ClientError, ConsumerTooSlow } from "./ClientError.ts"
import type { ConsumerOptions } from "./EventConsumer.ts"
import type { Fallback } from "./ServerRequestDesk.ts"
import { threadOf } from "./ThreadSubscriptions.ts"
import type { TurnFailed } from "./TurnFailed.ts"
import * as TurnStream from "./TurnStream.ts"

export { TurnFailed } from "./TurnFailed.ts"
export type { ThreadEvent, TurnInput, TurnOptions } from "./TurnStream.ts"

/** Why a turn's stream fails. */
export type TurnProblem = TurnFailed | ClientError | ConsumerTooSlow

/** What a completed turn amounts to. */
export interface TurnResult {
  /** The final answer: the text of the last message of the agent. Empty when there was none. */
  readonly text: string
  /** The completed items, in the order in which they were completed. */
  readonly items: ReadonlyArray<ThreadItem>
  /** The tokens that the thread has used, as last reported in the turn; null when nothing was reported. */
  readonly usage: ThreadTokenUsage | null
  /** The turn at its end. Its `items` are those of the notification: at most the final message. */
  readonly turn: Turn
}

/** The other parameters of `turn/start`, and what happens with requests of the server. */
export interface RunOptions extends TurnStream.TurnOptions {
  /**
   * What happens with a server request of the turn that no consumer in this program receives. `reject`: it fails with -32601.
   * `wait`: it stays pending, for another client of the thread or a later reader of events. Default: `reject`.
   */
  readonly unanswered?: "reject" | "wait"
}

/**
 * A thread that this client may use. It needs no closing. The client must be subscribed to the thread: it is after
 * `startThread` and `resumeThread`, not for an id alone.
 *
 * @example
 * ```ts
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 * import { AppServerClient } from "spindle-app-server"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* AppServerClient.AppServerClient
 *   const thread = yield* client.startThread({ sandbox: "read-only" })
 *   const { text } = yield* thread.run("What does this project do?")
 *   yield* Console.log(text)
 *   yield* thread.turn("Shorter, please.").pipe(Stream.runForEach((event) => Console.log(event._tag)))
 * })
 * ```
 */
export interface ThreadClient {
  readonly id: string
  /**
   * Starts a turn and streams its events: its notifications, and the server requests of the thread that have no handler,
   * which the program has to answer. The last event is `turn/completed`; then the stream ends, or fails with `TurnFailed`.
   * It is subscribed before the turn starts and misses nothing.
   *
   * A stream that ends earlier, because it is interrupted, abandoned or too slow, interrupts the turn and waits up to five
   * seconds for its end. If a turn is already active, the input is added to it and the stream has its further events; then
   * the turn is interrupted only when the last of this client's streams of the turn ends early.
   */
  readonly turn: (
    input: TurnStream.TurnInput,
    options?: TurnStream.TurnOptions
  ) => Stream.Stream<TurnStream.ThreadEvent, TurnProblem>
  /**
   * Runs a turn and returns its result. Server requests of the turn that neither a handler nor another consumer receives are
   * rejected with -32601, so that the turn does not wait indefinitely; see `RunOptions.unanswered`.
   */
  readonly run: (input: TurnStream.TurnInput, options?: RunOptions) => Effect.Effect<TurnResult, TurnProblem>
  /**
   * Adds input to the active turn. The turn is the one of this client's streams, unless another id is given. Fails with the
   * server's error when that turn is not active.
   */
  readonly steer: (
    input: TurnStream.TurnInput,
    options?: {
      /** Default: the turn of this client's streams. */
      readonly turnId?: string
    }
  ) => Effect.Effect<ResultOf<"turn/steer">, ClientError>
  /** Interrupts the active turn, whichever client started it. Completes when it has stopped, also when there is none. */
  readonly interrupt: Effect.Effect<void, ClientError>
  /**
   * The thread's notifications and server requests from the moment on at which the stream runs, of all turns, including those
   * of other clients. Ends with the connection.
   */
  readonly events: (options?: ConsumerOptions) => Stream.Stream<TurnStream.ThreadEvent, ConsumerTooSlow>
}

const isThreadEvent = TurnStream.isThreadEvent

/** Rejects the requests of this client's turns in a thread that no consumer receives. */
const rejecting =
  (core: TurnStream.Core, threadId: string): Fallback =>
  ({ method, params }) =>
    threadOf(params) === threadId && core.turns.mayBe(threadId, TurnStream.turnOf(params))
      ? { code: ErrorCode.MethodNotFound, message: `the client has no handler for \`${method}\`` }
      : undefined

const resultOf = (turn: Turn, items: ReadonlyArray<ThreadItem>, usage: ThreadTokenUsage | null): TurnResult => {
  const messages = [...turn.items, ...items].filter((item) => item.type === "agentMessage")
  return { text: messages.at(-1)?.text ?? "", items, usage, turn }
}

const run = (
  core: TurnStream.Core,
  threadId: string,
  input: TurnStream.TurnInput,
  { unanswered = "reject", ...options }: RunOptions
) =>
  Effect.gen(function* () {
    if (unanswered === "reject") yield* core.desk.fallBack(rejecting(core, threadId))
    const items: Array<ThreadItem> = []
    let usage: ThreadTokenUsage | null = null
    let turn: Turn | undefined
    yield* Stream.runForEach(TurnStream.make(core, threadId, input, options, { requests: false }), (event) =>
      Effect.sync(() => {
        if (event._tag !== "ServerNotification") return
        const { notification } = event
        if (notification.method === "item/completed") items.push(notification.params.item)
        else if (notification.method === "thread/tokenUsage/updated") usage = notification.params.tokenUsage
        else if (notification.method === "turn/completed") turn = notification.params.turn
      })
    )
    // Without the notification, after a reconnect, the server was asked.
    return resultOf(turn ?? (yield* TurnStream.lastTurn(core, threadId)), items, usage)
  }).pipe(Effect.scoped)

/**
 * The client of one thread.
 *
 * @internal
 */
export const make = (core: TurnStream.Core, threadId: string): ThreadClient => ({
  id: threadId,
  turn: (input, options = {}) => TurnStream.make(core, threadId, input, options, { requests: true }),
  run: (input, options = {}) => run(core, threadId, input, options),
  steer: (input, options = {}) =>
    Effect.suspend(() =>
      core.request("turn/steer", {
        threadId,
        input: TurnStream.inputOf(input),
        // Without a turn the server refuses any id.
        expectedTurnId: options.turnId ?? core.turns.activeIn(threadId) ?? "none"
      })
    ),
  interrupt: Effect.asVoid(core.request("turn/interrupt", { threadId, turnId: "" })),
  events: (options = {}) =>
    TurnStream.eventsOf(core.hub, TurnStream.ofThread(threadId, true), { name: `thread ${threadId}`, ...options }).pipe(
      Stream.filter(isThreadEvent)
    )
})
