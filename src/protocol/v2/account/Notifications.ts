/**
 * Notifications about the account: who is signed in, the outcome of a login, and rate limits.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AuthMode, PlanType } from "./Account.ts"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { RateLimitSnapshot } from "./RateLimit.ts"
import { single } from "../../SnapshotKeys.ts"

/** Both members are null when the user is signed out. */
export const AccountUpdatedNotification = lazy(() =>
  Schema.Struct({ authMode: nullable(AuthMode()), planType: nullable(PlanType()) })
)
export type AccountUpdatedNotification = Of<typeof AccountUpdatedNotification>

/** `loginId` is null for a login without a browser. */
export const AccountLoginCompletedNotification = lazy(() =>
  Schema.Struct({
    loginId: nullable(Schema.String),
    success: Schema.Boolean,
    error: nullable(Schema.String),
    onboardingEntrypoint: nullable(Schema.Literal("life_sciences"))
  })
)
export type AccountLoginCompletedNotification = Of<typeof AccountLoginCompletedNotification>

/** A partial update, to be merged into the known limits: null means unchanged. */
export const AccountRateLimitsUpdatedNotification = lazy(() => Schema.Struct({ rateLimits: RateLimitSnapshot() }))
export type AccountRateLimitsUpdatedNotification = Of<typeof AccountRateLimitsUpdatedNotification>

/** The state of a login at a gateway. */
export const GatewayOAuthStatus = lazy(() => Schema.Literals(["notReady", "started", "succeeded", "failed"]))
export type GatewayOAuthStatus = Of<typeof GatewayOAuthStatus>

/** Signing in at a gateway. `authUrl` is set for the connection that started it and null for all others. */
export const GatewayOAuthChangedNotification = lazy(() =>
  Schema.Struct({
    loginId: nullable(Schema.String),
    authUrl: nullable(Schema.String),
    providerId: Schema.String,
    status: GatewayOAuthStatus(),
    error: nullable(Schema.String)
  })
)
export type GatewayOAuthChangedNotification = Of<typeof GatewayOAuthChangedNotification>

/** A client waits for it while it shows a login dialog. */
const answer = { tier: "lossless", reach: "everyone" } as const

/** The notifications of this resource, by method name. */
export const accountNotifications = {
  "account/login/completed": Method.serverNotification({ params: AccountLoginCompletedNotification, ...answer }),
  "account/gatewayOAuth/changed": Method.serverNotification({ params: GatewayOAuthChangedNotification, ...answer }),
  // There is one account, and only its current state matters.
  "account/updated": Method.serverNotification({
    params: AccountUpdatedNotification,
    tier: "latest",
    reach: "everyone",
    key: single
  }),
  // Each limit has its own key, because an update of one does not replace another.
  "account/rateLimits/updated": Method.serverNotification({
    params: AccountRateLimitsUpdatedNotification,
    tier: "latest",
    reach: "subscribers",
    key: (params) => params.rateLimits.limitId ?? ""
  })
} as const
