/**
 * A handler's result with a commit that runs right after the response.
 *
 * A handler returns its result or a reply. The dispatcher sends the response and then runs `commit`, so that no handler can
 * respond twice or not at all. Does not own how responses are sent (`Dispatcher`, `Answers`).
 *
 * ```
 *  take() ─► response is queued ─► commit begins          one step: no other fiber runs in between
 *                                      └─► commit ends or suspends: the request's key is released
 * ```
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type { Extensions } from "../../protocol/jsonrpc/Envelope.ts"

/** A response and its commit. */
export interface Answer<A> {
  readonly result: A
  /** Members of the response's envelope, for clients that opted into them. */
  readonly extensions?: Extensions | undefined
  /**
   * Begins in the same step, right after the response is queued. It may suspend, which releases the request's key, and can be
   * interrupted while suspended: what must happen before the next request with the key belongs before its first suspension.
   */
  readonly commit?: Effect.Effect<void> | undefined
}

export class Reply<out A> {
  readonly #take: () => Answer<A>

  constructor(take: () => Answer<A>) {
    this.#take = take
  }

  /** Makes the result. Called once, in the step that queues the response; never for a cancelled request. */
  take(): Answer<A> {
    return this.#take()
  }
}

/** Responds with `result`, then runs `commit`. */
export const withCommit = <A>(result: A, commit: Effect.Effect<void>): Reply<A> => new Reply(() => ({ result, commit }))

/** Responds with the value of `take`, for a result that must be made in the step that queues it. */
export const make = <A>(take: () => Answer<A>): Reply<A> => new Reply(take)

/** A copy of the reply with another commit. */
export const mapCommit = <A>(reply: Reply<A>, change: (commit: Effect.Effect<void>) => Effect.Effect<void>): Reply<A> =>
  make(() => {
    const answer = reply.take()
    return answer.commit === undefined ? answer : { ...answer, commit: change(answer.commit) }
  })
