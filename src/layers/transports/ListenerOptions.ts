/**
 * What the listeners for embedding programs have in common: their error, and the check of limits.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type ConnectionLimits, defaultLimits, Limits } from "./ConnectionLimits.ts"

/** A listener has an invalid option and does not start. The message names the option and never its secret. */
export class ListenerOptionError extends Schema.TaggedError<ListenerOptionError>()("ListenerOptionError", {
  /** The name of the option, for example `host` or `limits.maxConnections`. */
  option: Schema.String,
  /** What is wrong with it, and what to do. */
  detail: Schema.String
}) {
  override get message(): string {
    return `invalid listener option \`${this.option}\`: ${this.detail}`
  }
}

/** @internal */
export const invalid = (option: string, detail: string): Effect.Effect<never, ListenerOptionError> =>
  Effect.fail(new ListenerOptionError({ option, detail }))

const isCount = (value: unknown): boolean => typeof value === "number" && Number.isSafeInteger(value) && value > 0

const isTime = (value: unknown): boolean => {
  const duration = Duration.fromInput(value as Duration.Input)
  return Option.isSome(duration) && Duration.isFinite(duration.value) && Duration.toMillis(duration.value) > 0
}

const times: ReadonlySet<string> = new Set(["requestGrace", "stallGrace", "requestTimeout", "initializeTimeout"])

/** The names of the limits that are not what they should be. */
const faulty = (limits: ConnectionLimits): ReadonlyArray<string> =>
  Object.entries(limits).flatMap(([name, value]: readonly [string, unknown]) => {
    if (name === "backlog") {
      const { bytes, messages } = limits.backlog
      return [...(isCount(messages) ? [] : ["backlog.messages"]), ...(isCount(bytes) ? [] : ["backlog.bytes"])]
    }
    return (times.has(name) ? isTime(value) : isCount(value)) ? [] : [name]
  })

/**
 * The limits of a listener: the given ones, and the defaults for the rest.
 *
 * @internal
 */
export const limitsOf = Effect.fnUntraced(function* (
  given: Partial<ConnectionLimits> = {}
): Effect.fn.Return<ConnectionLimits, ListenerOptionError> {
  const known = Object.entries(given).filter(
    ([name, value]) => value !== undefined && Object.hasOwn(defaultLimits, name)
  )
  const limits = { ...(yield* Limits), ...Object.fromEntries(known) }
  const [first] = faulty(limits)
  if (first !== undefined) return yield* invalid(`limits.${first}`, "it must be finite and greater than zero")
  return limits
})
