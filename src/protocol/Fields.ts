/**
 * The field kinds of the protocol, by the names its schema gives them.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/** Optional and nullable: how the protocol spells every optional parameter. Absent and `null` mean the same. */
export const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** Present in every result, `null` where there is no value. */
export const nullable = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)

/** May be left out, but is never `null`. */
export const absent = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

/** An unsigned 32-bit integer; page limits and sizes. */
export const U32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })).annotate({
  expected: "u32"
})

/** A whole number that fits a 64-bit signed integer; times, durations, token counts. */
export const I64 = Schema.Int.annotate({ expected: "i64" })

/** Unix time in whole seconds. */
export const UnixSeconds = I64

/** Unix time in milliseconds. */
export const UnixMillis = I64

/** A JSON object with string keys. */
export const JsonObject = Schema.Record(Schema.String, Schema.Json)
