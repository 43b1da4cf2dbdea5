/**
 * The sandbox for commands on Windows.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AbsolutePath, named, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** `elevated` needs an administrator. */
export const WindowsSandboxSetupStartParams = lazy(() =>
  named("WindowsSandboxSetupStartParams", {
    mode: Schema.Literals(["elevated", "unelevated"]),
    cwd: optional(AbsolutePath)
  })
)
export type WindowsSandboxSetupStartParams = Of<typeof WindowsSandboxSetupStartParams>

/** `windowsSandbox/setupCompleted` reports the end. */
export const WindowsSandboxSetupStartResponse = lazy(() => Schema.Struct({ started: Schema.Boolean }))
export type WindowsSandboxSetupStartResponse = Of<typeof WindowsSandboxSetupStartResponse>

export const WindowsSandboxReadinessResponse = lazy(() =>
  Schema.Struct({
    status: Schema.Literals(["ready", "notConfigured", "updateRequired"])
  })
)
export type WindowsSandboxReadinessResponse = Of<typeof WindowsSandboxReadinessResponse>
