/**
 * Notifications about the configuration.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"

/** Lines and columns count from 1; columns are in Unicode scalar values. */
export const TextPosition = lazy(() => Schema.Struct({ line: U64, column: U64 }))
export type TextPosition = Of<typeof TextPosition>

/** A range in a file. */
export const TextRange = lazy(() => Schema.Struct({ start: TextPosition(), end: TextPosition() }))
export type TextRange = Of<typeof TextRange>

/** The configuration was loaded with a warning. `path` and `range` locate it when it is in a file. */
export const ConfigWarningNotification = lazy(() =>
  Schema.Struct({
    summary: Schema.String,
    details: nullable(Schema.String),
    path: absent(Schema.String),
    range: absent(TextRange())
  })
)
export type ConfigWarningNotification = Of<typeof ConfigWarningNotification>

/** Sent once. A client that misses it cannot learn of it in another way. */
const sentOnce = { tier: "lossless" } as const

/** By method name. */
export const configNotifications = {
  configWarning: Method.serverNotification({ params: ConfigWarningNotification, reach: "chosen", ...sentOnce })
} as const
