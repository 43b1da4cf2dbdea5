/**
 * The deadline of a stop, shared by everything that stops.
 *
 * It has two marks: at `work`, handlers and turns are interrupted; at `end`, the stop is over. Between the marks clients
 * read the last messages. A caller of the stop may bring the deadline forward but never postpone it.
 *
 * Foreign code has to run in a separate fiber, and what races with the deadline is the wait for that fiber: an effect that
 * cannot be interrupted would hold its caller beyond the deadline.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Fork } from "./Dispatcher.ts"

/** Default time of a stop, from the request to the end. */
export const DefaultDeadline: Duration.Duration = Duration.seconds(5)

/** The deadline of a stop: a mark at which its work has to end, and the end. It only moves forward. */
export class Deadline {
  readonly #fork: Fork
  readonly #work = Deferred.makeUnsafe<void>()
  readonly #end = Deferred.makeUnsafe<void>()
  #timers: Array<Fiber.Fiber<unknown, unknown>> = []
  readonly #followers = new Set<Deadline>()
  readonly #followed = new Set<Deadline>()

  constructor(fork: Fork) {
    this.#fork = fork
  }

  /** Waits for the `work` mark. */
  get work(): Effect.Effect<void> {
    return Deferred.await(this.#work)
  }

  /** Waits for the `end` mark. */
  get end(): Effect.Effect<void> {
    return Deferred.await(this.#end)
  }

  /** Sets the end to `total` from now at the latest, and the work mark to `share` of that. */
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

  /** Brings this deadline forward to the other one, until it is cleared. */
  follow(other: Deadline): void {
    if (Deferred.isDoneUnsafe(other.#work)) this.#reachWork()
    if (Deferred.isDoneUnsafe(other.#end)) this.#reachEnd()
    other.#followers.add(this)
    this.#followed.add(other)
  }

  /** Stops the timers, when everything has stopped. */
  clear(): void {
    for (const timer of this.#timers.splice(0)) timer.interruptUnsafe()
    for (const other of this.#followed) other.#followers.delete(this)
    this.#followed.clear()
  }

  #reachWork(): void {
    if (!Deferred.doneUnsafe(this.#work, Exit.void)) return
    for (const follower of Array.from(this.#followers)) follower.#reachWork()
  }

  #reachEnd(): void {
    this.#reachWork()
    if (!Deferred.doneUnsafe(this.#end, Exit.void)) return
    for (const follower of Array.from(this.#followers)) follower.#reachEnd()
  }
}
