/**
 * The first error in the layers, and its position.
 *
 * @module
 */
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import { ConfigError, position } from "./ConfigError.ts"
import * as Document from "./Document.ts"
import { checkMcpServers } from "./McpServerSettings.ts"
import { keys } from "./SettingsSchema.ts"
import { check } from "./SettingType.ts"
import type { Layer } from "./ConfigLayer.ts"
import { checkProviders } from "./Providers.ts"
import { checkPolicy } from "./ShellEnvironmentPolicy.ts"
import { at, type Table } from "./Table.ts"

/** A text that is not TOML, or a value of the wrong type. */
export interface ConfigDiagnostic {
  /** The kind of layer with the error, which decides who can fix it. */
  readonly source: ConfigLayerSource["type"]
  readonly error: ConfigError
}

/** The first error. A text that is not TOML comes first, then the first wrong value of the merged settings. */
export const firstDiagnostic = (layers: ReadonlyArray<Layer>, merged: Table): ConfigDiagnostic | undefined => {
  for (const { content, disabledReason, file, source } of layers) {
    if (content.syntax === undefined || disabledReason !== null || file === undefined) continue
    const { detail, range } = content.syntax
    const location = position(file.path, range)
    return {
      source: source.type,
      error: new ConfigError({ reason: "syntax", location, detail, file: file.path, range })
    }
  }
  const problem = check(keys, merged) ?? checkProviders(merged) ?? checkMcpServers(merged) ?? checkPolicy(merged)
  if (problem === undefined) return undefined
  const origin = layers.find(
    ({ content, disabledReason }) => disabledReason === null && at(content.table, problem.path) !== undefined
  )
  const file = origin?.file
  const range = file === undefined ? undefined : Document.locate(file.source, problem.path)
  const common = { reason: "value", detail: problem.detail, key: problem.path.join(".") } as const
  return {
    source: origin?.source.type ?? "sessionFlags",
    error:
      file === undefined || range === undefined
        ? new ConfigError({ ...common, location: file?.path ?? "" })
        : new ConfigError({ ...common, location: position(file.path, range), file: file.path, range })
  }
}
