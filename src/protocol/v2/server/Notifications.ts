/**
 * What the server says about itself and the machine: warnings, lists that are out of date, imports, the sandbox.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AppInfo } from "../app/App.ts"
import { ExternalAgentConfigImportTypeResult } from "../externalAgent/ExternalAgent.ts"
import { absent, Empty, nullable, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { single } from "../../SnapshotKeys.ts"

/** `threadId` null: it concerns the whole server. */
export const WarningNotification = lazy(() =>
  Schema.Struct({ threadId: nullable(Schema.String), message: Schema.String })
)
export type WarningNotification = Of<typeof WarningNotification>

/** The reviewer has something to say to the user. */
export const GuardianWarningNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, message: Schema.String })
)
export type GuardianWarningNotification = Of<typeof GuardianWarningNotification>

/** The client uses something that will go. */
export const DeprecationNoticeNotification = lazy(() =>
  Schema.Struct({ summary: Schema.String, details: nullable(Schema.String) })
)
export type DeprecationNoticeNotification = Of<typeof DeprecationNoticeNotification>

/** Lines and columns are counted from 1, columns in Unicode scalar values. */
export const TextPosition = lazy(() => Schema.Struct({ line: U64, column: U64 }))
export type TextPosition = Of<typeof TextPosition>

/** A stretch of a file; the end is where it stops. */
export const TextRange = lazy(() => Schema.Struct({ start: TextPosition(), end: TextPosition() }))
export type TextRange = Of<typeof TextRange>

/** The configuration was taken with reservations; where they are in a file, `path` and `range` say so. */
export const ConfigWarningNotification = lazy(() =>
  Schema.Struct({
    summary: Schema.String,
    details: nullable(Schema.String),
    path: absent(Schema.String),
    range: absent(TextRange())
  })
)
export type ConfigWarningNotification = Of<typeof ConfigWarningNotification>

/** Skills on disk changed: a client lists them again. */
export const SkillsChangedNotification = lazy(() => Empty)
export type SkillsChangedNotification = Of<typeof SkillsChangedNotification>

/** The apps, all of them. */
export const AppListUpdatedNotification = lazy(() => Schema.Struct({ data: Schema.Array(AppInfo()) }))
export type AppListUpdatedNotification = Of<typeof AppListUpdatedNotification>

/** Whether the server can be driven from afar, and under which name. */
export const RemoteControlStatusChangedNotification = lazy(() =>
  Schema.Struct({
    status: Schema.Literals(["disabled", "connecting", "connected", "errored"]),
    serverName: Schema.String,
    installationId: Schema.String,
    environmentId: nullable(Schema.String)
  })
)
export type RemoteControlStatusChangedNotification = Of<typeof RemoteControlStatusChangedNotification>

/** What was imported so far, or at last. */
const imported = () =>
  Schema.Struct({ importId: Schema.String, itemTypeResults: Schema.Array(ExternalAgentConfigImportTypeResult()) })

/** How far an import is. */
export const ExternalAgentConfigImportProgressNotification = lazy(imported)
export type ExternalAgentConfigImportProgressNotification = Of<typeof ExternalAgentConfigImportProgressNotification>

/** An import is through, with all that it did and could not do. */
export const ExternalAgentConfigImportCompletedNotification = lazy(imported)
export type ExternalAgentConfigImportCompletedNotification = Of<typeof ExternalAgentConfigImportCompletedNotification>

/** Folders that anybody may write to and the sandbox cannot protect; `extraCount` more than the samples. */
export const WindowsWorldWritableWarningNotification = lazy(() =>
  Schema.Struct({ samplePaths: Schema.Array(Schema.String), extraCount: U64, failedScan: Schema.Boolean })
)
export type WindowsWorldWritableWarningNotification = Of<typeof WindowsWorldWritableWarningNotification>

/** Setting up the Windows sandbox is over. */
export const WindowsSandboxSetupCompletedNotification = lazy(() =>
  Schema.Struct({
    mode: Schema.Literals(["elevated", "unelevated"]),
    success: Schema.Boolean,
    error: nullable(Schema.String)
  })
)
export type WindowsSandboxSetupCompletedNotification = Of<typeof WindowsSandboxSetupCompletedNotification>

/** Advice: work goes on the same without it. */
const advice = { tier: "bestEffort" } as const

/** The whole state, or a hint to read it again: one is as good as ten. */
const state = { tier: "latest", key: single } as const

/** Told once, and a client waits for it or would never learn of it. */
const told = { tier: "lossless" } as const

/** The notifications of this subject, by method name. */
export const serverNotifications = {
  warning: Method.serverNotification({ params: WarningNotification, reach: "subscribers", ...advice }),
  guardianWarning: Method.serverNotification({ params: GuardianWarningNotification, reach: "subscribers", ...advice }),
  deprecationNotice: Method.serverNotification({
    params: DeprecationNoticeNotification,
    reach: "connection",
    ...advice
  }),
  "windows/worldWritableWarning": Method.serverNotification({
    params: WindowsWorldWritableWarningNotification,
    reach: "everyone",
    ...advice
  }),
  "externalAgentConfig/import/progress": Method.serverNotification({
    params: ExternalAgentConfigImportProgressNotification,
    reach: "everyone",
    ...advice
  }),
  "skills/changed": Method.serverNotification({ params: SkillsChangedNotification, reach: "everyone", ...state }),
  "app/list/updated": Method.serverNotification({ params: AppListUpdatedNotification, reach: "everyone", ...state }),
  "remoteControl/status/changed": Method.serverNotification({
    params: RemoteControlStatusChangedNotification,
    reach: "connection",
    ...state
  }),
  configWarning: Method.serverNotification({ params: ConfigWarningNotification, reach: "connection", ...told }),
  "externalAgentConfig/import/completed": Method.serverNotification({
    params: ExternalAgentConfigImportCompletedNotification,
    reach: "everyone",
    ...told
  }),
  "windowsSandbox/setupCompleted": Method.serverNotification({
    params: WindowsSandboxSetupCompletedNotification,
    reach: "connection",
    ...told
  })
} as const
