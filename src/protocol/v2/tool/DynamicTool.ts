/**
 * Client tools: the server requests the client to run them.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { DynamicToolCallOutputContentItem } from "../item/WorkItem.ts"

/** One call. `callId` is the id of the item that shows it; `arguments` come from the model and are not validated. */
export const DynamicToolCallParams = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    turnId: Schema.String,
    callId: Schema.String,
    namespace: nullable(Schema.String),
    tool: Schema.String,
    arguments: Schema.Json
  })
)
export type DynamicToolCallParams = Of<typeof DynamicToolCallParams>

/** The tool's output. A failure of the tool is a response with `success` false, not an error. */
export const DynamicToolCallResponse = lazy(() =>
  Schema.Struct({ contentItems: Schema.Array(DynamicToolCallOutputContentItem()), success: Schema.Boolean })
)
export type DynamicToolCallResponse = Of<typeof DynamicToolCallResponse>
