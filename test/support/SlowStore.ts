/**
 * A store in memory that a test can block or break.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Memory from "../../src/layers/stores/Memory.ts"
import type { ThreadEvent } from "../../src/services/thread/ThreadEvent.ts"
import { ThreadStore, ThreadStoreError } from "../../src/services/thread/ThreadStore.ts"

/** Blocks the next append of a matching event. */
interface Halt {
  readonly meant: (event: ThreadEvent) => boolean
  readonly reached: Deferred.Deferred<void>
  readonly goOn: Deferred.Deferred<void>
}

export const make = Effect.gen(function* () {
  const memory = Context.get(yield* Layer.build(Memory.layer), ThreadStore)
  let halt: Halt | undefined
  let isBroken = false

  const pass = (events: ReadonlyArray<ThreadEvent>) =>
    Effect.suspend(() => {
      const current = halt
      if (current === undefined || !events.some(current.meant)) return Effect.void
      halt = undefined
      return Effect.andThen(Deferred.succeed(current.reached, undefined), Deferred.await(current.goOn))
    })

  return {
    store: memory,
    layer: Layer.succeed(ThreadStore, {
      ...memory,
      append: (threadId, expectedSeq, events) =>
        Effect.suspend(() =>
          isBroken
            ? Effect.fail(
                new ThreadStoreError({ operation: "append", reason: "unavailable", cause: new Error("disk full") })
              )
            : Effect.andThen(pass(events), memory.append(threadId, expectedSeq, events))
        )
    }),
    /** From now on appends fail. */
    break: () => {
      isBroken = true
    },
    /** Appends work again. */
    repair: () => {
      isBroken = false
    },
    /** Blocks the next matching event: `reached` completes when it arrives, `goOn` releases it. */
    haltAt: (meant: Halt["meant"]) => {
      const next: Halt = { meant, reached: Deferred.makeUnsafe(), goOn: Deferred.makeUnsafe() }
      halt = next
      return {
        reached: Effect.andThen(Deferred.await(next.reached), Effect.yieldNow),
        goOn: Deferred.succeed(next.goOn, undefined)
      }
    }
  }
})
