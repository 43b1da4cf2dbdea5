/**
 * The port to checks that run after the server has started.
 *
 * They find problems that a thread would report, before a thread is started. They run when the first client has initialized,
 * so that they delay neither the start nor a response. Does not own the checks, nor who receives the warnings.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ConfigWarning } from "./Config.ts"

/** Warnings for the user. Default: no checks. */
export const StartCheck = Context.Reference<Effect.Effect<ReadonlyArray<ConfigWarning>>>("spindle/StartCheck", {
  defaultValue: () => Effect.succeed([])
})
