/**
 * Notifications about the server and the machine: warnings, remote control, the Windows sandbox.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { single } from "../../SnapshotKeys.ts"

/** `threadId` null: the warning concerns the whole server. */
export const WarningNotification = lazy(() =>
  Schema.Struct({ threadId: nullable(Schema.String), message: Schema.String })
)
export type WarningNotification = Of<typeof WarningNotification>

/** A message of the reviewer to the user. */
export const GuardianWarningNotification = lazy(() =>
  Schema.Struct({ threadId: Schema.String, message: Schema.String })
)
export type GuardianWarningNotification = Of<typeof GuardianWarningNotification>

/** The client uses a deprecated feature. */
export const DeprecationNoticeNotification = lazy(() =>
  Schema.Struct({ summary: Schema.String, details: nullable(Schema.String) })
)
export type DeprecationNoticeNotification = Of<typeof DeprecationNoticeNotification>

/** Whether the server can be controlled remotely, and under which name. */
export const RemoteControlStatusChangedNotification = lazy(() =>
  Schema.Struct({
    status: Schema.Literals(["disabled", "connecting", "connected", "errored"]),
    serverName: Schema.String,
    installationId: Schema.String,
    environmentId: nullable(Schema.String)
  })
)
export type RemoteControlStatusChangedNotification = Of<typeof RemoteControlStatusChangedNotification>

/** World-writable folders that the sandbox cannot protect; `extraCount` is the number beyond the samples. */
export const WindowsWorldWritableWarningNotification = lazy(() =>
  Schema.Struct({ samplePaths: Schema.Array(Schema.String), extraCount: U64, failedScan: Schema.Boolean })
)
export type WindowsWorldWritableWarningNotification = Of<typeof WindowsWorldWritableWarningNotification>

/** The setup of the Windows sandbox is complete. */
export const WindowsSandboxSetupCompletedNotification = lazy(() =>
  Schema.Struct({
    mode: Schema.Literals(["elevated", "unelevated"]),
    success: Schema.Boolean,
    error: nullable(Schema.String)
  })
)
export type WindowsSandboxSetupCompletedNotification = Of<typeof WindowsSandboxSetupCompletedNotification>

/** Informational: clients work correctly without it. */
const advice = { tier: "bestEffort" } as const

/** The complete state, or a hint to read it again: only the newest one matters. */
const state = { tier: "latest", key: single } as const

/** Sent once. A client that misses it cannot learn of it in another way. */
const sentOnce = { tier: "lossless" } as const

/** The notifications of this resource, by method name. */
export const serverNotifications = {
  warning: Method.serverNotification({ params: WarningNotification, reach: "subscribers", ...advice }),
  guardianWarning: Method.serverNotification({ params: GuardianWarningNotification, reach: "subscribers", ...advice }),
  deprecationNotice: Method.serverNotification({
    params: DeprecationNoticeNotification,
    reach: "chosen",
    ...advice
  }),
  "windows/worldWritableWarning": Method.serverNotification({
    params: WindowsWorldWritableWarningNotification,
    reach: "everyone",
    ...advice
  }),
  "remoteControl/status/changed": Method.serverNotification({
    params: RemoteControlStatusChangedNotification,
    reach: "chosen",
    ...state
  }),
  "windowsSandbox/setupCompleted": Method.serverNotification({
    params: WindowsSandboxSetupCompletedNotification,
    reach: "chosen",
    ...sentOnce
  })
} as const
