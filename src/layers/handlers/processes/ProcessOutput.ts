/**
 * The output of a client's process: streamed, or collected for the end, up to a cap for each stream.
 *
 * What exceeds the cap is read and dropped, so that the process goes on. A client that reads slowly delays the process.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { HostProcess } from "../../../services/tool/HostProcesses.ts"
import { textOf } from "./ProcessText.ts"

/** Default cap of a stream, in bytes, as in the release. */
export const DefaultCap = 1024 * 1024

/** The most bytes of a stream that are collected, also without a cap: they are in memory, and in one message. */
export const MaxCollected = 32 * 1024 * 1024

/** Maximum number of bytes of a piece of streamed output. */
const PieceSize = 64 * 1024

/** How long the output may stay open after the process has exited, as in the release. */
const Drain = "2 seconds"
/** How long it may stay open after the rest of the group was killed. */
const Grace = "200 millis"

type StreamName = "stdout" | "stderr"

/** A piece of streamed output. */
export interface Delta {
  readonly stream: StreamName
  readonly bytes: Uint8Array
  readonly capReached: boolean
}

export interface OutputOptions {
  /** Bytes of each stream; null for no cap. */
  readonly cap: number | null
  /** Publishes a piece; null when the output is collected. */
  readonly publish: ((delta: Delta) => Effect.Effect<void>) | null
}

/** One stream. */
class StreamOutput {
  capReached = false
  /** True while a piece is offered to the client. */
  publishing = false
  /** Number of pieces read. */
  reads = 0
  readonly #name: StreamName
  readonly #cap: number
  readonly #publish: OutputOptions["publish"]
  readonly #collected: Array<Uint8Array> = []
  #length = 0

  constructor(name: StreamName, { cap, publish }: OutputOptions) {
    this.#name = name
    this.#publish = publish
    this.#cap = publish === null ? Math.min(cap ?? MaxCollected, MaxCollected) : (cap ?? Number.POSITIVE_INFINITY)
  }

  /** The collected output. */
  get text(): string {
    return textOf(Buffer.concat(this.#collected), this.capReached)
  }

  /** Reads to the end. */
  readAll(read: HostProcess["stdout"]): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const chunk = yield* read
        if (chunk === undefined) return
        this.reads++
        if (!this.capReached) yield* this.#take(chunk)
      }
    })
  }

  #take(chunk: Uint8Array): Effect.Effect<void> {
    const room = this.#cap - this.#length
    const bytes = chunk.length < room ? chunk : chunk.subarray(0, room)
    this.capReached = bytes.length === room
    this.#length += bytes.length
    if (this.#publish === null) {
      // A copy, because the chunk may be a view into a larger buffer.
      this.#collected.push(Uint8Array.from(bytes))
      return Effect.void
    }
    return this.#publishAll(bytes, this.#publish)
  }

  #publishAll(bytes: Uint8Array, publish: NonNullable<OutputOptions["publish"]>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.publishing = true
      let at = 0
      do {
        const piece = bytes.subarray(at, at + PieceSize)
        at += PieceSize
        const capReached = this.capReached && at >= bytes.length
        yield* publish({ stream: this.#name, bytes: piece, capReached })
      } while (at < bytes.length)
      this.publishing = false
    })
  }
}

/** The output of one process. */
export class ProcessOutput {
  readonly stdout: StreamOutput
  readonly stderr: StreamOutput

  constructor(options: OutputOptions) {
    this.stdout = new StreamOutput("stdout", options)
    this.stderr = new StreamOutput("stderr", options)
  }

  /**
   * Reads until `exit` and the end of the output, and kills what is left of the process group. Returns the exit status, and
   * whether another process held the output for too long.
   */
  follow(
    process: HostProcess,
    exit: Effect.Effect<number>
  ): Effect.Effect<{ readonly exitCode: number; readonly drainTimedOut: boolean }, never, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const reading = yield* Effect.forkScoped(
        Effect.all([this.stdout.readAll(process.stdout), this.stderr.readAll(process.stderr)], {
          concurrency: 2,
          discard: true
        }),
        { startImmediately: true }
      )
      const exitCode = yield* exit
      const drainTimedOut = !(yield* this.#ended(reading, Drain))
      yield* process.kill
      if (drainTimedOut) yield* this.#endWithin(reading, process)
      return { exitCode, drainTimedOut }
    })
  }

  /** True when the reading has ended, false when time has passed in which only the process was waited for. */
  #ended(reading: Fiber.Fiber<void>, limit: "2 seconds" | "200 millis"): Effect.Effect<boolean> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const exit = yield* Effect.timeoutOption(Fiber.await(reading), limit)
        if (exit._tag === "Some") return true
        if (!this.stdout.publishing && !this.stderr.publishing) return false
      }
    })
  }

  #endWithin(reading: Fiber.Fiber<void>, process: HostProcess): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (yield* this.#ended(reading, Grace)) return
      yield* process.closeOutput
      yield* Fiber.await(reading)
    })
  }
}
