/**
 * Questions of a tool to the user during a turn.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** One answer to choose from. */
export const ToolRequestUserInputOption = lazy(() =>
  Schema.Struct({ label: Schema.String, description: Schema.String })
)
export type ToolRequestUserInputOption = Of<typeof ToolRequestUserInputOption>

/** `isOther`: the user may also enter text. `isSecret`: the input is hidden. */
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

/**
 * `isBlocking`: the turn waits, at most `autoResolutionMs` milliseconds; then it continues without an answer. Null: no
 * limit.
 */
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

/** The chosen or entered answers to one question. */
export const ToolRequestUserInputAnswer = lazy(() => Schema.Struct({ answers: Schema.Array(Schema.String) }))
export type ToolRequestUserInputAnswer = Of<typeof ToolRequestUserInputAnswer>

/** The answers by question id; a missing answer counts as empty. */
export const ToolRequestUserInputResponse = lazy(() =>
  Schema.Struct({ answers: Schema.Record(Schema.String, ToolRequestUserInputAnswer()) })
)
export type ToolRequestUserInputResponse = Of<typeof ToolRequestUserInputResponse>
