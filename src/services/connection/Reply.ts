/**
 * What a handler returns when more than a result belongs to its answer.
 *
 * A handler returns its result, or a reply. The dispatcher answers with it and runs `commit` behind the answer, so that no
 * handler can answer twice or not at all. Does not own how answers are sent (`Dispatcher`, `Answers`).
 *
 * ```
 *  take() ─► answer has its place ─► commit begins          one step: no other fiber runs in between
 *                                      └─► commit ends or waits: the request's key is free
 * ```
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type { Extensions } from "../../protocol/jsonrpc/Envelope.ts"

/** An answer and what belongs to it. */
export interface Answer<A> {
  readonly result: A
  /** Members of the answer's envelope, for clients that opted into them. */
  readonly extensions?: Extensions | undefined
  /**
   * Begins in the same step, right behind the answer. It may wait after that, without the request's key, and can be interrupted
   * while it waits: what must happen before the next request of the key belongs in front of its first wait.
   */
  readonly commit?: Effect.Effect<void> | undefined
}

export class Reply<out A> {
  readonly #take: () => Answer<A>

  constructor(take: () => Answer<A>) {
    this.#take = take
  }

  /** The answer. Called once, in the step in which the answer takes its place; never for a request that was cancelled. */
  take(): Answer<A> {
    return this.#take()
  }
}

/** Answers with `result`, then runs `commit`. */
export const withCommit = <A>(result: A, commit: Effect.Effect<void>): Reply<A> => new Reply(() => ({ result, commit }))

/** Answers with what `take` returns, for a result that has to be made in the step in which it is sent. */
export const make = <A>(take: () => Answer<A>): Reply<A> => new Reply(take)

/** The same reply with another commit. */
export const mapCommit = <A>(reply: Reply<A>, change: (commit: Effect.Effect<void>) => Effect.Effect<void>): Reply<A> =>
  make(() => {
    const answer = reply.take()
    return answer.commit === undefined ? answer : { ...answer, commit: change(answer.commit) }
  })
