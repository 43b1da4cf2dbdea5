/**
 * Repeats an Effect, in the same way for all contestants that use Effect.
 */
import * as Effect from "effect/Effect"

const loop = <E, R>(call: () => Effect.Effect<unknown, E, R>, times: number) =>
  Effect.gen(function* () {
    for (let made = 0; made < times; made++) yield* call()
  })

/** Makes this number of calls with one fiber per call in flight; each fiber calls again when it has its response. */
export const callAll = <E, R>(
  call: () => Effect.Effect<unknown, E, R>,
  calls: number,
  inFlight: number
): Effect.Effect<void, E, R> => {
  if (inFlight === 1) return loop(call, calls)
  const share = loop(call, Math.ceil(calls / inFlight))
  return Effect.forEach(Array.from({ length: inFlight }), () => share, { concurrency: "unbounded", discard: true })
}
