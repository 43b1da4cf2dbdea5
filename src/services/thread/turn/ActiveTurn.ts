/**
 * The running turn: added input and interruption.
 *
 * ```
 *  running ──model is done, no added input──► completed
 *    │  ▲ └──steered: the open answer is dropped, another request is made────┐
 *    │  └───────────────────────────────────────────────────────────────────┘
 *    ├──interrupt, or `cancel` in an approval──► interrupted
 *    └──the model fails──► failed
 * ```
 *
 * A turn ends once: a closed turn refuses input, and only `TurnRunner` records its end.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { NonSteerableTurnKind, TurnError } from "../../../protocol/v2/turn/ErrorInfo.ts"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { PendingServerRequest } from "../../routing/ServerRequests.ts"
import type { PreparedMessage } from "./UserMessage.ts"

/** The kind of a turn, and whether it accepts input while it runs. */
export type TurnKind =
  | { readonly kind: "user" | "shell"; readonly steerable: true }
  | { readonly kind: NonSteerableTurnKind; readonly steerable: false }

/** Options of one turn. */
export interface TurnOptions {
  readonly outputSchema: unknown
  readonly metadata: Readonly<Record<string, string>>
}

/** A request from before a crash that is pending again. */
export interface RestoredRequest extends PendingServerRequest {
  readonly method: string
  readonly params: unknown
}

export class ActiveTurn {
  readonly id: string
  readonly rootTurnId: string
  readonly kind: TurnKind
  /** Input that was added to the turn and not yet recorded. */
  #steering: Array<PreparedMessage> = []
  /** Entries of the conversation that wait until the model's current answer is complete. */
  #entries: Array<ResponseItem> = []
  #steered = Deferred.makeUnsafe<void>()
  #closed = false
  /**
   * Completed when the turn has stopped, before its end is published. Completing it runs the waiting fibers in order, so
   * that interrupt requests are answered before that end.
   */
  readonly stopped = Deferred.makeUnsafe<void>()
  /** Completed when the next turn may begin. */
  readonly ended = Deferred.makeUnsafe<void>()
  /** Calls of tools whose output is not recorded yet, with their start times (Unix milliseconds). */
  readonly openCalls = new Map<string, { readonly custom: boolean; readonly startedAt: number }>()
  /** Pending requests from before a crash, by the call that asks them again. */
  readonly restored = new Map<string, RestoredRequest>()
  /** Completed when the tokens of the current answer were counted. No answer is open at the begin. */
  counted = Deferred.makeUnsafe<void>()
  /** Whether the turn worked on the goal of the thread. */
  countsForGoal = false
  lastAgentMessage: ThreadItem | null = null
  /** The proposed plan of the turn: when it was announced, in Unix milliseconds, and whether it is complete. */
  readonly plan: { startedAtMs: number | null; isDone: boolean } = { startedAtMs: null, isDone: false }
  /** The conversation was compacted in this turn and is still over its limit. */
  isCompacted = false
  /** What patches of this turn have changed, as one diff; empty when they changed nothing. */
  diff = ""
  /** The text of the user's last message in this turn; null when there is none. */
  prompt: string | null = null
  #fiber: Fiber.Fiber<void> | undefined
  #interrupted = false
  #failure: TurnError | undefined
  /** Commands of the user that joined the turn. Interrupting the turn ends them. */
  readonly joined = new Set<Fiber.Fiber<void>>()
  /** Requests that ended with a call that the end of the turn interrupted. They are published as resolved behind that end. */
  readonly unanswered: Array<number> = []
  /** How often hooks have continued the turn. */
  continuations = 0
  /** True once the end has been decided and no request of the turn is pending. */
  isOver = false

  constructor(id: string, rootTurnId: string, kind: TurnKind) {
    this.id = id
    this.rootTurnId = rootTurnId
    this.kind = kind
    Deferred.doneUnsafe(this.counted, Exit.void)
  }

  /** False when the turn is ending or its kind takes no input. */
  steer(message: PreparedMessage): boolean {
    if (this.#closed || !this.kind.steerable) return false
    this.#steering.push(message)
    Deferred.doneUnsafe(this.#steered, Exit.void)
    return true
  }

  /** Whether input was added that is not recorded yet. */
  get hasInput(): boolean {
    return this.#steering.length > 0 || this.#entries.length > 0
  }

  /** Closes the turn unless input was added. One step, so that no accepted input is lost. */
  finish(): boolean {
    if (this.hasInput) return false
    this.#closed = true
    return true
  }

  /** Adds an entry to the conversation, after the model's current answer. False when the turn is ending. */
  inject(entry: ResponseItem): boolean {
    if (this.#closed) return false
    this.#entries.push(entry)
    return true
  }

  takeEntries(): ReadonlyArray<ResponseItem> {
    const entries = this.#entries
    this.#entries = []
    return entries
  }

  close(): void {
    this.#closed = true
  }

  /** Marks the turn as ending: it can be neither steered nor interrupted. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Completes when input was added. */
  get steered(): Effect.Effect<void> {
    return Deferred.await(this.#steered)
  }

  takeSteering(): ReadonlyArray<PreparedMessage> {
    const messages = this.#steering
    this.#steering = []
    this.#steered = Deferred.makeUnsafe()
    return messages
  }

  /** Sets the fiber that runs the turn. The turn may already have been ended from outside. */
  attach(fiber: Fiber.Fiber<void>): void {
    this.#fiber = fiber
    if (this.isCut) fiber.interruptUnsafe()
  }

  /** Whether it was ended from outside, by an interrupt or a failure. */
  get isCut(): boolean {
    return this.#interrupted || this.#failure !== undefined
  }

  /** Ends the turn as interrupted. */
  interrupt(): void {
    this.#interrupted = true
    this.#fiber?.interruptUnsafe()
  }

  /** Ends the turn as failed from another fiber. The first failure counts. */
  fail(error: TurnError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#fiber?.interruptUnsafe()
  }

  /** The failure set by `fail`, or undefined. */
  get failure(): TurnError | undefined {
    return this.#failure
  }
}
