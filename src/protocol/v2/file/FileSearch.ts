/**
 * Finding files by a few letters of their path.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U32 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/**
 * A match, better with a higher score. `path` is relative to `root`; `indices` are the matched characters of it. The
 * underscores are the protocol's.
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
