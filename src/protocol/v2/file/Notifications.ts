/**
 * Changes of watched files, and results of file searches.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AbsolutePath } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { FuzzyFileSearchResult } from "./FileSearch.ts"

/** Files at these paths changed since the last notification of this watch. */
export const FsChangedNotification = lazy(() =>
  Schema.Struct({ watchId: Schema.String, changedPaths: Schema.Array(AbsolutePath) })
)
export type FsChangedNotification = Of<typeof FsChangedNotification>

/** The best matches so far. `query` is the query that they match. */
export const FuzzyFileSearchSessionUpdatedNotification = lazy(() =>
  Schema.Struct({ sessionId: Schema.String, query: Schema.String, files: Schema.Array(FuzzyFileSearchResult()) })
)
export type FuzzyFileSearchSessionUpdatedNotification = Of<typeof FuzzyFileSearchSessionUpdatedNotification>

/** The search for the latest query is complete. */
export const FuzzyFileSearchSessionCompletedNotification = lazy(() => Schema.Struct({ sessionId: Schema.String }))
export type FuzzyFileSearchSessionCompletedNotification = Of<typeof FuzzyFileSearchSessionCompletedNotification>

/** Only this connection knows the ids in them. Output must be complete to be assembled, and an end is sent once. */
const owned = { tier: "lossless", reach: "chosen" } as const

/** A hint that something changed: a client that misses it can read the files itself. */
const hint = { tier: "bestEffort", reach: "chosen" } as const

/** By method name. */
export const fileNotifications = {
  "fs/changed": Method.serverNotification({ params: FsChangedNotification, ...hint }),
  "fuzzyFileSearch/sessionUpdated": Method.serverNotification({
    params: FuzzyFileSearchSessionUpdatedNotification,
    tier: "latest",
    reach: "chosen",
    key: (params) => params.sessionId
  }),
  "fuzzyFileSearch/sessionCompleted": Method.serverNotification({
    params: FuzzyFileSearchSessionCompletedNotification,
    ...owned
  })
} as const
