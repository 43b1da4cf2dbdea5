/**
 * What an account and its threads have used, and what can be done about a limit.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, named, nullable, optional, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { RateLimitSnapshot } from "./RateLimit.ts"

/** `supportsLunaReserve`: the client handles the automatic fallback to the reserve. */
export const GetAccountRateLimitsParams = lazy(() =>
  Schema.NullOr(
    named("GetAccountRateLimitsParams", {
      supportsLunaReserve: absent(Schema.Boolean),
      excludeResetCreditDetails: absent(Schema.Boolean)
    })
  )
)
export type GetAccountRateLimitsParams = Of<typeof GetAccountRateLimitsParams>

/** A credit that resets the rate limits once. */
export const RateLimitResetCredit = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    resetType: Schema.Literals(["codexRateLimits", "unknown"]),
    status: Schema.Literals(["available", "redeeming", "redeemed", "unknown"]),
    grantedAt: UnixSeconds,
    expiresAt: nullable(UnixSeconds),
    title: nullable(Schema.String),
    description: nullable(Schema.String)
  })
)
export type RateLimitResetCredit = Of<typeof RateLimitResetCredit>

/** `credits` is null when only the count is known, and may be shorter than the count. */
export const RateLimitResetCreditsSummary = lazy(() =>
  Schema.Struct({
    availableCount: I64,
    credits: nullable(Schema.Array(RateLimitResetCredit()))
  })
)
export type RateLimitResetCreditsSummary = Of<typeof RateLimitResetCreditsSummary>

/** `rateLimits` is the main limit; `rateLimitsByLimitId` has all of them. `ordinaryUsageAllowed` is null when it is not known. */
export const GetAccountRateLimitsResponse = lazy(() =>
  Schema.Struct({
    ordinaryUsageAllowed: nullable(Schema.Boolean),
    rateLimits: RateLimitSnapshot(),
    rateLimitsByLimitId: nullable(Schema.Record(Schema.String, RateLimitSnapshot())),
    rateLimitResetCredits: nullable(RateLimitResetCreditsSummary()),
    accountId: nullable(Schema.String),
    rateLimitUpsell: Schema.Json
  })
)
export type GetAccountRateLimitsResponse = Of<typeof GetAccountRateLimitsResponse>

/** A retry has the `idempotencyKey` of the first attempt. Default for `creditId`: the next available one. */
export const ConsumeAccountRateLimitResetCreditParams = lazy(() =>
  named("ConsumeAccountRateLimitResetCreditParams", {
    idempotencyKey: Schema.String,
    creditId: optional(Schema.String)
  })
)
export type ConsumeAccountRateLimitResetCreditParams = Of<typeof ConsumeAccountRateLimitResetCreditParams>

export const ConsumeAccountRateLimitResetCreditResponse = lazy(() =>
  Schema.Struct({
    outcome: Schema.Literals(["reset", "nothingToReset", "noCredit", "alreadyRedeemed"])
  })
)
export type ConsumeAccountRateLimitResetCreditResponse = Of<typeof ConsumeAccountRateLimitResetCreditResponse>

/** With `threadId`, the result has the thread's estimated usage too. */
export const GetAccountTokenUsageParams = lazy(() =>
  Schema.NullOr(named("GetAccountTokenUsageParams", { threadId: optional(Schema.String) }))
)
export type GetAccountTokenUsageParams = Of<typeof GetAccountTokenUsageParams>

/** The usage of one model at one effort and speed. Money is in millionths; null means unknown. */
export const ThreadUsageBreakdownGroup = lazy(() =>
  Schema.Struct({
    model: nullable(Schema.String),
    reasoningEffort: nullable(Schema.String),
    speed: nullable(Schema.String),
    estimatedUsageCreditsMicros: I64,
    netNewInputTokens: nullable(I64),
    cachedInputTokens: nullable(I64),
    inputTokens: nullable(I64),
    outputTokens: nullable(I64),
    totalTokens: nullable(I64)
  })
)
export type ThreadUsageBreakdownGroup = Of<typeof ThreadUsageBreakdownGroup>

/** The estimated usage of a thread. Credits and dollars are in millionths; null means unknown. */
export const ThreadUsage = lazy(() =>
  Schema.Struct({
    threadId: Schema.String,
    estimatedUsageCreditsMicros: I64,
    estimatedUsageUsdMicros: nullable(I64),
    nativeUsageUsdMicros: optional(I64),
    groups: Schema.Array(ThreadUsageBreakdownGroup())
  })
)
export type ThreadUsage = Of<typeof ThreadUsage>

/** Token counts of the account. A bucket is a day; `startDate` is its date. */
export const GetAccountTokenUsageResponse = lazy(() =>
  Schema.Struct({
    summary: Schema.Struct({
      lifetimeTokens: nullable(I64),
      peakDailyTokens: nullable(I64),
      longestRunningTurnSec: nullable(I64),
      currentStreakDays: nullable(I64),
      longestStreakDays: nullable(I64)
    }),
    dailyUsageBuckets: nullable(Schema.Array(Schema.Struct({ startDate: Schema.String, tokens: I64 }))),
    threadUsage: optional(ThreadUsage())
  })
)
export type GetAccountTokenUsageResponse = Of<typeof GetAccountTokenUsageResponse>

/** What the owner of the workspace is asked for. */
export const SendAddCreditsNudgeEmailParams = lazy(() =>
  named("SendAddCreditsNudgeEmailParams", {
    creditType: Schema.Literals(["credits", "usage_limit"])
  })
)
export type SendAddCreditsNudgeEmailParams = Of<typeof SendAddCreditsNudgeEmailParams>

export const SendAddCreditsNudgeEmailResponse = lazy(() =>
  Schema.Struct({ status: Schema.Literals(["sent", "cooldown_active"]) })
)
export type SendAddCreditsNudgeEmailResponse = Of<typeof SendAddCreditsNudgeEmailResponse>
