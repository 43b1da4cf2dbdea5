/**
 * Long work in slices, between which the server does other things.
 *
 * @module
 */
import * as Effect from "effect/Effect"

/** Pauses when `millis` milliseconds of work have passed since the last pause; otherwise does nothing. */
export const pauseAfter = (millis: number): Effect.Effect<void> => {
  let until = performance.now() + millis
  return Effect.suspend(() => {
    if (performance.now() < until) return Effect.void
    return Effect.map(Effect.yieldNow, () => {
      until = performance.now() + millis
    })
  })
}

/** Runs steps, with a pause after each `count` of them. Fails with what a step throws. */
export const inSteps = <A>(steps: Generator<void, A>, count: number): Effect.Effect<A, Error> => {
  const slice = Effect.try({
    try: () => {
      for (let left = count; left > 0; left--) {
        const step = steps.next()
        if (step.done === true) return { value: step.value }
      }
      return undefined
    },
    catch: asError
  })
  return Effect.flatMap(slice, (done) =>
    done === undefined ? Effect.andThen(Effect.yieldNow, inSteps(steps, count)) : Effect.succeed(done.value)
  )
}

/** Whatever was thrown, as an `Error`. */
export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
