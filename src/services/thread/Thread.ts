/**
 * A loaded thread: its operations and its turn.
 *
 * Owns the thread's one active turn and changes of its settings. Only data crosses its boundary: commands come in, and numbered
 * events go out through the thread's journal. It knows no connection; receivers of events subscribe at the router. Does not own
 * the loop of a turn (`turn/TurnRunner`) nor the loading of threads (`Threads`).
 *
 * ```
 *  idle ──accept, begin──► running ──(steer, accept: more input)──► running ──end──► idle
 *    └──────────────────────────── closing ◄────────────────────────────┘
 * ```
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import type { Thread as ThreadView, ThreadStatus } from "../../protocol/v2/thread/Thread.ts"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import type { PermittedSettings } from "../config/Permitted.ts"
import type { ModelError, ModelName } from "../model/ModelProvider.ts"
import {
  type AcceptedCommand,
  type AcceptedTurn,
  isQueued,
  openingOf,
  refuseUnsteerable,
  type TurnRequest,
  type Unaccepted
} from "./turn/Accepted.ts"
import { ActiveTurn } from "./turn/ActiveTurn.ts"
import {
  InvalidInput,
  NoActiveTurn,
  ShellUnavailable,
  type ThreadClosing,
  TurnMismatch,
  type TurnNotSteerable,
  type InputTooLarge
} from "./ThreadError.ts"
import type { ThreadContext } from "./ThreadContext.ts"
import type { ThreadShell, UserCommand } from "../tool/ShellSessions.ts"
import { hasShell, joinTurn, noShell, shellTask } from "./turn/ShellTurn.ts"
import { run, startingTurn } from "./turn/TurnRunner.ts"
import { ThreadGate } from "./ThreadGate.ts"
import { GoalRunner } from "./turn/GoalRunner.ts"
import { QueueRunner } from "./turn/QueueRunner.ts"
import { addInput } from "./turn/Recording.ts"
import { PendingKeys } from "./turn/PendingKeys.ts"
import type { TurnTask } from "./turn/TurnTask.ts"
import { userTask } from "./turn/UserTurn.ts"
import type { TurnActivity } from "./RunningTurns.ts"
import { type ThreadState, turnOf } from "./ThreadState.ts"
import { AwaitsClients, type Changed, type Decision } from "./ThreadJournal.ts"
import { loadedView } from "./ThreadView.ts"
import type { ThreadStoreError } from "./ThreadStore.ts"
import { checkLength, type Message } from "./turn/UserMessage.ts"

export interface ThreadOptions {
  readonly context: ThreadContext
  readonly activity: TurnActivity
  readonly instructionSources: ReadonlyArray<string>
  /** The scope of the thread. Its turn ends with it. */
  readonly scope: Scope.Scope
}

export class Thread {
  /** The AGENTS.md files of its instructions. */
  readonly instructionSources: ReadonlyArray<string>
  readonly #context: ThreadContext
  readonly #activity: TurnActivity
  readonly #scope: Scope.Scope
  #active: ActiveTurn | undefined
  readonly #gate: ThreadGate
  /** The keys of input that is not recorded yet. */
  readonly #keys = new PendingKeys()
  /** The number of questions that clients say they have put to the user outside of the protocol. */
  elicitations = 0
  /** Starts turns from the thread's queue. */
  readonly queue: QueueRunner
  /** Starts turns for the thread's goal. */
  readonly goal: GoalRunner

  constructor(options: ThreadOptions) {
    this.instructionSources = options.instructionSources
    this.#context = options.context
    this.#activity = options.activity
    this.#scope = options.scope
    this.#gate = new ThreadGate(options.context.id, options.activity)
    this.queue = new QueueRunner({
      context: options.context,
      gate: this.#gate,
      isRunning: () => this.isRunning,
      begin: (accepted) => this.begin(accepted)
    })
    this.goal = new GoalRunner({
      context: options.context,
      gate: this.#gate,
      isRunning: () => this.isRunning,
      caller: () => this.queue.identity,
      runTask: (turn, task) => this.runTask(turn, task),
      inject: (entry) => this.#active?.inject(entry) === true
    })
  }

  get id(): string {
    return this.#context.id
  }

  /** The running commands of the thread. */
  get shell(): ThreadShell {
    return this.#context.shell
  }

  /** The current state, folded from the thread's events. */
  get state(): ThreadState {
    return this.#context.state
  }

  get settings(): ThreadSettings {
    return this.state.settings
  }

  get status(): ThreadStatus {
    return this.#context.status
  }

  /** Whether a turn runs. */
  get isRunning(): boolean {
    return this.#active !== undefined
  }

  /** Whether a turn runs or is being accepted: the thread is not unloaded meanwhile. */
  get isInUse(): boolean {
    return this.isRunning || this.#gate.isInUse
  }

  /** Makes the thread refuse further requests. */
  close(): void {
    this.#gate.close()
  }

  /** Fails while the thread is being unloaded. */
  checkOpen(resuming: boolean): Effect.Effect<void, ThreadClosing> {
    return this.#gate.open(resuming)
  }

  /** Fails when the thread's model cannot be used, for example without a key. Sends no request. */
  get ready(): Effect.Effect<void, ModelError> {
    const { provider, services } = this.#context
    return services.model.ready?.(this.settings.modelProvider, provider) ?? Effect.void
  }

  /** The model that the provider always uses; undefined when the thread's settings decide. */
  get answersAs(): ModelName | undefined {
    return this.#context.services.model.answersAs?.(this.settings.modelProvider)
  }

  /** The thread as a client reads it, optionally with its complete turns. */
  view(includeTurns: boolean): ThreadView {
    return loadedView(this.state, this.status, includeTurns, this.#context.services.lookup)
  }

  /**
   * Accepts a turn, or adds its input to the running one. Nothing of a new turn is published before `begin`, so that the
   * response can be sent first.
   */
  readonly accept = Effect.fnUntraced(
    function* (
      this: Thread,
      request: TurnRequest
    ): Effect.fn.Return<AcceptedTurn, Unaccepted | InputTooLarge | TurnNotSteerable> {
      yield* this.checkOpen(false)
      const repeated = this.#keys.turnOf(this.state, request.message.key)
      if (repeated !== undefined) return { turn: repeated, request: null, isRepeated: true }
      yield* checkLength(request.message.input)
      yield* this.stored
      if (this.#active === undefined) yield* this.#gate.admission
      if (request.settings !== null) yield* this.#changeSettings(request.settings)
      const active = this.#active
      yield* refuseUnsteerable(active, "submit")
      if (active !== undefined && (yield* addInput(this.#context, active, request.message))) {
        this.#keys.add(request.message.key, active.id)
        return { turn: startingTurn(active), request: null }
      }
      if (active !== undefined) yield* Deferred.await(active.ended)
      const id = yield* this.#accepted(active !== undefined)
      return { turn: startingTurn({ id, rootTurnId: request.rootTurnId ?? id }), request }
    },
    (accepting) => this.#gate.inUse(accepting)
  ).bind(this)

  /**
   * Begins an accepted turn, unless its input was added to another. It begins at once when no turn runs, which holds when a
   * caller accepts and begins one turn at a time. Returns when the turn has begun, not when it has ended.
   */
  begin({ request, turn: { id, rootTurnId } }: AcceptedTurn): Effect.Effect<void> {
    if (request === null) return Effect.void
    this.#keys.add(request.message.key, id)
    const begun: Effect.Effect<void> = Effect.suspend(() => {
      const active = this.#active
      if (active !== undefined) return Effect.andThen(Deferred.await(active.ended), begun)
      if (!isQueued(this.state, request)) return Effect.void
      this.queue.caller = request.caller
      return this.runTask(
        { id, rootTurnId },
        userTask({ ...request, opening: openingOf(this.id, request, this.#context.now()) })
      )
    })
    return begun
  }

  /** Runs a turn. None may be running. */
  runTask({ id, rootTurnId }: Pick<Turn, "id" | "rootTurnId">, task: TurnTask): Effect.Effect<void> {
    const started = Effect.suspend(() => {
      // Nothing runs in a thread that is gone.
      if (this.#scope.state._tag === "Closed") return Effect.void
      const turn = new ActiveTurn(id, rootTurnId ?? id, task)
      // The turn was accepted before the thread closed. It is recorded and does nothing.
      if (this.#gate.isClosing) turn.interrupt()
      this.#active = turn
      const onEnd = () => {
        this.#active = undefined
      }
      const running = run(this.#context, turn, task, onEnd).pipe(
        Effect.ensuring(this.#activity.ended(this.id)),
        Effect.andThen(this.#after(id))
      )
      return this.#activity.began(this.id).pipe(
        Effect.andThen(Effect.forkIn(running, this.#scope, { startImmediately: true })),
        Effect.map((fiber) => turn.attach(fiber))
      )
    })
    return Effect.uninterruptible(started)
  }

  /** After a turn that was not interrupted, the queue goes on, then the goal. */
  #after(turnId: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const turn = turnOf(this.state, turnId)
      return turn?.status === "completed" || turn?.status === "failed"
        ? Effect.andThen(this.queue.start, this.goal.afterTurn(turn.items.length === 0))
        : Effect.void
    })
  }

  readonly #changeSettings = ({ value: settings }: PermittedSettings): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (JSON.stringify(settings) === JSON.stringify(this.settings)) return Effect.void
      const committed = this.#context.commit(
        [{ _tag: "SettingsChanged", at: this.#context.now(), settings }],
        [{ method: "thread/settings/updated", params: { threadId: this.id, threadSettings: settings } }]
      )
      // The answer to the request must not wait for a client to read its events.
      return Effect.provideService(committed, AwaitsClients, false)
    })

  /**
   * Changes the thread. The decision is made when no other change is under way, and its events are stored before this returns.
   * Fails while the thread is being unloaded.
   */
  change<A, E>(
    decide: (state: ThreadState) => Effect.Effect<Decision<A>, E>
  ): Effect.Effect<Changed<A>, E | ThreadClosing> {
    return this.#gate.inUse(Effect.andThen(this.checkOpen(false), this.#context.journal.change(decide)))
  }

  /** Interrupts the turn, waits for its end, and runs the effect. No turn begins by itself meanwhile. */
  withoutTurn<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const ended = Effect.suspend(() => {
      const active = this.#active
      if (active === undefined) return Effect.void
      active.interrupt()
      return Deferred.await(active.ended)
    })
    return this.#gate.held(Effect.andThen(ended, effect))
  }

  /** Adds entries to the conversation: immediately, or before the next model request of the running turn. */
  addEntries(entries: ReadonlyArray<ResponseItem>): Effect.Effect<void, ThreadClosing | ThreadStoreError> {
    const added = Effect.suspend(() => {
      const left = entries.filter((entry) => this.#active?.inject(entry) !== true)
      return this.#context.commit(left.map((item) => this.#context.entry(item)))
    })
    return this.#gate.inUse(Effect.all([this.checkOpen(false), this.stored, added, this.stored], { discard: true }))
  }

  #running(purpose: "steer" | "interrupt", expected: string): Effect.Effect<ActiveTurn, NoActiveTurn | TurnMismatch> {
    const active = this.#active
    if (active === undefined || active.isClosed) return Effect.fail(new NoActiveTurn({ purpose }))
    return expected !== "" && expected !== active.id
      ? Effect.fail(new TurnMismatch({ purpose, expected, found: active.id }))
      : Effect.succeed(active)
  }

  /** Adds input to the running turn and returns its id. Never starts a turn. */
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
    if (!(yield* addInput(this.#context, active, message))) return yield* new NoActiveTurn({ purpose: "steer" })
    return active.id
  }).bind(this)

  /** The id of a new turn. */
  readonly #accepted = Effect.fnUntraced(function* (
    this: Thread,
    isSeparate: boolean
  ): Effect.fn.Return<string, Unaccepted> {
    yield* this.checkOpen(false)
    yield* this.stored
    if (isSeparate) yield* this.#gate.admission
    const turnId = yield* this.#context.services.random.uuidV7()
    yield* this.checkOpen(false)
    return turnId
  }).bind(this)

  /** Accepts a turn without a message, as `accept` does. */
  readonly acceptTask = Effect.suspend(() => this.#gate.inUse(this.#accepted(true)))

  /** Accepts a command of the user, as `accept` does. */
  readonly acceptCommand = Effect.fnUntraced(
    function* (
      this: Thread,
      command: Omit<UserCommand, "itemId">
    ): Effect.fn.Return<AcceptedCommand, Unaccepted | InputTooLarge | ShellUnavailable> {
      yield* checkLength([{ type: "text", text: command.command, text_elements: [] }])
      const isSeparate = this.#active === undefined
      if (!isSeparate && !hasShell(this.#context)) return yield* new ShellUnavailable({ detail: noShell })
      return { turnId: yield* this.#accepted(isSeparate), command }
    },
    (accepting) => this.#gate.inUse(accepting)
  ).bind(this)

  /** Runs the command in the running turn, else in a separate turn. Does not wait for its end. */
  beginCommand({ command, turnId }: AcceptedCommand): Effect.Effect<void> {
    const begun: Effect.Effect<void> = Effect.suspend(() => {
      const active = this.#active
      if (active === undefined) return this.runTask({ id: turnId, rootTurnId: turnId }, shellTask(command))
      // An ending turn accepts nothing, so the command gets the next turn.
      if (active.isClosed) return Effect.andThen(Deferred.await(active.ended), begun)
      return joinTurn(this.#context, active, command)
    })
    return begun
  }

  /** Begins such a turn. A running turn is interrupted first. */
  beginTask(id: string, task: TurnTask): Effect.Effect<void> {
    const begun = () => (this.isRunning ? this.beginTask(id, task) : this.runTask({ id, rootTurnId: id }, task))
    return this.withoutTurn(Effect.suspend(begun))
  }

  /**
   * Interrupts the turn. Returns when the turn has stopped, before its end is published: a caller that responds without
   * suspending has responded by then. An empty id means the running turn, if there is one.
   */
  readonly interrupt = Effect.fnUntraced(function* (
    this: Thread,
    turnId: string
  ): Effect.fn.Return<void, NoActiveTurn | TurnMismatch> {
    if (turnId === "" && (this.#active === undefined || this.#active.isClosed)) return
    const active = yield* this.#running("interrupt", turnId)
    // Deferred to the next step, when this caller is waiting.
    yield* Effect.forkIn(Effect.sync(active.interrupt.bind(active)), this.#scope)
    yield* Deferred.await(active.stopped)
  }).bind(this)

  /** Stores the events of a failed append. Fails while the store fails. */
  get stored(): Effect.Effect<void, ThreadStoreError> {
    return this.#context.journal.recover
  }

  /** Stores the events of a failed append before unloading, unless the store has stopped answering. */
  get flush(): Effect.Effect<void> {
    return this.#context.journal.flush
  }

  /** Fails the running turn for a reason outside of it, such as a store that cannot be written. */
  failTurn(error: { readonly message: string }): void {
    this.#active?.fail({ message: error.message, codexErrorInfo: "other", additionalDetails: null, misalignment: null })
  }

  /** Interrupts the turn, waits for its end, and stores the events of a failed append. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    this.close()
    const active = this.#active
    if (active === undefined) return this.flush
    active.interrupt()
    return Effect.andThen(Deferred.await(active.ended), this.flush)
  })
}
