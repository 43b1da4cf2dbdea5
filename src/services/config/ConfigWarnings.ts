/**
 * Warnings to users about settings that are not applied.
 *
 * @module
 */
import type { Layer } from "./ConfigLayer.ts"
import { counts, type Stack } from "./Layers.ts"

/** The number of settings that a warning lists before it only counts the rest. */
const MaxNamedSettings = 3

/** Warnings about unknown settings and about settings that a layer is not allowed to make. */
export const layerWarnings = (stack: Stack): ReadonlyArray<string> => {
  const inForce = stack.layers.filter(counts)
  const reserved = inForce.flatMap(({ content, file }) =>
    content.ignored.length === 0
      ? []
      : [
          `Ignored unsupported project-local config keys in ${file?.path ?? ""}: ${content.ignored.join(", ")}. If you want these settings to apply, manually set them in your user-level config.toml.`
        ]
  )
  const unknown = inForce.flatMap(({ content, file, source }) => {
    const place = source.type === "sessionFlags" ? "session-flags" : `${layerName(source.type)} (${file?.path ?? ""})`
    return content.unknown.toSorted().map((key) => `  ${place}: \`${key}\` is ignored.`)
  })
  if (unknown.length === 0) return reserved
  const rest = unknown.length - MaxNamedSettings
  return [
    ...reserved,
    [
      `Ignoring ${unknown.length} unrecognized configuration setting${unknown.length === 1 ? "" : "s"}. Check for typos or deprecated settings.`,
      ...unknown.slice(0, MaxNamedSettings),
      ...(rest > 0 ? [`  ... and ${rest} more ignored setting${rest === 1 ? "" : "s"}.`] : [])
    ].join("\n")
  ]
}

const layerName = (type: Layer["source"]["type"]): string =>
  type === "legacyManagedConfigTomlFromFile" ? "managed" : type

/** Which projects' layers are disabled, and how to enable them; undefined when none is. */
export const disabledProjects = (stack: Stack): string | undefined => {
  const disabled = stack.layers.flatMap(({ disabledReason, source }) =>
    disabledReason === null || source.type !== "project" ? [] : [{ folder: source.dotCodexFolder, disabledReason }]
  )
  if (disabled.length === 0) return undefined
  const lines = disabled.map(
    ({ disabledReason, folder }, index) => `    ${index + 1}. ${folder}\n       ${disabledReason}\n`
  )
  return `Project-local configuration is disabled in the following folders until the project is trusted.\n${lines.join("")}`
}
