/**
 * Schemas that are built on first use.
 *
 * The protocol has about four hundred object shapes, and a server uses only a few of them in its first second. Building all
 * of them at module load would slow every start, so each schema is a memoised thunk: `Turn()` is the schema.
 *
 * @module
 */
import type * as Schema from "effect/Schema"

/** A schema that is built on first use. */
export type Lazy<S extends Schema.Top> = () => S

/** The decoded type of a lazy schema. */
export type Of<L extends Lazy<Schema.Top>> = ReturnType<L>["Type"]

/** A lazy schema whose decoded form is also its wire form. All schemas of the protocol are of this kind. */
export type WireSchema = Lazy<Schema.Codec<unknown, unknown>>

/** Memoises `make`: it runs on the first call. Used for schemas and for what is compiled from them. */
export const lazy = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined
  return () => (made ??= { value: make() }).value
}
