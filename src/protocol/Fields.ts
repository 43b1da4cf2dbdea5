/**
 * The field kinds of the protocol, by the names its schema gives them.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { lazy } from "./Lazy.ts"

/** How the protocol declares every optional parameter: optional and nullable. Absent and `null` mean the same. */
export const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** Present in every result; `null` when there is no value. */
export const nullable = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)

/** May be absent, but never `null`. */
export const absent = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

/** Defaults to `value` when the sender omits it. Always present after decoding and in messages that are sent. */
export const defaulted = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema)

/** Like `nullable`, for shapes that clients send too: an absent member decodes to `null`. */
export const orNull = <S extends Schema.Top>(schema: S) => defaulted(Schema.NullOr(schema), null)

/** An object by the name that the released server gives it. The name appears in the errors of wrong parameters. */
export const named = <const Fields extends Schema.Struct.Fields>(name: string, fields: Fields) =>
  Schema.Struct(fields).annotate({ identifier: name })

/** An unsigned 16-bit integer; ports and HTTP statuses. */
export const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })).annotate({ expected: "u16" })

/** A signed 32-bit integer; exit codes and depths. */
export const I32 = Schema.Int.check(Schema.isBetween({ minimum: -0x8000_0000, maximum: 0x7fff_ffff })).annotate({
  expected: "i32"
})

/** An unsigned 64-bit integer, exact up to 2^53; durations, byte offsets and sizes. */
export const U64 = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ expected: "u64" })

/** The same for sizes in memory, which have another name in the errors of wrong parameters. */
export const USize = U64.annotate({ expected: "usize" })

/** A finite number; percentages. */
export const F64 = Schema.Finite.annotate({ expected: "f64" })

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

/** No members in this release. The object is open, so members added by a later release are accepted. */
export const Empty = JsonObject

/** The result of a request that reports nothing. */
export const EmptyResult = lazy(() => Empty)

/** Parameters that are an object without members. `name` is the released server's name of it. */
export const emptyParams = (name: string) => lazy(() => Empty.annotate({ identifier: name }))

/** The same for methods that refuse any member. */
export const closedParams = (name: string) =>
  lazy(() => Schema.Record(Schema.String, Schema.Never).annotate({ identifier: name }))

/** What every request for a page of a list takes: the `nextCursor` of the previous page, and the most entries to return. */
export const page = { cursor: optional(Schema.String), limit: optional(U32) }

/** The result of such a request: the entries, and the cursor of the next page, which is null after the last one. */
export const pageOf = <S extends Schema.Top>(entry: S) =>
  Schema.Struct({ data: Schema.Array(entry), nextCursor: nullable(Schema.String) })

/** The same for lists that are read in both directions. The backwards cursor is the one for the opposite direction. */
export const twoWayPageOf = <S extends Schema.Top>(entry: S) =>
  Schema.Struct({ ...pageOf(entry).fields, backwardsCursor: nullable(Schema.String) })

/** A path that may be relative. */
export const PathText = Schema.String.annotate({ expected: "path string" })

/**
 * An absolute path: a POSIX root, a Windows drive or a UNC share, on any host system. The released server refuses other
 * paths while decoding, with the message in the annotation.
 */
export const AbsolutePath = Schema.String.check(
  Schema.isPattern(/^(?:\/|[A-Za-z]:[\\/]|\\\\)/).annotate({
    expected: "path string",
    message: "AbsolutePathBuf deserialized without a base path"
  })
)
