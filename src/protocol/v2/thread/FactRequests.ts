/**
 * Requests that change facts of a thread, loaded or not: its name, its archive, its metadata, its settings, its attachments
 * and how far it was read.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult, named, optional, page, pageOf, PathText } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ThreadAttachment, ThreadAttachmentOwner, ThreadAttachmentPage } from "./Attachment.ts"
import { TurnEnvironmentParams } from "./Environment.ts"
import {
  ApprovalsReviewer,
  AskForApproval,
  CollaborationMode,
  granularField,
  MultiAgentMode,
  Personality,
  ReasoningEffort,
  ReasoningSummary,
  SandboxPolicy
} from "./Settings.ts"
import { Thread, ThreadReadState } from "./Thread.ts"

/** Parameters with a thread's id only. */
const ofThread = (name: string) => lazy(() => named(name, { threadId: Schema.String }))

export const ThreadArchiveParams = ofThread("ThreadArchiveParams")
export type ThreadArchiveParams = Of<typeof ThreadArchiveParams>

export const ThreadArchiveResponse = EmptyResult
export type ThreadArchiveResponse = Of<typeof ThreadArchiveResponse>

export const ThreadUnarchiveParams = ofThread("ThreadUnarchiveParams")
export type ThreadUnarchiveParams = Of<typeof ThreadUnarchiveParams>

export const ThreadUnarchiveResponse = lazy(() => Schema.Struct({ thread: Thread() }))
export type ThreadUnarchiveResponse = Of<typeof ThreadUnarchiveResponse>

export const ThreadDeleteParams = ofThread("ThreadDeleteParams")
export type ThreadDeleteParams = Of<typeof ThreadDeleteParams>

export const ThreadDeleteResponse = EmptyResult
export type ThreadDeleteResponse = Of<typeof ThreadDeleteResponse>

/** White space around the name is removed. */
export const ThreadSetNameParams = lazy(() =>
  named("ThreadSetNameParams", { threadId: Schema.String, name: Schema.String })
)
export type ThreadSetNameParams = Of<typeof ThreadSetNameParams>

export const ThreadSetNameResponse = EmptyResult
export type ThreadSetNameResponse = Of<typeof ThreadSetNameResponse>

/** An absent member keeps its value, null removes it. */
export const ThreadMetadataGitInfoUpdateParams = lazy(() =>
  named("ThreadMetadataGitInfoUpdateParams", {
    sha: optional(Schema.String),
    branch: optional(Schema.String),
    originUrl: optional(Schema.String)
  })
)
export type ThreadMetadataGitInfoUpdateParams = Of<typeof ThreadMetadataGitInfoUpdateParams>

/** An empty `projectId` removes the thread from its project. */
export const ThreadMetadataUpdateParams = lazy(() =>
  named("ThreadMetadataUpdateParams", {
    threadId: Schema.String,
    projectId: optional(Schema.String),
    gitInfo: optional(ThreadMetadataGitInfoUpdateParams()),
    daybreakEnabled: optional(Schema.Boolean)
  })
)
export type ThreadMetadataUpdateParams = Of<typeof ThreadMetadataUpdateParams>

export const ThreadMetadataUpdateResponse = lazy(() => Schema.Struct({ thread: Thread() }))
export type ThreadMetadataUpdateResponse = Of<typeof ThreadMetadataUpdateResponse>

/** Settings of later turns. For `serviceTier` only, null is a value: the standard speed. */
export const ThreadSettingsUpdateParams = lazy(() =>
  named("ThreadSettingsUpdateParams", {
    threadId: Schema.String,
    disabledPluginIds: optional(Schema.Array(Schema.String)),
    cwd: optional(PathText),
    environments: optional(Schema.Array(TurnEnvironmentParams())),
    approvalPolicy: optional(AskForApproval()),
    approvalsReviewer: optional(ApprovalsReviewer()),
    sandboxPolicy: optional(SandboxPolicy()),
    permissions: optional(Schema.String),
    model: optional(Schema.String),
    serviceTier: optional(Schema.String),
    effort: optional(ReasoningEffort()),
    summary: optional(ReasoningSummary()),
    collaborationMode: optional(CollaborationMode()),
    multiAgentMode: optional(MultiAgentMode()),
    personality: optional(Personality())
  })
)
export type ThreadSettingsUpdateParams = Of<typeof ThreadSettingsUpdateParams>

export const ThreadSettingsUpdateResponse = EmptyResult
export type ThreadSettingsUpdateResponse = Of<typeof ThreadSettingsUpdateResponse>

/** `expectedRevision` is that of the state which the user saw. */
export const ThreadReadStateUpdateParams = lazy(() =>
  named("ThreadReadStateUpdateParams", {
    threadId: Schema.String,
    operation: Schema.Union([
      Schema.Struct({ type: Schema.Literal("read") }),
      Schema.Struct({ type: Schema.Literal("unread") })
    ]).annotate({ identifier: "ThreadReadStateOperation" }),
    expectedRevision: Schema.String
  })
)
export type ThreadReadStateUpdateParams = Of<typeof ThreadReadStateUpdateParams>

export const ThreadReadStateUpdateResponse = lazy(() => Schema.Struct({ readState: ThreadReadState() }))
export type ThreadReadStateUpdateResponse = Of<typeof ThreadReadStateUpdateResponse>

const attachmentIdentity = { attachmentType: Schema.String, identityKey: Schema.String }

export const ThreadAttachmentAddParams = lazy(() =>
  named("ThreadAttachmentAddParams", { threadId: Schema.String, ...attachmentIdentity, payload: Schema.Json })
)
export type ThreadAttachmentAddParams = Of<typeof ThreadAttachmentAddParams>

/** An existing attachment is returned unchanged. */
export const ThreadAttachmentAddResponse = lazy(() =>
  Schema.Struct({ outcome: Schema.Literals(["created", "existing"]), attachment: ThreadAttachment() })
)
export type ThreadAttachmentAddResponse = Of<typeof ThreadAttachmentAddResponse>

export const ThreadAttachmentListParams = lazy(() =>
  named("ThreadAttachmentListParams", {
    threadId: Schema.String,
    ...page
  })
)
export type ThreadAttachmentListParams = Of<typeof ThreadAttachmentListParams>

export const ThreadAttachmentListResponse = ThreadAttachmentPage
export type ThreadAttachmentListResponse = Of<typeof ThreadAttachmentListResponse>

export const ThreadAttachmentRemoveParams = lazy(() =>
  named("ThreadAttachmentRemoveParams", { threadId: Schema.String, ...attachmentIdentity })
)
export type ThreadAttachmentRemoveParams = Of<typeof ThreadAttachmentRemoveParams>

export const ThreadAttachmentRemoveResponse = EmptyResult
export type ThreadAttachmentRemoveResponse = Of<typeof ThreadAttachmentRemoveResponse>

/** Without `archived`, archived threads and others. */
export const ThreadAttachmentOwnerListParams = lazy(() =>
  named("ThreadAttachmentOwnerListParams", {
    ...attachmentIdentity,
    archived: optional(Schema.Boolean),
    ...page
  })
)
export type ThreadAttachmentOwnerListParams = Of<typeof ThreadAttachmentOwnerListParams>

export const ThreadAttachmentOwnerListResponse = lazy(() => pageOf(ThreadAttachmentOwner()))
export type ThreadAttachmentOwnerListResponse = Of<typeof ThreadAttachmentOwnerListResponse>

/** By method name. */
export const factRequests = {
  /** Ends a thread and hides it from the list. */
  "thread/archive": Method.clientRequest({
    params: ThreadArchiveParams,
    result: ThreadArchiveResponse,
    schedule: Method.perThread
  }),

  /** Shows an archived thread in the list again. It is not loaded. */
  "thread/unarchive": Method.clientRequest({
    params: ThreadUnarchiveParams,
    result: ThreadUnarchiveResponse,
    schedule: Method.perThread
  }),

  /** Ends a thread and removes everything that is stored of it. */
  "thread/delete": Method.clientRequest({
    params: ThreadDeleteParams,
    result: ThreadDeleteResponse,
    schedule: Method.perThread
  }),

  /** Names a thread. */
  "thread/name/set": Method.clientRequest({
    params: ThreadSetNameParams,
    result: ThreadSetNameResponse,
    schedule: Method.perThread
  }),

  /** Changes metadata of a thread. */
  "thread/metadata/update": Method.clientRequest({
    params: ThreadMetadataUpdateParams,
    result: ThreadMetadataUpdateResponse,
    schedule: Method.perThread,
    experimentalFields: ["projectId", "daybreakEnabled"]
  }),

  /** Changes the settings of the later turns of a loaded thread. */
  "thread/settings/update": Method.clientRequest({
    params: ThreadSettingsUpdateParams,
    result: ThreadSettingsUpdateResponse,
    schedule: Method.perThread,
    experimentalFields: [granularField]
  }),

  /** Marks a thread as read or unread. */
  "thread/readState/update": Method.clientRequest({
    params: ThreadReadStateUpdateParams,
    result: ThreadReadStateUpdateResponse,
    schedule: Method.perThread
  }),

  /** Attaches data to a thread. */
  "thread/attachment/add": Method.clientRequest({
    params: ThreadAttachmentAddParams,
    result: ThreadAttachmentAddResponse,
    schedule: Method.perThread
  }),

  /** The attachments of a thread, paginated. */
  "thread/attachment/list": Method.clientRequest({
    params: ThreadAttachmentListParams,
    result: ThreadAttachmentListResponse,
    schedule: Method.perThreadShared
  }),

  /** The threads that have an attachment, paginated. */
  "thread/attachmentOwner/list": Method.clientRequest({
    params: ThreadAttachmentOwnerListParams,
    result: ThreadAttachmentOwnerListResponse
  }),

  /** Removes an attachment. Removing an unknown one is not an error. */
  "thread/attachment/remove": Method.clientRequest({
    params: ThreadAttachmentRemoveParams,
    result: ThreadAttachmentRemoveResponse,
    schedule: Method.perThread
  })
} as const
