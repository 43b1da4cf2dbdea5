/**
 * Outboxes that are filled and emptied by hand.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Outbound } from "../../src/services/Outbound.ts"
import * as Outbox from "../../src/services/Outbox.ts"
import { lossless, nameOf } from "./Messages.ts"

export const open = (capacity: number, options: Partial<Outbox.OutboxOptions> = {}) =>
  Outbox.make({ capacity, requestGrace: null, marksLag: true, ...options })

/** Takes what can be had without waiting, one by one, and writes it down. */
export const takeHeld = Effect.fnUntraced(function* (outbox: Outbox.Outbox) {
  const names: Array<string> = []
  while (outbox.stats.size > 0) names.push(nameOf(yield* outbox.take))
  return names
})

/** Whether the producer goes on at once. */
export const goesOn = (outbox: Outbox.Outbox, message: Outbound): boolean => {
  const wait = outbox.offerUnsafe(message)
  return wait === undefined || Deferred.isDoneUnsafe(wait)
}

export const fill = (outbox: Outbox.Outbox, count: number): ReadonlyArray<string> => {
  const names = Array.from({ length: count }, (_, index) => `held ${index}`)
  for (const name of names) assert.isTrue(goesOn(outbox, lossless(name)))
  return names
}
