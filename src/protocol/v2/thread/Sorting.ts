/**
 * Directions of sorted pages.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { lazy, type Of } from "../../Lazy.ts"

/** Newest or oldest first. */
export const SortDirection = lazy(() => Schema.Literals(["asc", "desc"]))
export type SortDirection = Of<typeof SortDirection>
