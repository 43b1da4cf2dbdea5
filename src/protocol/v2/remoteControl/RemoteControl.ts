/**
 * Remote control: clients elsewhere that use this server through OpenAI. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, named, nullable, optional, page, pageOf, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { RemoteControlStatusChangedNotification } from "../server/Notifications.ts"

/** `ephemeral`: until the server ends, without a change of the configuration. */
export const RemoteControlEnableParams = lazy(() =>
  Schema.NullOr(named("RemoteControlEnableParams", { ephemeral: absent(Schema.Boolean) }))
)
export type RemoteControlEnableParams = Of<typeof RemoteControlEnableParams>

/** `ephemeral`: until the server ends, without a change of the configuration. */
export const RemoteControlDisableParams = lazy(() =>
  Schema.NullOr(named("RemoteControlDisableParams", { ephemeral: absent(Schema.Boolean) }))
)
export type RemoteControlDisableParams = Of<typeof RemoteControlDisableParams>

/** The state after the request, as in `remoteControl/status/changed`. */
export const RemoteControlStatus = lazy(() => RemoteControlStatusChangedNotification())
export type RemoteControlStatus = Of<typeof RemoteControlStatus>

/** `manualCode`: a code that a person can type as well. */
export const RemoteControlPairingStartParams = lazy(() =>
  named("RemoteControlPairingStartParams", { manualCode: absent(Schema.Boolean) })
)
export type RemoteControlPairingStartParams = Of<typeof RemoteControlPairingStartParams>

/** The codes with which a client pairs, until `expiresAt`. */
export const RemoteControlPairingStartResponse = lazy(() =>
  Schema.Struct({
    pairingCode: Schema.String,
    manualPairingCode: nullable(Schema.String),
    environmentId: Schema.String,
    expiresAt: UnixSeconds
  })
)
export type RemoteControlPairingStartResponse = Of<typeof RemoteControlPairingStartResponse>

export const RemoteControlPairingStatusParams = lazy(() =>
  named("RemoteControlPairingStatusParams", {
    pairingCode: optional(Schema.String),
    manualPairingCode: optional(Schema.String)
  })
)
export type RemoteControlPairingStatusParams = Of<typeof RemoteControlPairingStatusParams>

export const RemoteControlPairingStatusResponse = lazy(() => Schema.Struct({ claimed: Schema.Boolean }))
export type RemoteControlPairingStatusResponse = Of<typeof RemoteControlPairingStatusResponse>

export const RemoteControlClientsListParams = lazy(() =>
  named("RemoteControlClientsListParams", {
    environmentId: Schema.String,
    ...page,
    order: optional(Schema.Literals(["asc", "desc"]))
  })
)
export type RemoteControlClientsListParams = Of<typeof RemoteControlClientsListParams>

/** A paired client. */
export const RemoteControlClient = lazy(() =>
  Schema.Struct({
    clientId: Schema.String,
    displayName: nullable(Schema.String),
    deviceType: nullable(Schema.String),
    platform: nullable(Schema.String),
    osVersion: nullable(Schema.String),
    deviceModel: nullable(Schema.String),
    appVersion: nullable(Schema.String),
    lastSeenAt: nullable(I64)
  })
)
export type RemoteControlClient = Of<typeof RemoteControlClient>

export const RemoteControlClientsListResponse = lazy(() => pageOf(RemoteControlClient()))
export type RemoteControlClientsListResponse = Of<typeof RemoteControlClientsListResponse>

export const RemoteControlClientsRevokeParams = lazy(() =>
  named("RemoteControlClientsRevokeParams", {
    environmentId: Schema.String,
    clientId: Schema.String
  })
)
export type RemoteControlClientsRevokeParams = Of<typeof RemoteControlClientsRevokeParams>
