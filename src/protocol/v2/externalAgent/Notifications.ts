/**
 * Progress of an import from another agent.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { lazy, type Of } from "../../Lazy.ts"
import * as Method from "../../Method.ts"
import { ExternalAgentConfigImportTypeResult } from "./ExternalAgent.ts"

/** The items imported so far, or all of them. */
const imported = () =>
  Schema.Struct({ importId: Schema.String, itemTypeResults: Schema.Array(ExternalAgentConfigImportTypeResult()) })

/** Progress of an import. */
export const ExternalAgentConfigImportProgressNotification = lazy(imported)
export type ExternalAgentConfigImportProgressNotification = Of<typeof ExternalAgentConfigImportProgressNotification>

/** The import is complete, with its successes and failures. */
export const ExternalAgentConfigImportCompletedNotification = lazy(imported)
export type ExternalAgentConfigImportCompletedNotification = Of<typeof ExternalAgentConfigImportCompletedNotification>

/** Informational: clients work correctly without it. */
const advice = { tier: "bestEffort" } as const

/** Sent once. A client that misses it cannot learn of it in another way. */
const sentOnce = { tier: "lossless" } as const

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
    ...sentOnce
  })
} as const
