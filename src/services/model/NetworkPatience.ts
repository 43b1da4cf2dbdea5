/**
 * How long a turn waits for a model server that cannot be reached at all.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

/**
 * The longest time between the first failed connection and the last attempt. Default: no limit, as in the release, because the
 * machine may be offline for a while and the client can interrupt the turn.
 */
export const NetworkPatience = Context.Reference<Duration.Input>("spindle/NetworkPatience", {
  defaultValue: () => Duration.infinity
})
