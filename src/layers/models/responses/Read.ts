/**
 * Reads one answer from an open HTTP response.
 *
 * Owns time limits and the end of the body; `Events.ts` parses the bytes.
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
import type { ModelEvent } from "../../../services/model/ModelProvider.ts"
import type * as Events from "./Events.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./StreamFailure.ts"

/** Time limit for the rest of the body after the end of the answer, in milliseconds, so that the connection can be reused. */
const DrainMillis = 50

/** Reads the rest of the body, within the limit. A failure is ignored, because the answer is complete. */
const drain = (pull: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.forever(pull).pipe(Effect.ignoreCause, Effect.timeoutOption(DrainMillis), Effect.asVoid)

const log = (reader: Events.Reader): Effect.Effect<void> =>
  Effect.suspend(() => {
    const skipped = reader.skipped()
    return skipped.length === 0 ? Effect.void : Effect.logWarning(`model stream: skipped ${skipped.join(", ")}`)
  })

/** Number of bytes parsed before the fiber yields, at most 3 ms of work. */
const Slice = 64 * 1024

/** Splits received chunks into slices, because an HTTP client may deliver any size. */
const slices = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> =>
  chunks.every((chunk) => chunk.length <= Slice)
    ? chunks
    : chunks.flatMap((chunk) =>
        Array.from({ length: Math.ceil(chunk.length / Slice) }, (_, index) =>
          chunk.subarray(index * Slice, (index + 1) * Slice)
        )
      )

/** Reads an answer slice by slice. */
class Session {
  readonly #reader: Events.Reader
  readonly #idleMillis: number
  readonly #pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, FailureType>
  readonly #bytes: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, FailureType>
  #progress: Events.Progress = { _tag: "Open" }
  /** Received and unparsed bytes. */
  #unread: ReadonlyArray<Uint8Array> = []
  #place = 0
  /** Bytes parsed since the last yield. */
  #read = 0
  /** The start of the wait for the next event, and its limit, in milliseconds. */
  #since = 0
  #events = 0

  constructor(
    pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, FailureType>,
    reader: Events.Reader,
    idleMillis: number
  ) {
    this.#pull = pull
    this.#bytes = Pull.catchDone(pull, () => Effect.fail(Failure.endedEarly()))
    this.#reader = reader
    this.#idleMillis = idleMillis
  }

  /** The next events. */
  readonly step: Pull.Pull<Arr.NonEmptyReadonlyArray<ModelEvent>, FailureType> = Effect.suspend(() => {
    switch (this.#progress._tag) {
      case "Open":
        return this.#breathe(this.#place < this.#unread.length ? this.#digest : this.#waitAnew)
      case "Completed":
        return Effect.andThen(drain(this.#pull), Cause.done())
      case "Failed":
        return Effect.fail(this.#progress.failure)
    }
  })

  #breathe<A, E>(next: Effect.Effect<A, E>): Effect.Effect<A, E> {
    if (this.#read < Slice) return next
    this.#read = 0
    return Effect.andThen(Effect.yieldNow, next)
  }

  /** The consumer has taken everything, so the wait for the server begins. */
  readonly #waitAnew: typeof this.step = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    this.#since = now
    this.#events = this.#reader.events
    return this.#wait(this.#idleMillis)
  })

  #wait(millis: number): typeof this.step {
    return Effect.timeoutOrElse(this.#bytes, {
      duration: millis,
      orElse: () => Effect.fail(Failure.idle())
    }).pipe(
      Effect.flatMap((chunks) => {
        this.#unread = slices(chunks)
        this.#place = 0
        return this.#digest
      })
    )
  }

  /** Parses received bytes, at most a slice. */
  readonly #digest: typeof this.step = Effect.suspend(() => {
    const out: Array<ModelEvent> = []
    while (this.#progress._tag === "Open" && this.#place < this.#unread.length && this.#read < Slice) {
      const chunk = this.#unread[this.#place++] ?? new Uint8Array()
      this.#read += chunk.length
      this.#progress = this.#reader.feed(chunk, out)
    }
    if (Arr.isArrayNonEmpty(out)) return Effect.as(log(this.#reader), out)
    return Effect.andThen(log(this.#reader), this.#next())
  })

  #next(): typeof this.step {
    const isQuiet = this.#progress._tag === "Open" && this.#reader.events === this.#events
    if (!isQuiet || this.#place < this.#unread.length) return this.step
    const rest = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      this.#wait(Math.max(0, this.#idleMillis - (now - this.#since)))
    )
    return this.#breathe(rest)
  }
}

/**
 * The events of an answer, in batches of one network chunk; ends after `Completed`. `idleMillis` limits the wait for the
 * next event: comments and single bytes do not extend it. Time that the consumer takes does not count.
 */
export const read = (
  response: HttpClientResponse,
  reader: Events.Reader,
  idleMillis: number
): Stream.Stream<ModelEvent, FailureType> =>
  Stream.transformPull(Stream.mapError(response.stream, Failure.cut), (pull) =>
    Effect.sync(() => new Session(pull, reader, idleMillis).step)
  ).pipe(Stream.mapError(Failure.withContentType(response.headers["content-type"])))
