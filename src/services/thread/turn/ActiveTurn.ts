/**
 * The turn that runs: what others may say to it while it does.
 *
 * ```
 *  running ──model is done, nothing to steer──► completed
 *    │  ▲ └──steered: the open answer is dropped, the model is asked again──┐
 *    │  └───────────────────────────────────────────────────────────────────┘
 *    ├──interrupt, or `cancel` in an approval──► interrupted
 *    └──the model fails──► failed
 * ```
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { TurnError } from "../../../protocol/v2/turn/ErrorInfo.ts"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { Message } from "./UserMessage.ts"

/** What holds for this turn alone. */
export interface TurnOptions {
  readonly outputSchema: unknown
  readonly metadata: Readonly<Record<string, string>>
}

export class ActiveTurn {
  readonly id: string
  readonly rootTurnId: string
  readonly options: TurnOptions
  /** Input that came while the turn ran, not yet told to the model. */
  #steering: Array<Message> = []
  #steered = Deferred.makeUnsafe<void>()
  #closed = false
  /**
   * Completed when the turn has stopped, before its end is published. Completing it runs those who wait for it, in the order
   * in which they came, so that requests to interrupt are answered before that end.
   */
  readonly stopped = Deferred.makeUnsafe<void>()
  /** Completed when the next turn may begin. */
  readonly ended = Deferred.makeUnsafe<void>()
  /** Calls of tools whose output the model has not got yet, with when they began (Unix milliseconds). */
  readonly openCalls = new Map<string, { readonly custom: boolean; readonly startedAt: number }>()
  lastAgentMessage: ThreadItem | null = null
  /** The text of the user's last message in this turn; null where it has none. */
  prompt: string | null = null
  #fiber: Fiber.Fiber<void> | undefined
  #failure: TurnError | undefined

  constructor(id: string, rootTurnId: string, options: TurnOptions) {
    this.id = id
    this.rootTurnId = rootTurnId
    this.options = options
  }

  /** False when the turn is ending and takes no more. */
  steer(message: Message): boolean {
    if (this.#closed) return false
    this.#steering.push(message)
    Deferred.doneUnsafe(this.#steered, Exit.void)
    return true
  }

  /** Ends the turn unless it was steered: in one step, so that no accepted input is passed over. */
  finish(): boolean {
    if (this.#steering.length > 0) return false
    this.#closed = true
    return true
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

  /** The fiber that runs the turn, once it is known. The turn may have failed before that. */
  attach(fiber: Fiber.Fiber<void>): void {
    this.#fiber = fiber
    if (this.#failure !== undefined) fiber.interruptUnsafe()
  }

  get fiber(): Fiber.Fiber<void> | undefined {
    return this.#fiber
  }

  interrupt(): void {
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
