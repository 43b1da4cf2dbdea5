/**
 * Feedback of the user, with or without logs.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

const report = {
  classification: Schema.String,
  reason: optional(Schema.String),
  threadId: optional(Schema.String),
  includeLogs: absent(Schema.Boolean),
  extraLogFiles: optional(Schema.Array(Schema.String)),
  tags: optional(Schema.Record(Schema.String, Schema.String))
}

/** Sends the feedback to OpenAI. */
export const FeedbackUploadParams = lazy(() => named("FeedbackUploadParams", report))
export type FeedbackUploadParams = Of<typeof FeedbackUploadParams>

/** `promptHash` is the SHA-256 of the thread's base instructions; null when they are not known. */
export const FeedbackUploadResponse = lazy(() =>
  Schema.Struct({ threadId: Schema.String, promptHash: nullable(Schema.String) })
)
export type FeedbackUploadResponse = Of<typeof FeedbackUploadResponse>

/** Writes the feedback to a new ZIP file on the server's machine. The file belongs to the client. */
export const FeedbackSaveParams = lazy(() => named("FeedbackSaveParams", { savePath: Schema.String, ...report }))
export type FeedbackSaveParams = Of<typeof FeedbackSaveParams>

export const FeedbackSaveResponse = lazy(() =>
  Schema.Struct({
    savedPath: Schema.String,
    threadId: Schema.String,
    promptHash: nullable(Schema.String)
  })
)
export type FeedbackSaveResponse = Of<typeof FeedbackSaveResponse>
