/**
 * TieredQueues that tests fill and drain.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { OutboundMessage } from "../../src/services/routing/OutboundMessage.ts"
import * as TieredQueue from "../../src/services/routing/TieredQueue.ts"
import { lossless, nameOf } from "./Messages.ts"

export const open = (capacity: number, options: Partial<TieredQueue.TieredQueueOptions> = {}) =>
  TieredQueue.make({ capacity, requestGrace: null, emitLagMarkers: true, ...options })

/** Takes the next message. Fails with `Done` after the end. */
export const takeFrom = (outgoing: TieredQueue.TieredQueue): Effect.Effect<OutboundMessage, Cause.Done> =>
  Effect.suspend(() => {
    const message = outgoing.takeUnsafe()
    return message === undefined ? Effect.andThen(outgoing.ready, takeFrom(outgoing)) : Effect.succeed(message)
  })

/** Takes all messages that are available without waiting, and returns their names. */
export const takeHeld = Effect.fnUntraced(function* (outgoing: TieredQueue.TieredQueue) {
  const names: Array<string> = []
  while (outgoing.stats.size > 0) names.push(nameOf(yield* takeFrom(outgoing)))
  return names
})

/** Whether the producer continues without waiting. */
export const continues = (outgoing: TieredQueue.TieredQueue, message: OutboundMessage): boolean => {
  const wait = outgoing.offerUnsafe(message)
  return wait === undefined || Deferred.isDoneUnsafe(wait)
}

/** Offers several as one, and waits as the last of them asks. */
export const offerAll = (
  outgoing: TieredQueue.TieredQueue,
  messages: ReadonlyArray<OutboundMessage>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let last: TieredQueue.Wait
    for (const message of messages) last = outgoing.offerUnsafe(message) ?? last
    return TieredQueue.settled(last)
  })

export const fill = (outgoing: TieredQueue.TieredQueue, count: number): ReadonlyArray<string> => {
  const names = Array.from({ length: count }, (_, index) => `held ${index}`)
  for (const name of names) assert.isTrue(continues(outgoing, lossless(name)))
  return names
}
