/**
 * How much of an account's rate limits is used, as reported by OpenAI's server.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { PlanType } from "./Account.ts"
import { I32, I64, nullable, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** One time window: percent used (0 to 100), its length in minutes, and when it resets. */
export const RateLimitWindow = lazy(() =>
  Schema.Struct({
    usedPercent: I32,
    windowDurationMins: nullable(I64),
    resetsAt: nullable(UnixSeconds)
  })
)
export type RateLimitWindow = Of<typeof RateLimitWindow>

/** Prepaid credits; the balance is a decimal number as text. */
export const CreditsSnapshot = lazy(() =>
  Schema.Struct({ hasCredits: Schema.Boolean, unlimited: Schema.Boolean, balance: nullable(Schema.String) })
)
export type CreditsSnapshot = Of<typeof CreditsSnapshot>

/** A spending limit and the amount used, as decimal numbers in text. */
export const SpendControlLimitSnapshot = lazy(() =>
  Schema.Struct({
    limit: Schema.String,
    used: Schema.String,
    remainingPercent: I32,
    resetsAt: UnixSeconds
  })
)
export type SpendControlLimitSnapshot = Of<typeof SpendControlLimitSnapshot>

/** Which limit was hit. */
export const RateLimitReachedType = lazy(() =>
  Schema.Literals([
    "rate_limit_reached",
    "workspace_owner_credits_depleted",
    "workspace_member_credits_depleted",
    "workspace_owner_usage_limit_reached",
    "workspace_member_usage_limit_reached"
  ])
)
export type RateLimitReachedType = Of<typeof RateLimitReachedType>

/** One limit, by its id. In an update, null means that no new value is known, not that a known value is removed. */
export const RateLimitSnapshot = lazy(() =>
  Schema.Struct({
    limitId: nullable(Schema.String),
    limitName: nullable(Schema.String),
    normalModelSlug: nullable(Schema.String),
    primary: nullable(RateLimitWindow()),
    secondary: nullable(RateLimitWindow()),
    credits: nullable(CreditsSnapshot()),
    individualLimit: nullable(SpendControlLimitSnapshot()),
    spendControlReached: nullable(Schema.Boolean),
    planType: nullable(PlanType()),
    rateLimitReachedType: nullable(RateLimitReachedType())
  })
)
export type RateLimitSnapshot = Of<typeof RateLimitSnapshot>
