/**
 * The features that this server knows, and their state in a configuration.
 *
 * @module
 */
import type { ExperimentalFeature } from "../../protocol/v2/config/Features.ts"
import { isTable } from "./Table.ts"

/** By key in the table `features`: whether the feature is on without a setting. */
const known: Readonly<Record<string, boolean>> = {
  shell_tool: true,
  unified_exec: true,
  goals: true,
  multi_agent: true,
  hooks: true,
  apply_patch_streaming_events: false
}

const stateOf = (written: unknown, byDefault: boolean): boolean => {
  if (typeof written === "boolean") return written
  return isTable(written) && typeof written["enabled"] === "boolean" ? written["enabled"] : byDefault
}

/** Every known feature, in a fixed order. */
export const featureStates = (settings: Readonly<Record<string, unknown>>): ReadonlyArray<ExperimentalFeature> => {
  const written = isTable(settings["features"]) ? settings["features"] : {}
  return Object.entries(known).map(([name, defaultEnabled]) => ({
    name,
    stage: "stable",
    displayName: null,
    description: null,
    announcement: null,
    enabled: stateOf(written[name], defaultEnabled),
    defaultEnabled
  }))
}
