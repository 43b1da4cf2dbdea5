/**
 * When a lost connection is tried again.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export interface ReconnectPolicy {
  /** Before the first attempt; twice as long before each further one. */
  readonly initialDelay: Duration.Input
  /** The longest pause between two attempts. */
  readonly maxDelay: Duration.Input
  /** Attempts in a row before the connection is given up. */
  readonly maxAttempts: number
  /** A connection that lasted this long was a good one: the pauses start anew. A shorter one counts as an attempt. */
  readonly stableAfter: Duration.Input
}

/** Goes on for ever, every 15 to 30 seconds in the end. */
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
 * The pause before an attempt, counted from 1: half of it certain, half by chance, so that the clients of a server that
 * restarts do not come back all at once.
 */
export const pause = (policy: ReconnectPolicy, attempt: number): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (chance) => {
    const grown = Duration.toMillis(policy.initialDelay) * 2 ** Math.min(attempt - 1, 32)
    return Duration.millis(Math.min(grown, Duration.toMillis(policy.maxDelay)) * (0.5 + chance / 2))
  })
