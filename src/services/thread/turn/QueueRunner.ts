/**
 * Starts turns from a thread's queue: on request, and by itself while the thread is idle.
 *
 * Does not own the queue (`ThreadQueue`), nor how a turn runs (`Thread`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadContext } from "../ThreadContext.ts"
import { type ServerDraining, type ThreadClosing, ThreadRefusal } from "../ThreadError.ts"
import type { ThreadGate } from "../ThreadGate.ts"
import { nextIn } from "../ThreadQueue.ts"
import type { ThreadStoreError } from "../ThreadStore.ts"
import { type AcceptedTurn, requestOfSubmission } from "./Accepted.ts"
import { startingTurn } from "./TurnRunner.ts"
import type { ClientIdentity } from "./ModelRequests.ts"

export interface QueueRunnerOptions {
  readonly context: ThreadContext
  readonly gate: ThreadGate
  readonly isRunning: () => boolean
  readonly begin: (accepted: AcceptedTurn) => Effect.Effect<void>
}

export class QueueRunner {
  readonly #options: QueueRunnerOptions
  /** Who started the last turn. The queue goes on in that name. */
  caller: ClientIdentity | undefined

  constructor(options: QueueRunnerOptions) {
    this.#options = options
  }

  /** In whose name turns begin by themselves: that of the last turn, else of the thread. */
  get identity(): ClientIdentity {
    const { originator } = this.#options.context.state.origin
    return this.caller ?? { originator, userAgent: originator }
  }

  /** Accepts the submission with this id, or the first one, as the next turn. It leaves the queue when it begins. */
  readonly accept = (
    submissionId: string | null
  ): Effect.Effect<AcceptedTurn, ThreadClosing | ServerDraining | ThreadStoreError | ThreadRefusal> => {
    const { context, gate, isRunning } = this.#options
    const accepted = Effect.gen({ self: this }, function* () {
      yield* gate.open(false)
      yield* context.journal.recover
      yield* gate.admission
      if (submissionId !== null) yield* nextIn(context.state.queue, submissionId)
      if (isRunning()) return yield* new ThreadRefusal({ problem: "thread already has an active or pending turn" })
      const submission = yield* nextIn(context.state.queue, submissionId)
      const id = yield* context.services.random.uuidV7()
      return { turn: startingTurn({ id, rootTurnId: id }), request: requestOfSubmission(submission, this.identity) }
    })
    return gate.inUse(accepted)
  }

  /** Begins a turn with the first submission, unless a turn runs or may not begin. */
  readonly start: Effect.Effect<void> = Effect.suspend(() => {
    const { begin, context, gate, isRunning } = this.#options
    if (isRunning() || !gate.mayBegin || context.state.queue.length === 0) return Effect.void
    // On a failure the input stays in the queue. The failure of the store is already reported.
    return Effect.ignore(Effect.flatMap(this.accept(null), begin))
  })
}
