/**
 * Runs answers of a scripted model on the test clock.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { type ModelEvent } from "../../../src/services/model/ModelProvider.ts"
import { type Answer, answerTo, assistant, Completed, ok, request, scripted } from "./Scripted.ts"

export const fine = ok("fine")

export const fineEvents: ReadonlyArray<ModelEvent> = [
  { _tag: "ItemDone", item: assistant("msg_ok", "fine") },
  Completed
]

export const lost = "stream disconnected before completion: "
export const closedEarly = `${lost}stream closed before response.completed`
export const decoding = `${lost}Transport error: network error: error decoding response body`
export const sending = `${lost}error sending request`
export const busy = "We’re currently experiencing high demand, which may cause temporary errors."

/** Runs an answer to its end on the test clock; `waits` are the milliseconds between the requests. */
export const run = (answers: ReadonlyArray<Answer>, options: Parameters<typeof scripted>[1] = {}) =>
  Effect.gen(function* () {
    const times: Array<number> = []
    const noted = answers.map((answer) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        times.push(now)
        return answer
      })
    )
    const script = scripted(noted, options)
    const fiber = yield* Effect.forkChild(Effect.provide(answerTo(request), script.layer), { startImmediately: true })
    yield* TestClock.adjust("1 hour")
    const { error, events } = yield* Fiber.join(fiber)
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    return { error, events, waits, sent: script.sent }
  })
