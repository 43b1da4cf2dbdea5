/**
 * Many calls of one Effect, the same way for every contestant that is one.
 */
import * as Effect from "effect/Effect"

const loop = <E, R>(call: () => Effect.Effect<unknown, E, R>, times: number) =>
  Effect.gen(function* () {
    for (let made = 0; made < times; made++) yield* call()
  })

/** So many calls, with as many fibers as calls in flight, each of which calls again when it has its answer. */
export const callAll = <E, R>(
  call: () => Effect.Effect<unknown, E, R>,
  calls: number,
  inFlight: number
): Effect.Effect<void, E, R> => {
  if (inFlight === 1) return loop(call, calls)
  const share = loop(call, Math.ceil(calls / inFlight))
  return Effect.forEach(Array.from({ length: inFlight }), () => share, { concurrency: "unbounded", discard: true })
}
