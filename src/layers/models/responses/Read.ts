/**
 * Pulling one answer out of an open HTTP response.
 *
 * Owns time and the end of the body; what the bytes mean is in `Events.ts`.
 *
 * @module
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { ModelEvent } from "../../../services/ModelProvider.ts"
import type * as Events from "./Events.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./Failure.ts"

/** Milliseconds that the end of the body may take after the end of the answer, so that the connection can be used again. */
const DrainMillis = 50

/** Reads what is left of the body, for a moment. Whatever comes of it, the answer is complete. */
const drain = (pull: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.forever(pull).pipe(Effect.ignoreCause, Effect.timeoutOption(DrainMillis), Effect.asVoid)

const log = (reader: Events.Reader): Effect.Effect<void> =>
  Effect.suspend(() => {
    const skipped = reader.skipped()
    return skipped.length === 0 ? Effect.void : Effect.logWarning(`model stream: skipped ${skipped.join(", ")}`)
  })

/**
 * The events of an answer, all those of a network chunk at once; it ends after `Completed`. `idleMillis` is the longest
 * wait for the next event: a server that sends comments or single bytes is as good as silent. Time that the consumer
 * takes does not count.
 */
export const read = (
  response: HttpClientResponse,
  reader: Events.Reader,
  idleMillis: number
): Stream.Stream<ModelEvent, FailureType> =>
  Stream.transformPull(Stream.mapError(response.stream, Failure.cut), (pull) => {
    const bytes = Pull.catchDone(pull, () => Effect.fail(Failure.endedEarly()))
    let progress: Events.Progress = { _tag: "Open" }

    const next = (millis: number): Pull.Pull<Arr.NonEmptyReadonlyArray<ModelEvent>, FailureType> =>
      Effect.flatMap(Clock.currentTimeMillis, (start) =>
        Effect.timeoutOrElse(bytes, { duration: millis, orElse: () => Effect.fail(Failure.idle()) }).pipe(
          Effect.flatMap((chunks) => {
            const out: Array<ModelEvent> = []
            const before = reader.events
            for (const chunk of chunks) progress = reader.feed(chunk, out)
            if (Arr.isArrayNonEmpty(out)) return Effect.as(log(reader), out)
            const rest = reader.events === before ? remaining(start, millis) : step
            return Effect.andThen(log(reader), progress._tag === "Open" ? rest : step)
          })
        )
      )

    const remaining = (start: number, millis: number) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => next(Math.max(0, millis - (now - start))))

    const step: ReturnType<typeof next> = Effect.suspend(() => {
      switch (progress._tag) {
        case "Open":
          return next(idleMillis)
        case "Completed":
          return Effect.andThen(drain(pull), Cause.done())
        case "Failed":
          return Effect.fail(progress.failure)
      }
    })
    return Effect.succeed(step)
  })
