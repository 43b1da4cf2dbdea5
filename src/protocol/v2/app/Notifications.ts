/**
 * Changes of the skills and apps that a client lists.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { EmptyResult } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { single } from "../../SnapshotKeys.ts"
import { AppInfo } from "./App.ts"

/** Skills on disk changed; clients list them again. */
export const SkillsChangedNotification = EmptyResult
export type SkillsChangedNotification = Of<typeof SkillsChangedNotification>

/** The complete list of apps. */
export const AppListUpdatedNotification = lazy(() => Schema.Struct({ data: Schema.Array(AppInfo()) }))
export type AppListUpdatedNotification = Of<typeof AppListUpdatedNotification>

/** The complete state, or a hint to read it again: only the newest one matters. */
const state = { tier: "latest", key: single } as const

/** By method name. */
export const appNotifications = {
  "skills/changed": Method.serverNotification({ params: SkillsChangedNotification, reach: "everyone", ...state }),
  "app/list/updated": Method.serverNotification({ params: AppListUpdatedNotification, reach: "everyone", ...state })
} as const
