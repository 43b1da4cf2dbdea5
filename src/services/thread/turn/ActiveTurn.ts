/**
 * The turn that runs: what others may add to it while it does, and who interrupts it.
 *
 * ```
 *  running ──model is done, nothing to steer──► completed
 *    │  ▲ └──steered: the open answer is dropped, another request is made────┐
 *    │  └───────────────────────────────────────────────────────────────────┘
 *    ├──interrupt, or `cancel` in an approval──► interrupted
 *    └──the model fails──► failed
 * ```
 *
 * A turn ends once: what comes when it is closed is refused, and its end is recorded by `TurnRunner` alone.
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
import type { Message } from "./UserMessage.ts"

/** What a turn is for, and whether input is added to it while it runs. */
export type TurnKind =
  | { readonly kind: "user" | "shell"; readonly steerable: true }
  | { readonly kind: NonSteerableTurnKind; readonly steerable: false }

/** What holds for this turn alone. */
export interface TurnOptions {
  readonly outputSchema: unknown
  readonly metadata: Readonly<Record<string, string>>
}

export class ActiveTurn {
  readonly id: string
  readonly rootTurnId: string
  readonly kind: TurnKind
  /** Input that came while the turn ran, not yet recorded. */
  #steering: Array<Message> = []
  /** Entries for the conversation that wait until the open answer of the model is complete. */
  #entries: Array<ResponseItem> = []
  #steered = Deferred.makeUnsafe<void>()
  #closed = false
  /**
   * Completed when the turn has stopped, before its end is published. Completing it runs those who wait for it, in the order
   * in which they came, so that requests to interrupt are answered before that end.
   */
  readonly stopped = Deferred.makeUnsafe<void>()
  /** Completed when the next turn may begin. */
  readonly ended = Deferred.makeUnsafe<void>()
  /** Calls of tools whose output is not recorded yet, with when they began (Unix milliseconds). */
  readonly openCalls = new Map<string, { readonly custom: boolean; readonly startedAt: number }>()
  lastAgentMessage: ThreadItem | null = null
  /** The text of the user's last message in this turn; null where it has none. */
  prompt: string | null = null
  #fiber: Fiber.Fiber<void> | undefined
  #interrupted = false
  #failure: TurnError | undefined
  /** Commands of the user that joined the turn. They are ended with a turn that is interrupted. */
  readonly joined = new Set<Fiber.Fiber<void>>()
  /** Requests that ended with a call that the end of the turn interrupted. They are published as resolved behind that end. */
  readonly unanswered: Array<number> = []
  /** The end has been decided: no request of the turn waits for an answer any more. */
  isOver = false

  constructor(id: string, rootTurnId: string, kind: TurnKind) {
    this.id = id
    this.rootTurnId = rootTurnId
    this.kind = kind
  }

  /** False when the turn is ending, or is of a kind that takes no input. */
  steer(message: Message): boolean {
    if (this.#closed || !this.kind.steerable) return false
    this.#steering.push(message)
    Deferred.doneUnsafe(this.#steered, Exit.void)
    return true
  }

  /** Closes the turn unless something was added: in one step, so that no accepted input is passed over. */
  finish(): boolean {
    if (this.#steering.length > 0 || this.#entries.length > 0) return false
    this.#closed = true
    return true
  }

  /** Adds an entry to the conversation, behind the open answer of the model. False when the turn is ending. */
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

  /** The turn is on its way out: it can be neither steered nor interrupted. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Completes when there is something to steer by. */
  get steered(): Effect.Effect<void> {
    return Deferred.await(this.#steered)
  }

  takeSteering(): ReadonlyArray<Message> {
    const messages = this.#steering
    this.#steering = []
    this.#steered = Deferred.makeUnsafe()
    return messages
  }

  /** The fiber that runs the turn, once it is known. The turn may have been ended from outside before that. */
  attach(fiber: Fiber.Fiber<void>): void {
    this.#fiber = fiber
    if (this.isCut) fiber.interruptUnsafe()
  }

  /** It was ended from outside, by an interrupt or a failure. */
  get isCut(): boolean {
    return this.#interrupted || this.#failure !== undefined
  }

  /** Ends the turn as interrupted. */
  interrupt(): void {
    this.#interrupted = true
    this.#fiber?.interruptUnsafe()
  }

  /** Ends the turn as failed, from outside of its own fiber. The first failure counts. */
  fail(error: TurnError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#fiber?.interruptUnsafe()
  }

  /** Why the turn was made to fail, or undefined. */
  get failure(): TurnError | undefined {
    return this.#failure
  }
}
