/**
 * The error of an effect.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** The error, or undefined when there was none. */
export const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure : undefined))
