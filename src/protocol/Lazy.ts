/**
 * Schemas that are built on first use.
 *
 * The protocol has some four hundred object shapes and a server touches a handful of them in its first second. Building
 * them all when the module is loaded would be paid on every start, so each is a memoised thunk: `Turn()` is the schema.
 *
 * @module
 */
import type * as Schema from "effect/Schema"

/** A schema that is built when it is first asked for. */
export type Lazy<S extends Schema.Top> = () => S

/** The decoded type of a lazy schema. */
export type Of<L extends Lazy<Schema.Top>> = ReturnType<L>["Type"]

/** Any lazy schema whose decoded form is also its wire form: the protocol has no other kind. */
export type WireSchema = Lazy<Schema.Codec<unknown, unknown>>

/** Makes a value once, on the first call: a schema, or what is compiled from one. */
export const lazy = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined
  return () => (made ??= { value: make() }).value
}
