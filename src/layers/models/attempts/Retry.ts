/**
 * The retry policy of model requests.
 *
 * Owns the delays. The number of attempts comes from `request_max_retries` and `stream_max_retries` of the provider
 * (`config/Providers.ts`), and the limit on waiting for a network from `NetworkPatience`.
 *
 * There are two levels. The request level repeats a request without a response, and does not announce it. The stream level starts
 * the answer over and announces each attempt. Waiting for a server that cannot be reached counts for neither level: the machine
 * may be offline for a while.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { ModelError, type ModelEvent } from "../../../services/model/ModelProvider.ts"
import type { Failure } from "./Failure.ts"

const FirstDelayMillis = 200
const LongestDelayMillis = 60_000
const FirstNetworkDelaySeconds = 5
const LongestNetworkDelaySeconds = 60

/** 200 ms, doubled per attempt (the first is 1), with 10 % jitter; or the delay requested by the server. */
const delay = (failure: Failure, attempt: number): Effect.Effect<Duration.Duration> => {
  if (failure.wait !== null) return Effect.succeed(Duration.millis(failure.wait))
  const millis = Math.min(FirstDelayMillis * 2 ** (attempt - 1), LongestDelayMillis)
  return Effect.map(Random.nextBetween(0.9, 1.1), (factor) => Duration.millis(millis * factor))
}

/** Repeats failures that are `silent`, at most `times` times. */
export const request = (times: number) =>
  Schedule.recurs(times).pipe(
    Schedule.setInputType<Failure>(),
    Schedule.while(({ input }) => Effect.succeed(input.silent)),
    Schedule.modifyDelay(({ attempt, input }) => delay(input, attempt))
  )

/** The attempts of an answer so far. */
export interface Attempts {
  readonly streams: number
  readonly networks: number
  /** Seconds spent waiting for the network since the server was last reached. */
  readonly waited: number
}

/** The state before the first attempt. */
export const none: Attempts = { streams: 0, networks: 0, waited: 0 }

/** The announcement of the next attempt and the delay before it. */
export interface Next {
  readonly attempts: Attempts
  readonly event: ModelEvent
  readonly wait: Effect.Effect<void>
}

const announcement = (message: string, failure: Failure): ModelEvent => ({
  _tag: "Retrying",
  error: new ModelError({
    message: `Reconnecting... ${message}`,
    info: { responseStreamDisconnected: { httpStatusCode: failure.status } }
  }),
  details: failure.error.message
})

export interface Budget {
  /** Maximum number of announced attempts. */
  readonly times: number
  /** Maximum wait for the network in seconds. */
  readonly patience: number
}

/** The next step of the stream level after `failure`; `null` when it gives up. */
export const stream = (failure: Failure, attempts: Attempts, { patience, times }: Budget): Next | null => {
  if (failure.retry === "network") {
    const seconds = Math.min(FirstNetworkDelaySeconds * 2 ** attempts.networks, LongestNetworkDelaySeconds)
    const waited = attempts.waited + seconds
    if (waited > patience) return null
    return {
      attempts: { ...attempts, networks: attempts.networks + 1, waited },
      event: announcement("waiting for network", failure),
      wait: Effect.sleep(Duration.seconds(seconds))
    }
  }
  if (failure.retry === "never" || attempts.streams >= times) return null
  const streams = attempts.streams + 1
  return {
    attempts: { streams, networks: 0, waited: 0 },
    event: announcement(`${streams}/${times}`, failure),
    wait: Effect.flatMap(delay(failure, streams), Effect.sleep)
  }
}
