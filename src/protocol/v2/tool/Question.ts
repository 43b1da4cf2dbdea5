/**
 * Questions that a tool puts to the user in the middle of a turn.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** One answer that is offered. */
export const ToolRequestUserInputOption = lazy(() =>
  Schema.Struct({ label: Schema.String, description: Schema.String })
)
export type ToolRequestUserInputOption = Of<typeof ToolRequestUserInputOption>

/** `isOther`: words of the user's own are welcome too. `isSecret`: they are not to be shown while typed. */
export const ToolRequestUserInputQuestion = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    header: Schema.String,
    question: Schema.String,
    isOther: Schema.Boolean,
    isSecret: Schema.Boolean,
    options: nullable(Schema.Array(ToolRequestUserInputOption()))
  })
)
export type ToolRequestUserInputQuestion = Of<typeof ToolRequestUserInputQuestion>

/** `isBlocking`: the turn waits. After `autoResolutionMs` milliseconds it goes on without an answer; null waits on. */
export const ToolRequestUserInputParams = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    turnId: Schema.String,
    itemId: Schema.String,
    questions: Schema.Array(ToolRequestUserInputQuestion()),
    isBlocking: Schema.Boolean,
    autoResolutionMs: nullable(U64)
  })
)
export type ToolRequestUserInputParams = Of<typeof ToolRequestUserInputParams>

/** What was chosen or typed for one question. */
export const ToolRequestUserInputAnswer = lazy(() => Schema.Struct({ answers: Schema.Array(Schema.String) }))
export type ToolRequestUserInputAnswer = Of<typeof ToolRequestUserInputAnswer>

/** The answers by the id of their question; one that is missing counts as empty. */
export const ToolRequestUserInputResponse = lazy(() =>
  Schema.Struct({ answers: Schema.Record(Schema.String, ToolRequestUserInputAnswer()) })
)
export type ToolRequestUserInputResponse = Of<typeof ToolRequestUserInputResponse>
