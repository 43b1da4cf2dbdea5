/**
 * Fuzzy search for files by path.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, nullable, optional, U32 } from "../../Fields.ts"
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

/** A search with a `cancellationToken` ends the one before it with the same token. */
export const FuzzyFileSearchParams = lazy(() =>
  named("FuzzyFileSearchParams", {
    query: Schema.String,
    roots: Schema.Array(Schema.String),
    cancellationToken: optional(Schema.String)
  })
)
export type FuzzyFileSearchParams = Of<typeof FuzzyFileSearchParams>

/** The best matches first. */
export const FuzzyFileSearchResponse = lazy(() => Schema.Struct({ files: Schema.Array(FuzzyFileSearchResult()) }))
export type FuzzyFileSearchResponse = Of<typeof FuzzyFileSearchResponse>

/** The client chooses `sessionId`, and then sends the query each time that the user changes it. */
export const FuzzyFileSearchSessionStartParams = lazy(() =>
  named("FuzzyFileSearchSessionStartParams", { sessionId: Schema.String, roots: Schema.Array(Schema.String) })
)
export type FuzzyFileSearchSessionStartParams = Of<typeof FuzzyFileSearchSessionStartParams>

export const FuzzyFileSearchSessionUpdateParams = lazy(() =>
  named("FuzzyFileSearchSessionUpdateParams", { sessionId: Schema.String, query: Schema.String })
)
export type FuzzyFileSearchSessionUpdateParams = Of<typeof FuzzyFileSearchSessionUpdateParams>

export const FuzzyFileSearchSessionStopParams = lazy(() =>
  named("FuzzyFileSearchSessionStopParams", { sessionId: Schema.String })
)
export type FuzzyFileSearchSessionStopParams = Of<typeof FuzzyFileSearchSessionStopParams>
