/**
 * Which tools a thread's configuration enables.
 *
 * Owns what features mean for tools, both those of this server and those of an embedder. A disabled tool is not offered to
 * the model, and a call of it gets the answer of an unknown tool.
 *
 * @module
 */
import type { EffectiveConfig } from "../config/Config.ts"
import type { Tool } from "../tool/Tool.ts"

/** The features of tools by protocol name, for tools that do not declare them. */
const shell: ReadonlyArray<string> = ["shell_tool", "unified_exec"]
const known: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["exec_command", shell],
  ["write_stdin", shell]
])

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A feature is off when it is `false`, or a section with `enabled = false`. */
const isOff = (value: unknown): boolean => value === false || (isRecord(value) && value["enabled"] === false)

/** Whether the feature is off. `experimental_use_unified_exec_tool` is the older name of `features.unified_exec`. */
const offIn =
  (settings: EffectiveConfig["settings"]) =>
  (feature: string): boolean => {
    const features = isRecord(settings["features"]) ? settings["features"] : {}
    if (Object.hasOwn(features, feature)) return isOff(features[feature])
    return feature === "unified_exec" && settings["experimental_use_unified_exec_tool"] === false
  }

/** Whether the configuration turns the feature off. */
export const isFeatureOff = ({ settings }: EffectiveConfig, feature: string): boolean => offIn(settings)(feature)

/** The enabled tools, in their order. */
export const switchedOn = (tools: ReadonlyArray<Tool>, { settings }: EffectiveConfig): ReadonlyArray<Tool> => {
  const isFeatureOff = offIn(settings)
  return tools.filter((tool) => !(tool.features ?? known.get(tool.spec.name) ?? []).some(isFeatureOff))
}

/** The tools of a turn: a thread without an environment can neither run commands nor apply patches. */
export const inEnvironment = (
  tools: ReadonlyArray<Tool>,
  environments: ReadonlyArray<unknown> | null
): ReadonlyArray<Tool> =>
  environments?.length === 0
    ? tools.filter(
        (tool) =>
          tool.spec.name !== "apply_patch" && !(tool.features ?? known.get(tool.spec.name) ?? []).includes("shell_tool")
      )
    : tools
