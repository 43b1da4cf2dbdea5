/**
 * What the server notifies about the configuration.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"

/** Lines and columns are counted from 1, columns in Unicode scalar values. */
export const TextPosition = lazy(() => Schema.Struct({ line: U64, column: U64 }))
export type TextPosition = Of<typeof TextPosition>

/** A stretch of a file; the end is where it stops. */
export const TextRange = lazy(() => Schema.Struct({ start: TextPosition(), end: TextPosition() }))
export type TextRange = Of<typeof TextRange>

/** The configuration was taken with reservations; where they are in a file, `path` and `range` say so. */
export const ConfigWarningNotification = lazy(() =>
  Schema.Struct({
    summary: Schema.String,
    details: nullable(Schema.String),
    path: absent(Schema.String),
    range: absent(TextRange())
  })
)
export type ConfigWarningNotification = Of<typeof ConfigWarningNotification>

/** Told once, and a client waits for it or would never learn of it. */
const told = { tier: "lossless" } as const

/** By method name. */
export const configNotifications = {
  configWarning: Method.serverNotification({ params: ConfigWarningNotification, reach: "connection", ...told })
} as const
