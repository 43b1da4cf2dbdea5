/**
 * A loaded thread: what clients may do to it, and the turn it runs.
 *
 * Owns the thread's settings and its one active turn. Requests about a thread come one at a time (the scheduler's key), so
 * what is decided here is decided for good; what clients see is in the order in which it is said. Does not own the loop of
 * a turn (`thread/TurnRunner`) nor how threads come and go (Threads).
 *
 * ```
 *  idle ──startTurn──► running ──(steer, startTurn: more input)──► running ──end──► idle
 *    └─────────────────────────── closing ◄────────────────────────────┘
 * ```
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Extensions } from "../../protocol/jsonrpc/Envelope.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import type { Thread as ThreadView } from "../../protocol/v2/thread/Thread.ts"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import type { PermittedSettings } from "../config/Permitted.ts"
import type { ModelError, ModelName } from "../model/ModelProvider.ts"
import type { Subscriber } from "../routing/Subscriber.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import { settled, type Wait } from "../routing/TieredQueue.ts"
import { Extension, type Position } from "../../protocol/extensions/Sequence.ts"
import { ActiveTurn, type TurnOptions } from "./turn/ActiveTurn.ts"
import {
  InvalidInput,
  NoActiveTurn,
  ServerDraining,
  ShellUnavailable,
  ThreadClosing,
  TurnMismatch,
  TurnNotSteerable,
  type InputTooLarge
} from "./ThreadError.ts"
import type { ThreadContext } from "./ThreadContext.ts"
import type { UserCommand } from "../tool/ShellSessions.ts"
import { hasShell, joinTurn, noShell, shellTask } from "./turn/ShellTurn.ts"
import { run, startingTurn } from "./turn/TurnRunner.ts"
import type { TurnTask } from "./turn/TurnTask.ts"
import { type ClientIdentity, userTask } from "./turn/UserTurn.ts"
import { summaryOf, toThread, toTurn } from "./ThreadView.ts"
import type { ThreadStoreError } from "./ThreadStore.ts"
import { checkLength, type Message } from "./turn/UserMessage.ts"

/** A request for a turn. */
export interface TurnRequest {
  readonly message: Message
  readonly options: TurnOptions
  readonly rootTurnId: string | null
  readonly caller: ClientIdentity
  /** The settings from this turn on; null leaves them as they are. */
  readonly settings: PermittedSettings | null
}

/** Fails for a turn whose kind takes no input. */
const refuseUnsteerable = (
  active: ActiveTurn | undefined,
  purpose: "steer" | "submit"
): Effect.Effect<void, TurnNotSteerable> =>
  active === undefined || active.isClosed || active.kind.steerable
    ? Effect.void
    : Effect.fail(new TurnNotSteerable({ purpose, turnKind: active.kind.kind }))

export class Thread {
  readonly host: ThreadContext
  /** The AGENTS.md files its instructions came from. */
  readonly instructionSources: ReadonlyArray<string>
  readonly #scope: Scope.Scope
  readonly #onActivity: () => void
  #active: ActiveTurn | undefined
  #closing = false

  constructor(
    host: ThreadContext,
    instructionSources: ReadonlyArray<string>,
    scope: Scope.Scope,
    onActivity: () => void
  ) {
    this.host = host
    this.instructionSources = instructionSources
    this.#scope = scope
    this.#onActivity = onActivity
  }

  get id(): string {
    return this.host.id
  }

  get settings(): ThreadSettings {
    return this.host.state.settings
  }

  /** Whether a turn runs. */
  get isRunning(): boolean {
    return this.#active !== undefined
  }

  /** From now on the thread takes no requests. */
  close(): void {
    this.#closing = true
  }

  /** Fails while the thread is being unloaded. */
  readonly open = (resuming: boolean): Effect.Effect<void, ThreadClosing> =>
    Effect.suspend(() =>
      this.#closing ? Effect.fail(new ThreadClosing({ threadId: this.id, resuming })) : Effect.void
    )

  /** Fails where the thread's model cannot be asked at all, such as without a key. Asks it nothing. */
  get ready(): Effect.Effect<void, ModelError> {
    const { provider, services } = this.host
    return services.model.ready?.(this.settings.modelProvider, provider) ?? Effect.void
  }

  /** The model that answers whatever the thread asks for; undefined where the thread's settings decide. */
  get answersAs(): ModelName | undefined {
    return this.host.services.model.answersAs?.(this.settings.modelProvider)
  }

  /** The thread as a client reads it, with its turns in full when asked. */
  view(includeTurns: boolean): ThreadView {
    const { state, status } = this.host
    const turns = includeTurns ? state.turns.map((turn) => toTurn(turn, "full")) : []
    return toThread(summaryOf(state), status, { environments: state.settings.environments }, turns)
  }

  /**
   * Starts a turn, or adds to the one that runs. `respond` gets the turn and answers at once, before anything of a new turn is
   * told; its effect waits for room. The effect ends when the turn has begun, not when it is done.
   */
  readonly startTurn = Effect.fnUntraced(function* (
    this: Thread,
    request: TurnRequest,
    respond: (turn: Turn) => Wait
  ): Effect.fn.Return<void, ThreadClosing | InputTooLarge | ServerDraining | ThreadStoreError | TurnNotSteerable> {
    yield* this.open(false)
    yield* checkLength(request.message.input)
    // What a failed append has left behind is stored before anything new happens.
    yield* this.host.journal.recover
    if (this.#active === undefined) yield* this.#admission
    if (request.settings !== null) yield* this.#changeSettings(request.settings)
    const active = this.#active
    yield* refuseUnsteerable(active, "submit")
    if (active?.steer(request.message) === true) return yield* settled(respond(startingTurn(active)))
    if (active !== undefined) {
      yield* Deferred.await(active.ended)
      yield* Effect.andThen(this.open(false), this.#admission)
    }
    const id = yield* this.host.services.random.uuidV7()
    const task = userTask(request)
    const turn = new ActiveTurn(id, request.rootTurnId ?? id, task)
    // A turn that has been answered runs, also when its client goes before it has room for the answer.
    const answered = yield* Effect.uninterruptible(this.#begin(turn, task, () => settled(respond(startingTurn(turn)))))
    yield* answered
  }).bind(this)

  /** Answers and starts the turn, in one step. What it gives waits for room for the answer. */
  #begin(turn: ActiveTurn, task: TurnTask, respond: () => Effect.Effect<void>): Effect.Effect<Effect.Effect<void>> {
    return Effect.suspend(() => {
      this.#active = turn
      this.#onActivity()
      const answered = respond()
      const onEnd = () => {
        this.#active = undefined
        this.#onActivity()
      }
      const running = run(this.host, turn, task, onEnd)
      return Effect.map(Effect.forkIn(running, this.#scope, { startImmediately: true }), (fiber) => {
        turn.attach(fiber)
        return answered
      })
    })
  }

  /** Fails while the server drains. Turns that run may still be added to. */
  readonly #admission: Effect.Effect<void, ServerDraining> = Effect.suspend(() =>
    this.host.services.isDraining() ? Effect.fail(new ServerDraining()) : Effect.void
  )

  readonly #changeSettings = ({ value: settings }: PermittedSettings): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (JSON.stringify(settings) === JSON.stringify(this.settings)) return Effect.void
      return this.host.commit(
        [{ _tag: "SettingsChanged", at: this.host.now(), settings }],
        [{ method: "thread/settings/updated", params: { threadId: this.id, threadSettings: settings } }]
      )
    })

  #running(purpose: "steer" | "interrupt", expected: string): Effect.Effect<ActiveTurn, NoActiveTurn | TurnMismatch> {
    const active = this.#active
    if (active === undefined || active.isClosed) return Effect.fail(new NoActiveTurn({ purpose }))
    return expected !== "" && expected !== active.id
      ? Effect.fail(new TurnMismatch({ purpose, expected, found: active.id }))
      : Effect.succeed(active)
  }

  /** Adds input to the turn that runs; its id. Never starts one. */
  readonly steer = Effect.fnUntraced(function* (
    this: Thread,
    expectedTurnId: string,
    message: Message
  ): Effect.fn.Return<string, InvalidInput | InputTooLarge | NoActiveTurn | TurnMismatch | TurnNotSteerable> {
    if (expectedTurnId === "") return yield* new InvalidInput({ problem: "expectedTurnId must not be empty" })
    if (message.input.length === 0) return yield* new InvalidInput({ problem: "input must not be empty" })
    yield* checkLength(message.input)
    const active = yield* this.#running("steer", expectedTurnId)
    yield* refuseUnsteerable(active, "steer")
    if (!active.steer(message)) return yield* new NoActiveTurn({ purpose: "steer" })
    return active.id
  }).bind(this)

  /**
   * Runs a command of the user: in the turn that runs, else in a turn of its own. The result begins it and is to be run behind
   * the answer to the request; it does not wait for the command.
   */
  readonly runUserCommand = Effect.fnUntraced(function* (
    this: Thread,
    command: Omit<UserCommand, "itemId">
  ): Effect.fn.Return<
    Effect.Effect<void>,
    ThreadClosing | InputTooLarge | ServerDraining | ShellUnavailable | ThreadStoreError
  > {
    yield* this.open(false)
    yield* checkLength([{ type: "text", text: command.command, text_elements: [] }])
    yield* this.host.journal.recover
    if (this.#active === undefined) yield* this.#admission
    else if (!hasShell(this.host)) return yield* new ShellUnavailable({ detail: noShell })
    const id = yield* this.host.services.random.uuidV7()
    const begun: Effect.Effect<void> = Effect.suspend(() => {
      const active = this.#active
      if (active === undefined) {
        const task = shellTask(command)
        const turn = new ActiveTurn(id, id, task)
        return Effect.uninterruptible(Effect.asVoid(this.#begin(turn, task, () => Effect.void)))
      }
      // A turn on its way out takes nothing more: the command gets the next one.
      if (active.isClosed) return Effect.andThen(Deferred.await(active.ended), begun)
      return joinTurn(this.host, active, command)
    })
    return begun
  }).bind(this)

  /**
   * Interrupts the turn. `answer` is called when it has stopped, before its end is published; it must not wait. An empty id means
   * whichever turn runs.
   */
  readonly interrupt = Effect.fnUntraced(function* (
    this: Thread,
    turnId: string,
    answer: () => void
  ): Effect.fn.Return<void, NoActiveTurn | TurnMismatch> {
    const active = yield* this.#running("interrupt", turnId)
    active.interrupters.push(answer)
    active.interrupt()
    yield* Deferred.await(active.ended)
  }).bind(this)

  /**
   * Subscribes a connection and hands it what it needs to go on: the answer, then what it missed or else `welcome`, then
   * what is asked and still unanswered, then what happens. In one step, so that it misses nothing and is told nothing twice.
   */
  subscribeWithSnapshot(
    connection: Subscriber,
    after: Position | undefined,
    welcome: ReadonlyArray<OutboundMessage>,
    respond: (following: ReadonlyArray<OutboundMessage>, extensions?: Extensions) => Wait
  ): Wait {
    const { router, serverRequests } = this.host.services
    const missed = after === undefined ? undefined : router.missed(this.id, connection, after)
    router.subscribe(this.id, connection)
    const following = [...(missed ?? welcome), ...serverRequests.askAgain(this.id, connection)]
    if (connection.session?.sequenced !== true) return respond(following)
    const position = router.position(this.id)
    return respond(following, {
      [Extension]: after === undefined ? position : { ...position, resync: missed === undefined }
    })
  }

  /** The store cannot be written to: the running turn ends as failed. */
  failTurn(error: ThreadStoreError): void {
    this.#active?.fail({ message: error.message, codexErrorInfo: "other", additionalDetails: null, misalignment: null })
  }

  /** Interrupts what runs and waits for its end. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    this.close()
    const fiber = this.#active?.fiber
    return fiber === undefined ? Effect.void : Effect.asVoid(Fiber.interrupt(fiber))
  })
}
