/**
 * What the server says about itself and the machine: warnings, remote control, the sandbox of Windows.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U64 } from "../../Fields.ts"
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
  "remoteControl/status/changed": Method.serverNotification({
    params: RemoteControlStatusChangedNotification,
    reach: "connection",
    ...state
  }),
  "windowsSandbox/setupCompleted": Method.serverNotification({
    params: WindowsSandboxSetupCompletedNotification,
    reach: "connection",
    ...told
  })
} as const
