/**
 * Attachments: data of clients that belongs to a thread, such as the link to an issue.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { pageOf, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** A thread has at most one attachment with the same type and identity key. The server does not read the payload. */
export const ThreadAttachment = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    attachmentType: Schema.String,
    identityKey: Schema.String,
    payload: Schema.Json,
    createdAt: UnixSeconds
  })
)
export type ThreadAttachment = Of<typeof ThreadAttachment>

/** A thread that has an attachment. `archived` is about the thread. */
export const ThreadAttachmentOwner = lazy(() => Schema.Struct({ threadId: Schema.String, archived: Schema.Boolean }))
export type ThreadAttachmentOwner = Of<typeof ThreadAttachmentOwner>

/** A page of attachments, oldest first. */
export const ThreadAttachmentPage = lazy(() => pageOf(ThreadAttachment()))
