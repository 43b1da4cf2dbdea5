/**
 * Repeats attempts at one answer until it is complete or the failure is final.
 *
 * Owns the handling of a partial answer. The delays and the budget are in `Retry.ts`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelError, ModelEvent } from "../../../services/model/ModelProvider.ts"
import type { Failure } from "./Failure.ts"
import * as Retry from "./Retry.ts"

/** Calls that need an output before the next model request. */
const calls: ReadonlySet<ResponseItem["type"]> = new Set([
  "custom_tool_call",
  "function_call",
  "local_shell_call",
  "tool_search_call"
])

/** The end of an answer that was cut off after a call. */
const unfinished: ModelEvent = { _tag: "Completed", usage: null, endTurn: false }

/** One attempt that continues the conversation `input`. It appends its finished items to `done`. */
export type Attempt = (
  input: ReadonlyArray<ResponseItem>,
  done: Array<ResponseItem>
) => Stream.Stream<ModelEvent, Failure>

/**
 * Runs `attempt` on the conversation `start` until it succeeds, within the budget. Items finished by a failed attempt are kept, and the next attempt
 * continues from them. If a call is among them, its output is needed first: the answer then ends with a request for continuation, which the turn loop
 * sends with the output.
 */
export const attempts = (
  start: ReadonlyArray<ResponseItem>,
  budget: Retry.Budget,
  attempt: Attempt
): Stream.Stream<ModelEvent, ModelError> =>
  Stream.suspend(() => {
    let input = start
    let made = Retry.none
    let upcoming: Stream.Stream<ModelEvent, ModelError> | undefined

    const begin = (): Stream.Stream<ModelEvent, ModelError> => {
      const done: Array<ResponseItem> = []
      return attempt(input, done).pipe(Stream.catch((failure) => afterwards(failure, done)))
    }

    const afterwards = (failure: Failure, done: ReadonlyArray<ResponseItem>): Stream.Stream<ModelEvent, ModelError> => {
      const plan = Retry.stream(failure, made, budget)
      if (plan === null) return Stream.fail(failure.error)
      const isFirst = made === Retry.none
      made = plan.attempts
      input = [...input, ...done]
      const rest = done.some((item) => calls.has(item.type)) ? Stream.succeed(unfinished) : begin()
      upcoming = Stream.unwrap(Effect.as(plan.wait, rest))
      const { details } = failure.error
      const announced = Stream.succeed(plan.event)
      // The client gets the release's message. The cause is logged once per answer for the operator.
      return isFirst && details !== undefined
        ? Stream.concat(Stream.fromEffectDrain(Effect.logWarning(details)), announced)
        : announced
    }

    upcoming = begin()
    // A loop rather than recursion, because waiting for the network may take hundreds of attempts.
    const take = Effect.sync(() => {
      const current = upcoming
      upcoming = undefined
      return current === undefined ? undefined : ([current, undefined] as const)
    })
    return Stream.flatten(Stream.unfold(undefined, () => take))
  })
