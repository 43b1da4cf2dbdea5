/**
 * Progress of an import from another agent.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ExternalAgentConfigImportTypeResult } from "./ExternalAgent.ts"

/** What was imported so far, or at last. */
const imported = () =>
  Schema.Struct({ importId: Schema.String, itemTypeResults: Schema.Array(ExternalAgentConfigImportTypeResult()) })

/** How far an import is. */
export const ExternalAgentConfigImportProgressNotification = lazy(imported)
export type ExternalAgentConfigImportProgressNotification = Of<typeof ExternalAgentConfigImportProgressNotification>

/** An import is through, with all that it did and could not do. */
export const ExternalAgentConfigImportCompletedNotification = lazy(imported)
export type ExternalAgentConfigImportCompletedNotification = Of<typeof ExternalAgentConfigImportCompletedNotification>

/** Advice: work goes on the same without it. */
const advice = { tier: "bestEffort" } as const

/** Told once, and a client waits for it or would never learn of it. */
const told = { tier: "lossless" } as const

/** By method name. */
export const externalAgentNotifications = {
  "externalAgentConfig/import/progress": Method.serverNotification({
    params: ExternalAgentConfigImportProgressNotification,
    reach: "everyone",
    ...advice
  }),
  "externalAgentConfig/import/completed": Method.serverNotification({
    params: ExternalAgentConfigImportCompletedNotification,
    reach: "everyone",
    ...told
  })
} as const
