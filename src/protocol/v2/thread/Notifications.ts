/**
 * Notifications about threads: creation, removal, status, name, settings, sections and projects.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, nullable } from "../../Fields.ts"
import { ThreadGoal } from "./Goal.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ThreadSettings } from "./Settings.ts"
import { Thread, ThreadReadState, ThreadStatus, ThreadTokenUsage } from "./Thread.ts"
import { byThread } from "../../SnapshotKeys.ts"

/** A notification that carries only the thread's id. */
const OfThread = lazy(() => Schema.Struct({ threadId: Schema.String }))

/** A thread was created, by start, fork or an agent. Its `turns` are empty. */
export const ThreadStartedNotification = lazy(() => Schema.Struct({ thread: Thread() }))
export type ThreadStartedNotification = Of<typeof ThreadStartedNotification>

/** What the thread is doing now. */
export const ThreadStatusChangedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, status: ThreadStatus() })
)
export type ThreadStatusChangedNotification = Of<typeof ThreadStatusChangedNotification>

/** How far the user has read. */
export const ThreadReadStateChangedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, readState: ThreadReadState() })
)
export type ThreadReadStateChangedNotification = Of<typeof ThreadReadStateChangedNotification>

/** The thread was archived. */
export const ThreadArchivedNotification = OfThread
export type ThreadArchivedNotification = Of<typeof ThreadArchivedNotification>

/** The thread was unarchived; it is not loaded. */
export const ThreadUnarchivedNotification = OfThread
export type ThreadUnarchivedNotification = Of<typeof ThreadUnarchivedNotification>

/** The thread was deleted permanently. */
export const ThreadDeletedNotification = OfThread
export type ThreadDeletedNotification = Of<typeof ThreadDeletedNotification>

/** The thread was unloaded; it can be resumed. */
export const ThreadClosedNotification = OfThread
export type ThreadClosedNotification = Of<typeof ThreadClosedNotification>

/** Turns were reverted: the client's copy of the thread is out of date. */
export const ThreadRevertedNotification = OfThread
export type ThreadRevertedNotification = Of<typeof ThreadRevertedNotification>

/** `threadName` is absent when the thread no longer has a name. */
export const ThreadNameUpdatedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, threadName: absent(Schema.String) })
)
export type ThreadNameUpdatedNotification = Of<typeof ThreadNameUpdatedNotification>

/** `sectionId` null: the thread was removed from its section. */
export const ThreadSectionChangedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, sectionId: nullable(Schema.String) })
)
export type ThreadSectionChangedNotification = Of<typeof ThreadSectionChangedNotification>

/** Something was attached to the thread or detached from it. */
export const ThreadAttachmentUpdatedNotification = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    attachmentType: Schema.String,
    identityKey: Schema.String,
    attachmentId: Schema.String,
    operation: Schema.Literals(["created", "deleted"])
  })
)
export type ThreadAttachmentUpdatedNotification = Of<typeof ThreadAttachmentUpdatedNotification>

/** `turnId` is the turn that changed the goal; null when a client changed it. */
export const ThreadGoalUpdatedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, turnId: nullable(Schema.String), goal: ThreadGoal() })
)
export type ThreadGoalUpdatedNotification = Of<typeof ThreadGoalUpdatedNotification>

/** The thread no longer has a goal. */
export const ThreadGoalClearedNotification = OfThread
export type ThreadGoalClearedNotification = Of<typeof ThreadGoalClearedNotification>

/** A prediction of the user's next message, made after `sourceTurnId`. A completed one may still have no text. */
export const ThreadPredictionUpdatedNotification = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    sourceTurnId: Schema.String,
    result: Schema.Union([
      Schema.Struct({ type: Schema.Literal("completed"), text: nullable(Schema.String) }),
      Schema.Struct({ type: Schema.Literal("failed") })
    ])
  })
)
export type ThreadPredictionUpdatedNotification = Of<typeof ThreadPredictionUpdatedNotification>

/** The queue of inputs changed; clients read it with a request. */
export const ThreadQueueChangedNotification = OfThread
export type ThreadQueueChangedNotification = Of<typeof ThreadQueueChangedNotification>

/** A project was created, changed or deleted. */
export const ProjectChangedNotification = lazy(() =>
  Schema.Struct({ projectId: Schema.String, changeType: Schema.Literals(["created", "updated", "deleted"]) })
)
export type ProjectChangedNotification = Of<typeof ProjectChangedNotification>

/** `projectId` null: the thread was removed from its project. */
export const ThreadProjectUpdatedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, projectId: nullable(Schema.String) })
)
export type ThreadProjectUpdatedNotification = Of<typeof ThreadProjectUpdatedNotification>

/** An environment of the thread was connected or disconnected. */
export const EnvironmentConnectionNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, environmentId: Schema.String })
)
export type EnvironmentConnectionNotification = Of<typeof EnvironmentConnectionNotification>

/** All settings of later turns, not only the changed ones. */
export const ThreadSettingsUpdatedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, threadSettings: ThreadSettings() })
)
export type ThreadSettingsUpdatedNotification = Of<typeof ThreadSettingsUpdatedNotification>

/** The thread's token usage so far, after the latest model response of the given turn. */
export const ThreadTokenUsageUpdatedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, turnId: Schema.String, tokenUsage: ThreadTokenUsage() })
)
export type ThreadTokenUsageUpdatedNotification = Of<typeof ThreadTokenUsageUpdatedNotification>

/** The history was compacted. The release shows a `contextCompaction` item instead. */
export const ContextCompactedNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, turnId: Schema.String })
)
export type ContextCompactedNotification = Of<typeof ContextCompactedNotification>

/** Clients that show a list of threads maintain it from these, subscribed or not. A lost one would leave the list wrong. */
const listed = { tier: "lossless", reach: "everyone" } as const

/** Snapshots for clients that show the list. */
const listedLatest = { tier: "latest", reach: "everyone", key: byThread } as const

/** Changes that only subscribers of the thread act on. */
const inside = { tier: "lossless", reach: "subscribers" } as const

/** Snapshots for subscribers of the thread. */
const insideLatest = { tier: "latest", reach: "subscribers", key: byThread } as const

/** The notifications of this resource, by method name. */
export const threadNotifications = {
  "thread/started": Method.serverNotification({ params: ThreadStartedNotification, ...listed }),
  "thread/status/changed": Method.serverNotification({ params: ThreadStatusChangedNotification, ...listedLatest }),
  "thread/archived": Method.serverNotification({ params: ThreadArchivedNotification, ...listed }),
  "thread/unarchived": Method.serverNotification({ params: ThreadUnarchivedNotification, ...listed }),
  "thread/deleted": Method.serverNotification({ params: ThreadDeletedNotification, ...listed }),
  "thread/closed": Method.serverNotification({ params: ThreadClosedNotification, ...listed }),
  "thread/reverted": Method.serverNotification({ params: ThreadRevertedNotification, ...listed }),
  "thread/name/updated": Method.serverNotification({ params: ThreadNameUpdatedNotification, ...listed }),
  "thread/section/changed": Method.serverNotification({ params: ThreadSectionChangedNotification, ...listed }),
  "thread/attachment/updated": Method.serverNotification({ params: ThreadAttachmentUpdatedNotification, ...listed }),
  "thread/goal/updated": Method.serverNotification({ params: ThreadGoalUpdatedNotification, ...listedLatest }),
  "thread/goal/cleared": Method.serverNotification({ params: ThreadGoalClearedNotification, ...listed }),
  "project/changed": Method.serverNotification({
    params: ProjectChangedNotification,
    stability: "experimental",
    ...listed
  }),
  "thread/project/updated": Method.serverNotification({
    params: ThreadProjectUpdatedNotification,
    stability: "experimental",
    ...listed
  }),
  "thread/readState/changed": Method.serverNotification({
    params: ThreadReadStateChangedNotification,
    stability: "experimental",
    ...insideLatest
  }),
  "thread/prediction/updated": Method.serverNotification({
    params: ThreadPredictionUpdatedNotification,
    stability: "experimental",
    ...insideLatest
  }),
  "thread/tokenUsage/updated": Method.serverNotification({
    params: ThreadTokenUsageUpdatedNotification,
    ...insideLatest
  }),
  "thread/queue/changed": Method.serverNotification({
    params: ThreadQueueChangedNotification,
    stability: "experimental",
    ...inside
  }),
  "thread/environment/connected": Method.serverNotification({
    params: EnvironmentConnectionNotification,
    stability: "experimental",
    ...inside
  }),
  "thread/environment/disconnected": Method.serverNotification({
    params: EnvironmentConnectionNotification,
    stability: "experimental",
    ...inside
  }),
  "thread/settings/updated": Method.serverNotification({
    params: ThreadSettingsUpdatedNotification,
    stability: "experimental",
    ...inside
  }),
  "thread/compacted": Method.serverNotification({ params: ContextCompactedNotification, ...inside })
} as const
