/**
 * The stream of one turn's events.
 *
 * Owns which events belong to the turn, the end of the stream, and the interruption of a turn whose stream ends early.
 *
 * ```
 *  subscribe ─► turn/start ─► events of the turn ─► turn/completed ─► end, or TurnFailed
 *                  │               └─ ended early: turn/interrupt, unless another stream follows the turn
 *                  └─ interrupted: when the answer arrives, turn/interrupt
 * ```
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import * as CauseOf from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Pull from "effect/Pull"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ParamsInputOf } from "../../protocol/Methods.ts"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import type { RequestHandle } from "./RequestHandle.ts"
import { type ClientError, type ConsumerTooSlow, TransportError } from "./ClientError.ts"
import type { ClientEvent } from "./ClientEvent.ts"
import type { ConsumerOptions, EventConsumer, Selection } from "./EventConsumer.ts"
import type { EventHub } from "./EventHub.ts"
import type { ServerRequestDesk } from "./ServerRequestDesk.ts"
import { threadOf } from "./ThreadSubscriptions.ts"
import { TurnFailed } from "./TurnFailed.ts"

/** Text, or the content of a user's message. */
export type TurnInput = string | ParamsInputOf<"turn/start">["input"]

/** The other parameters of `turn/start`. */
export type TurnOptions = Omit<ParamsInputOf<"turn/start">, "threadId" | "input">

/** A notification of a thread, or a request of the server about it. */
export type ThreadEvent = Extract<ClientEvent, { readonly _tag: "ServerNotification" | "ServerRequest" }>

/** The turns that this client's streams follow. */
export class FollowedTurns {
  readonly #turns = new Map<string, { readonly threadId: string; streams: number }>()

  add(threadId: string, turnId: string): void {
    const turn = this.#turns.get(turnId)
    if (turn === undefined) this.#turns.set(turnId, { threadId, streams: 1 })
    else turn.streams++
  }

  /** True when no stream follows the turn any more. */
  remove(turnId: string): boolean {
    const turn = this.#turns.get(turnId)
    if (turn === undefined || --turn.streams > 0) return false
    return this.#turns.delete(turnId)
  }

  has(turnId: string): boolean {
    return this.#turns.has(turnId)
  }

  /** Whether a request is about a turn of this client. A request may precede the answer that has the turn's id. */
  mayBe(threadId: string, turnId: string | undefined): boolean {
    return turnId === undefined || this.has(turnId) || this.activeIn(threadId) === undefined
  }

  /** The turn of a thread that was started last. */
  activeIn(threadId: string): string | undefined {
    return Array.from(this.#turns).findLast(([, turn]) => turn.threadId === threadId)?.[0]
  }
}

/** What the clients of threads need of their client. */
export interface Core {
  readonly hub: EventHub
  readonly desk: ServerRequestDesk
  readonly request: RequestHandle["request"]
  readonly turns: FollowedTurns
  /** The client's. */
  readonly scope: Scope.Scope
}

/** How long the end of a stream waits for the turn to stop. */
const InterruptPatience = "5 seconds"

export const inputOf = (input: TurnInput): ParamsInputOf<"turn/start">["input"] =>
  typeof input === "string" ? [{ type: "text", text: input }] : input

export const isThreadEvent = (event: ClientEvent): event is ThreadEvent =>
  event._tag === "ServerNotification" || event._tag === "ServerRequest"

/** Selects the events of a thread, and those about its connection. */
export const ofThread = (threadId: string, requests: boolean): Selection => ({
  isReader: false,
  accepts: (event) => {
    switch (event._tag) {
      case "ServerNotification":
        return threadOf(event.notification.params) === threadId
      case "ServerRequest":
        return requests && threadOf(event.request.params) === threadId
      case "Reconnected":
        return event.thread?.id === threadId
      case "Disconnected":
        return true
      default:
        return false
    }
  }
})

/** A consumer of its own for each run. */
export const eventsOf = (
  hub: EventHub,
  selection: Selection,
  options?: ConsumerOptions
): Stream.Stream<ClientEvent, ConsumerTooSlow> =>
  Stream.unwrap(Effect.map(hub.subscribe(selection, options), (consumer) => readFrom(hub, consumer)))

/** One event at a time, so that what the stream's consumer does not take stays with the hub. */
export const readFrom = (hub: EventHub, consumer: EventConsumer): Stream.Stream<ClientEvent, ConsumerTooSlow> =>
  Stream.fromPull(Effect.succeed(Effect.map(hub.next(consumer), (event) => [event] as const)))

const textIn = (value: unknown, name: string): string | undefined =>
  Predicate.hasProperty(value, name) && typeof value[name] === "string" ? value[name] : undefined

/** The turn of an event; undefined for an event of the thread. */
export const turnOf = (params: unknown): string | undefined =>
  textIn(params, "turnId") ?? (Predicate.hasProperty(params, "turn") ? textIn(params.turn, "id") : undefined)

const belongs = (event: ThreadEvent, turnId: string): boolean => {
  if (event._tag === "ServerRequest") return (turnOf(event.request.params) ?? turnId) === turnId
  const { method, params } = event.notification
  return method === "serverRequest/resolved" || turnOf(params) === turnId
}

const gone = (detail: string) => new TransportError({ method: "turn/start", reason: { _tag: "Closed" }, detail })

type Outcome = Effect.Effect<never, Cause.Done | TurnFailed>

const outcomeOf = (threadId: string, { error, id: turnId, status }: Turn): Outcome => {
  if (status === "completed" || status === "inProgress") return CauseOf.done()
  if (status === "interrupted") {
    return Effect.fail(new TurnFailed({ threadId, turnId, reason: { _tag: "Interrupted" } }))
  }
  const unknown = { message: "the server reports no error", codexErrorInfo: null, additionalDetails: null }
  return Effect.fail(
    new TurnFailed({ threadId, turnId, reason: { _tag: "Failed", error: error ?? { ...unknown, misalignment: null } } })
  )
}

/** Interrupts a turn, if it is still active. */
const interrupt = (core: Core, threadId: string, turnId: string): Effect.Effect<void> =>
  Effect.interruptible(core.request("turn/interrupt", { threadId, turnId })).pipe(
    Effect.timeoutOption(InterruptPatience),
    Effect.ignore
  )

/** A turn that a stream follows. */
interface Followed {
  readonly threadId: string
  readonly turnId: string
  /** Set when the turn has ended, or is lost. */
  outcome: Effect.Effect<never, Cause.Done | TurnFailed | ClientError> | undefined
}

/** Starts the turn. Its end is the stream's business from then on, even if the stream is interrupted before the answer. */
const start = (core: Core, params: ParamsInputOf<"turn/start">) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { threadId } = params
      const asking = yield* Effect.forkIn(Effect.interruptible(core.request("turn/start", params)), core.scope, {
        startImmediately: true
      })
      const abandon = Effect.flatMap(Fiber.await(asking), (exit) =>
        Exit.isSuccess(exit) && !core.turns.has(exit.value.turn.id)
          ? interrupt(core, threadId, exit.value.turn.id)
          : Effect.void
      )
      const exit = yield* Effect.onInterrupt(restore(Fiber.await(asking)), () => Effect.forkIn(abandon, core.scope))
      if (Exit.isFailure(exit) && CauseOf.hasInterruptsOnly(exit.cause)) return yield* gone("the client is closed")
      const { turn } = yield* exit
      const followed: Followed = { threadId, turnId: turn.id, outcome: undefined }
      core.turns.add(threadId, turn.id)
      yield* Effect.addFinalizer(() =>
        core.turns.remove(turn.id) && followed.outcome === undefined ? interrupt(core, threadId, turn.id) : Effect.void
      )
      return followed
    })
  )

/** The thread's newest turn. */
export const lastTurn = (core: Core, threadId: string): Effect.Effect<Turn, ClientError> =>
  Effect.flatMap(core.request("thread/read", { threadId, includeTurns: true }), ({ thread }) => {
    const turn = thread.turns.at(-1)
    return turn === undefined ? Effect.fail(gone("the thread has no turn")) : Effect.succeed(turn)
  })

/** Asks for a turn whose events were missed. */
const resync = (core: Core, followed: Followed): Effect.Effect<void, ClientError> =>
  Effect.map(core.request("thread/read", { threadId: followed.threadId, includeTurns: true }), ({ thread }) => {
    const turn = thread.turns.find(({ id }) => id === followed.turnId)
    if (turn !== undefined && turn.status !== "inProgress") followed.outcome = outcomeOf(followed.threadId, turn)
  })

type Next = Pull.Pull<readonly [ThreadEvent], TurnFailed | ClientError | ConsumerTooSlow>

/** Processes an event; undefined to continue with the next one. */
const step = (
  core: Core,
  followed: Followed,
  event: ClientEvent
): Effect.Effect<ThreadEvent | undefined, ClientError> => {
  const { threadId, turnId } = followed
  switch (event._tag) {
    case "Disconnected":
      followed.outcome = Effect.fail(gone(event.message))
      return Effect.undefined
    case "Reconnected":
      if (event.thread?.continuity === "resync") return Effect.as(resync(core, followed), undefined)
      if (event.thread?.continuity === "lost") {
        followed.outcome = Effect.fail(new TurnFailed({ threadId, turnId, reason: { _tag: "Lost" } }))
      }
      return Effect.undefined
    case "ServerRequest":
      return Effect.succeed(belongs(event, turnId) ? event : undefined)
    case "ServerNotification": {
      if (!belongs(event, turnId)) return Effect.undefined
      const { notification } = event
      if (notification.method === "turn/completed") followed.outcome = outcomeOf(threadId, notification.params.turn)
      return Effect.succeed(event)
    }
    default:
      return Effect.undefined
  }
}

/** Starts a turn and streams its events. With `requests`, the server requests of the thread are among them. */
export const make = (
  core: Core,
  threadId: string,
  input: TurnInput,
  options: TurnOptions,
  { requests }: { readonly requests: boolean }
): Stream.Stream<ThreadEvent, TurnFailed | ClientError | ConsumerTooSlow> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const consumer = yield* core.hub.subscribe(ofThread(threadId, requests), { name: `turn of thread ${threadId}` })
      const followed = yield* start(core, { ...options, threadId, input: inputOf(input) })
      const take = Effect.catchTag(core.hub.next(consumer), "Done", () => {
        followed.outcome = Effect.fail(gone("the connection ended before the turn"))
        return followed.outcome
      })
      const next: Next = Effect.suspend(() => {
        if (followed.outcome !== undefined) return followed.outcome
        return Effect.flatMap(take, (event) =>
          Effect.flatMap(step(core, followed, event), (event) =>
            event === undefined ? next : Effect.succeed([event] as const)
          )
        )
      })
      return Stream.fromPull(Effect.succeed(next))
    })
  )
