/**
 * The field kinds of the protocol, by the names its schema gives them.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Optional and nullable: how the protocol spells every optional parameter. Absent and `null` mean the same. */
export const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** Present in every result, `null` where there is no value. */
export const nullable = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)

/** May be left out, but is never `null`. */
export const absent = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

/** Filled with `value` when a sender leaves it out; always present once decoded and in what is sent. */
export const defaulted = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema)

/** As `nullable`, for shapes that clients send too: left out means `null`. */
export const orNull = <S extends Schema.Top>(schema: S) => defaulted(Schema.NullOr(schema), null)

/** An unsigned 16-bit integer; ports and HTTP statuses. */
export const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })).annotate({ expected: "u16" })

/** A signed 32-bit integer; exit codes and depths. */
export const I32 = Schema.Int.check(Schema.isBetween({ minimum: -0x8000_0000, maximum: 0x7fff_ffff })).annotate({
  expected: "i32"
})

/** An unsigned 64-bit integer, exact up to 2^53; durations, byte offsets and sizes. */
export const U64 = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ expected: "u64" })

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

/** No members in this release. Open, so that members of a later one do not make it unreadable. */
export const Empty = JsonObject

/**
 * A path that must not be relative: a POSIX root, a Windows drive or a UNC share, whichever system sent it. The released
 * server refuses others while it decodes, in the words of the annotation.
 */
export const AbsolutePath = Schema.String.check(
  Schema.isPattern(/^(?:\/|[A-Za-z]:[\\/]|\\\\)/).annotate({
    expected: "path string",
    message: "AbsolutePathBuf deserialized without a base path"
  })
)
