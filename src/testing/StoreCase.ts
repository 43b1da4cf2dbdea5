/**
 * A requirement of thread stores, as an effect that fails when a store does not meet it.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type { ThreadStore, ThreadStoreError } from "../services/thread/ThreadStore.ts"

/** A requirement and its check. */
export interface Case {
  /** The requirement that the case checks. */
  readonly name: string
  /** Succeeds when the store in its context meets the requirement. */
  readonly check: Effect.Effect<void, ThreadStoreError, ThreadStore>
}
