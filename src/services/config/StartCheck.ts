/**
 * The port to what is checked for the user once the server is at work.
 *
 * It finds what a thread would warn of before a thread is started. It runs when the first client has initialised, so that it
 * delays neither the start nor an answer. Does not own the check, nor who is warned.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ConfigWarning } from "./Config.ts"

/** What the user should look at. Default: nothing is checked. */
export const StartCheck = Context.Reference<Effect.Effect<ReadonlyArray<ConfigWarning>>>("spindle/StartCheck", {
  defaultValue: () => Effect.succeed([])
})
