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
import type { ModelEvent } from "../../../services/model/ModelProvider.ts"
import type * as Events from "./Events.ts"
import type { Failure as FailureType } from "../attempts/Failure.ts"
import * as Failure from "./StreamFailure.ts"

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

/** Bytes that are read at a stretch, 3 ms of work at most; then other fibers have their turn. */
const Slice = 64 * 1024

/** What a server sent, in pieces of at most a slice: an HTTP client may hand out any size. */
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
  /** Bytes that have come and are not read. */
  #unread: ReadonlyArray<Uint8Array> = []
  #place = 0
  /** Bytes read since others had their turn. */
  #read = 0
  /** When the wait for the next event began, and how long it may take (milliseconds). */
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

  /** The consumer has taken everything: from here on the server is waited for. */
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

  /** Reads what has come, up to a slice of it. */
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
 * The events of an answer, all those of a network chunk at once; it ends after `Completed`. `idleMillis` is the longest
 * wait for the next event: a server that sends comments or single bytes is as good as silent. Time that the consumer
 * takes does not count.
 */
export const read = (
  response: HttpClientResponse,
  reader: Events.Reader,
  idleMillis: number
): Stream.Stream<ModelEvent, FailureType> =>
  Stream.transformPull(Stream.mapError(response.stream, Failure.cut), (pull) =>
    Effect.sync(() => new Session(pull, reader, idleMillis).step)
  ).pipe(Stream.mapError(Failure.withContentType(response.headers["content-type"])))
