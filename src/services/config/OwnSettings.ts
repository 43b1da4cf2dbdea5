/**
 * The table `spindle` of the configuration: settings that the release does not have.
 *
 * Owns where they are. Does not own their meaning.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"

/** A setting of the table; undefined when it is not set. */
export const ownSetting = (settings: Readonly<Record<string, unknown>>, name: string): unknown => {
  const own: unknown = settings["spindle"]
  return Predicate.hasProperty(own, name) ? own[name] : undefined
}
