/**
 * When a lost connection is retried.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** The pauses between attempts, and their number. */
export interface ReconnectPolicy {
  /** The pause before the first attempt; it doubles for each further one. */
  readonly initialDelay: Duration.Input
  /** The longest pause between two attempts. */
  readonly maxDelay: Duration.Input
  /** Consecutive attempts before the client gives up. */
  readonly maxAttempts: number
  /** A connection that lasted this long resets the pauses. A shorter one counts as a failed attempt. */
  readonly stableAfter: Duration.Input
}

/** No limit on attempts, with a final pause of 15 to 30 seconds. */
export const defaults: ReconnectPolicy = {
  initialDelay: "250 millis",
  maxDelay: "30 seconds",
  maxAttempts: Number.POSITIVE_INFINITY,
  stableAfter: "10 seconds"
}

export const policyOf = (option: boolean | Partial<ReconnectPolicy> | undefined): ReconnectPolicy | undefined => {
  if (option === undefined || option === false) return undefined
  return option === true ? defaults : { ...defaults, ...option }
}

/**
 * The pause before an attempt, counted from 1. Half of it is random, so that the clients of a restarted server do not all
 * reconnect at the same time.
 */
export const pause = (policy: ReconnectPolicy, attempt: number): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (chance) => {
    const grown = Duration.toMillis(policy.initialDelay) * 2 ** Math.min(attempt - 1, 32)
    return Duration.millis(Math.min(grown, Duration.toMillis(policy.maxDelay)) * (0.5 + chance / 2))
  })
