/**
 * Applies the limits of a home while a server runs.
 *
 * It starts late and works slowly, so that it is never in the way of a client: one thread at a time, with a pause after each.
 * Several servers on one home may do so at once. Clients are not notified; a thread that is gone is not listed any more.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ThreadStoreError } from "../../../services/thread/ThreadStore.ts"
import * as Retention from "./Retention.ts"
import type { RetentionPolicy } from "./RetentionPolicy.ts"

export interface RetentionServiceOptions {
  /** Absolute path. */
  readonly home: string
  readonly policy: RetentionPolicy
}

/** How long after the first use of the store the limits are applied for the first time. */
export const FirstPass = Duration.minutes(1)

/** Time between two passes. */
export const BetweenPasses = Duration.hours(6)

/** Pause after each thread. */
export const AfterThread = Duration.millis(250)

const pass = Effect.fnUntraced(function* ({ home, policy }: RetentionServiceOptions) {
  const retention = yield* Retention.make(home)
  const excess = yield* retention.excess(policy, yield* Clock.currentTimeMillis)
  let removed = 0
  const report = Effect.suspend(() =>
    removed === 0
      ? Effect.void
      : Effect.logInfo(`retention: ${removed} of ${excess.length} threads over a limit removed`)
  )
  const work = Effect.forEach(
    excess,
    (one) =>
      Effect.andThen(
        Effect.map(retention.remove(one), (outcome) => {
          if (outcome === "removed") removed++
        }),
        Effect.sleep(AfterThread)
      ),
    { discard: true }
  )
  yield* Effect.ensuring(work, report)
})

const failed = ({ cause, message }: ThreadStoreError) =>
  Effect.logWarning(`retention: ${cause instanceof Error ? cause.message : message}`)

/** Applies the limits again and again, until it is interrupted. */
export const keep = (options: RetentionServiceOptions): Effect.Effect<never> =>
  Effect.sleep(FirstPass).pipe(
    Effect.andThen(Effect.forever(Effect.andThen(Effect.catch(pass(options), failed), Effect.sleep(BetweenPasses))))
  )
