/**
 * Which model a server asks, for people who wonder. A server whose model was given to it has no such service.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

export class ModelChoice extends Context.Service<
  ModelChoice,
  {
    /** Why the offline model answers, and what to do about it; none where a real one does. */
    readonly notice: Effect.Effect<Option.Option<string>>
  }
>()("spindle/ModelChoice") {}
