/**
 * Responses by method and outcome, and their durations.
 *
 * Counts in plain numbers, which are copied to the registry's series when they are read: an addition is about forty times
 * cheaper than an update of the registry.
 *
 * @module
 */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Metric from "effect/Metric"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { releasedRequestOf } from "../../protocol/ReleasedRequests.ts"
import { type Outcome, outcomes, requestDuration, requestsAnswered } from "./Metrics.ts"
import { readCounter } from "./MetricReading.ts"

type Counts = { -readonly [O in Outcome]: number }

const invalid: ReadonlySet<number> = new Set([
  ErrorCode.InvalidRequest,
  ErrorCode.InvalidParams,
  ErrorCode.MethodNotFound
])

const outcomeOf = (code: number): Outcome => {
  if (code === ErrorCode.Overloaded) return "overloaded"
  return invalid.has(code) ? "invalid" : "failed"
}

/** All unknown methods share one series, so that a client cannot create series. */
const labelOf = (method: string): string => (releasedRequestOf(method) === undefined ? "unknown" : method)

/** The responses of all servers that share a registry. */
export class RequestMetrics {
  readonly #context: Context.Context<never>
  readonly #counts = new Map<string, Counts>()
  readonly #durations = new Map<string, Metric.Histogram<number>>()

  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  count(method: string, outcome: Outcome): void {
    const counts = this.#counts.get(method) ?? this.#counted(method)
    counts[outcome]++
  }

  took(method: string, nanoseconds: bigint): void {
    let duration = this.#durations.get(method)
    if (duration === undefined) this.#durations.set(method, (duration = requestDuration(method)))
    duration.updateUnsafe(Number(nanoseconds) / 1e9, this.#context)
  }

  /** Creates the series of a method at zero for every outcome, because a rate needs the first step too. */
  #counted(name: string): Counts {
    const method = labelOf(name)
    const known = this.#counts.get(method)
    if (known !== undefined) return known
    const counts: Counts = { ok: 0, invalid: 0, failed: 0, overloaded: 0 }
    this.#counts.set(method, counts)
    for (const outcome of outcomes) {
      readCounter(requestsAnswered(method, outcome), this.#context, () => counts[outcome])
    }
    return counts
  }
}

/** The responses of one connection. Without a clock they are not timed. */
export class Meter {
  readonly #requests: RequestMetrics
  readonly #clock: Clock.Clock | undefined

  constructor(requests: RequestMetrics, clock: Clock.Clock | undefined) {
    this.#requests = requests
    this.#clock = clock
  }

  /** The time at which a request was accepted, for `succeeded` and `failed`. */
  now(): bigint {
    return this.#clock === undefined ? 0n : this.#clock.monotonicTimeNanosUnsafe()
  }

  succeeded(method: string, since: bigint): void {
    this.#requests.count(method, "ok")
    if (this.#clock !== undefined) this.#requests.took(method, this.#clock.monotonicTimeNanosUnsafe() - since)
  }

  failed(method: string, code: number, since: bigint): void {
    this.refused(method, code)
    if (this.#clock !== undefined) this.#requests.took(method, this.#clock.monotonicTimeNanosUnsafe() - since)
  }

  /** Counts an error response to a request that did not run. */
  refused(method: string, code: number): void {
    this.#requests.count(method, outcomeOf(code))
  }
}
