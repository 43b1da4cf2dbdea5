/**
 * Hook runs within a turn.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { HookRunSummary } from "./Hook.ts"

/** `turnId` is null for a hook of the thread. */
const hook = () => Schema.Struct({ threadId: Schema.String, turnId: nullable(Schema.String), run: HookRunSummary() })

/** A hook started. */
export const HookStartedNotification = lazy(hook)
export type HookStartedNotification = Of<typeof HookStartedNotification>

/** The hook finished; the run has the id it started with. */
export const HookCompletedNotification = lazy(hook)
export type HookCompletedNotification = Of<typeof HookCompletedNotification>

/** Clients build a transcript from these, so none may be lost. */
const transcript = { tier: "lossless", reach: "subscribers" } as const

/** By method name. */
export const hookNotifications = {
  "hook/started": Method.serverNotification({ params: HookStartedNotification, ...transcript }),
  "hook/completed": Method.serverNotification({ params: HookCompletedNotification, ...transcript })
} as const
