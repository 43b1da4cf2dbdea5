/**
 * Who is signed in, how that went, and what is left of the allowance.
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

/** Both null: signed out. */
export const AccountUpdatedNotification = lazy(() =>
  Schema.Struct({ authMode: nullable(AuthMode()), planType: nullable(PlanType()) })
)
export type AccountUpdatedNotification = Of<typeof AccountUpdatedNotification>

/** `loginId` is null for a sign-in that needs no browser. */
export const AccountLoginCompletedNotification = lazy(() =>
  Schema.Struct({
    loginId: nullable(Schema.String),
    success: Schema.Boolean,
    error: nullable(Schema.String),
    onboardingEntrypoint: nullable(Schema.Literal("life_sciences"))
  })
)
export type AccountLoginCompletedNotification = Of<typeof AccountLoginCompletedNotification>

/** To be merged into what is known: null says nothing. */
export const AccountRateLimitsUpdatedNotification = lazy(() => Schema.Struct({ rateLimits: RateLimitSnapshot() }))
export type AccountRateLimitsUpdatedNotification = Of<typeof AccountRateLimitsUpdatedNotification>

/** Signing in at a gateway. `authUrl` is for the connection that asked, null for all others. */
export const GatewayOAuthChangedNotification = lazy(() =>
  Schema.Struct({
    loginId: nullable(Schema.String),
    authUrl: nullable(Schema.String),
    providerId: Schema.String,
    status: Schema.Literals(["notReady", "started", "succeeded", "failed"]),
    error: nullable(Schema.String)
  })
)
export type GatewayOAuthChangedNotification = Of<typeof GatewayOAuthChangedNotification>

/** A client waits for it with a sign-in dialog open. */
const answer = { tier: "lossless", reach: "everyone" } as const

/** The notifications of this subject, by method name. */
export const accountNotifications = {
  "account/login/completed": Method.serverNotification({ params: AccountLoginCompletedNotification, ...answer }),
  "account/gatewayOAuth/changed": Method.serverNotification({ params: GatewayOAuthChangedNotification, ...answer }),
  // The account is one, and what is true of it now is all that counts.
  "account/updated": Method.serverNotification({
    params: AccountUpdatedNotification,
    tier: "latest",
    reach: "everyone",
    key: single
  }),
  // Limits are told apart: an update of one says nothing of another.
  "account/rateLimits/updated": Method.serverNotification({
    params: AccountRateLimitsUpdatedNotification,
    tier: "latest",
    reach: "subscribers",
    key: (params) => params.rateLimits.limitId ?? ""
  })
} as const
