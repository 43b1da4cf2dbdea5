/**
 * Reviews of changes in a repository.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { named, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { Turn } from "../turn/Turn.ts"

/** What is reviewed: the working tree, the changes since a branch, a commit, or what the instructions say. */
export const ReviewTarget = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("uncommittedChanges") }),
    Schema.Struct({ type: Schema.Literal("baseBranch"), branch: Schema.String }),
    Schema.Struct({ type: Schema.Literal("commit"), sha: Schema.String, title: optional(Schema.String) }),
    Schema.Struct({ type: Schema.Literal("custom"), instructions: Schema.String })
  ]).annotate({ identifier: "ReviewTarget" })
)
export type ReviewTarget = Of<typeof ReviewTarget>

/** The review is a turn of the thread. */
export const ReviewStartParams = lazy(() =>
  named("ReviewStartParams", {
    threadId: Schema.String,
    target: ReviewTarget(),
    delivery: optional(Schema.Literal("inline"))
  })
)
export type ReviewStartParams = Of<typeof ReviewStartParams>

export const ReviewStartResponse = lazy(() => Schema.Struct({ turn: Turn(), reviewThreadId: Schema.String }))
export type ReviewStartResponse = Of<typeof ReviewStartResponse>
