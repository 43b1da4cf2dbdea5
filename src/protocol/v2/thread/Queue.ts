/**
 * The queue of a thread: input that waits until the running turn has ended.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { UserInput } from "../turn/UserInput.ts"

/** Input that waits. `clientUserMessageId` becomes the `clientId` of its message. */
export const QueuedSubmission = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    input: Schema.Array(UserInput()),
    clientUserMessageId: Schema.String,
    responsesapiClientMetadata: nullable(Schema.Record(Schema.String, Schema.String))
  })
)
export type QueuedSubmission = Of<typeof QueuedSubmission>
