/**
 * Fuzzy search for files by path.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U32 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/**
 * A match; a higher score is better. `path` is relative to `root`; `indices` are the matched characters in it. The protocol
 * uses underscores here.
 */
export const FuzzyFileSearchResult = lazy(() =>
  Schema.Struct({
    root: Schema.String,
    path: Schema.String,
    match_type: Schema.Literals(["file", "directory"]),
    file_name: Schema.String,
    score: U32,
    indices: nullable(Schema.Array(U32))
  })
)
export type FuzzyFileSearchResult = Of<typeof FuzzyFileSearchResult>
