/**
 * Runs the code of a port in a separate fiber that ends with the thread, so that the code cannot block the turn.
 *
 * Owns the handling of code that does not stop when it is interrupted. The turn waits for it for `InterruptGrace`. After
 * that the code is abandoned: it is logged, `onAbandoned` revokes its means to publish, and neither the turn nor the thread
 * waits for it any longer.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

/** How long a turn waits for interrupted code. Shorter than the default deadline of a server's stop. */
export const InterruptGrace = Context.Reference("spindle/InterruptGrace", { defaultValue: () => Duration.seconds(2) })

export interface Supervision {
  /** The log's name for the code, such as `tool weather`. */
  readonly name: string
  /** The scope of the thread. */
  readonly scope: Scope.Scope
  /** Runs before the code is interrupted from outside. */
  readonly onStop?: () => void
  /** Runs synchronously when the code is abandoned. */
  readonly onAbandoned?: () => void
}

/** Interrupts the fiber and waits for its end, at most for the grace. */
const stop = <A, E>(fiber: Fiber.Fiber<A, E>, { name, onAbandoned, onStop }: Supervision): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (fiber.pollUnsafe() !== undefined) return
    onStop?.()
    fiber.interruptUnsafe()
    if (fiber.pollUnsafe() !== undefined) return
    const grace = yield* InterruptGrace
    const ended = Deferred.makeUnsafe<boolean>()
    fiber.addObserver(() => void Deferred.doneUnsafe(ended, Exit.succeed(true)))
    const expired = Effect.sync(() => void Deferred.doneUnsafe(ended, Exit.succeed(false)))
    const timer = yield* Effect.forkChild(Effect.interruptible(Effect.andThen(Effect.sleep(grace), expired)))
    const inTime = yield* Deferred.await(ended)
    timer.interruptUnsafe()
    if (inTime) return
    onAbandoned?.()
    yield* Effect.logError(`${name} did not stop within ${Duration.format(grace)} and was abandoned`)
  }).pipe(Effect.uninterruptible)

/**
 * Runs `effect` as described above. It behaves like `effect`, except that an interruption takes no longer than the grace.
 * Fibers that the effect leaves running are not supervised.
 */
export const supervised = <A, E>(effect: Effect.Effect<A, E>, supervision: Supervision): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(supervision.scope)
      const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
      // The scope owns the fiber: closing the thread interrupts it, within the grace.
      yield* Scope.addFinalizer(scope, stop(fiber, supervision))
      return yield* Effect.ensuring(restore(Fiber.join(fiber)), Scope.close(scope, Exit.void))
    })
  )
