/**
 * The one deadline of a stop, which is handed down to everything that stops.
 *
 * It has two marks: at `work` handlers and turns are given up, at `end` everything is. Between them clients read the last
 * messages. Whoever asks for the stop may bring the deadline forward, never put it off.
 *
 * Foreign code has to run in a fiber of its own, and what races with the deadline is the wait for that fiber: an effect that
 * cannot be interrupted would hold whoever runs it beyond any deadline.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Fork } from "./Dispatcher.ts"

/** From the wish to stop to the end, however much is going on. */
export const DefaultDeadline: Duration.Duration = Duration.seconds(5)

export class Deadline {
  readonly #fork: Fork
  readonly #work = Deferred.makeUnsafe<void>()
  readonly #end = Deferred.makeUnsafe<void>()
  #timers: Array<Fiber.Fiber<unknown, unknown>> = []

  constructor(fork: Fork) {
    this.#fork = fork
  }

  /** Waits for the mark at which running work is given up. */
  get work(): Effect.Effect<void> {
    return Deferred.await(this.#work)
  }

  /** Waits for the end. */
  get end(): Effect.Effect<void> {
    return Deferred.await(this.#end)
  }

  /** Comes after `total` at the latest; `share` of it is for work. */
  within(total: Duration.Input, share = 1): void {
    const whole = Duration.fromInputUnsafe(total)
    const work = Duration.times(whole, share)
    const marks = Effect.sleep(work).pipe(
      Effect.andThen(Effect.sync(() => this.#reachWork())),
      Effect.andThen(share < 1 ? Effect.sleep(Duration.subtract(whole, work)) : Effect.void),
      Effect.andThen(Effect.sync(() => this.#reachEnd()))
    )
    this.#timers.push(this.#fork(marks))
  }

  /** Comes with the other at the latest. */
  follow(other: Deadline): void {
    const work = Effect.andThen(
      other.work,
      Effect.sync(() => this.#reachWork())
    )
    const end = Effect.andThen(
      other.end,
      Effect.sync(() => this.#reachEnd())
    )
    this.#timers.push(this.#fork(work), this.#fork(end))
  }

  /** Stops the timers: what had to stop has. */
  clear(): void {
    for (const timer of this.#timers.splice(0)) timer.interruptUnsafe()
  }

  #reachWork(): void {
    Deferred.doneUnsafe(this.#work, Exit.void)
  }

  #reachEnd(): void {
    this.#reachWork()
    Deferred.doneUnsafe(this.#end, Exit.void)
  }
}
