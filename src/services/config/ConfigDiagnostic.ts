/**
 * What is wrong with a stack of layers, and where it is written.
 *
 * @module
 */
import type { ConfigLayerSource } from "../../protocol/v2/config/Config.ts"
import { ConfigError, position } from "./ConfigError.ts"
import * as Document from "./Document.ts"
import { keys } from "./SettingsSchema.ts"
import { check } from "./SettingType.ts"
import type { Layer } from "./ConfigLayer.ts"
import { checkProviders } from "./Providers.ts"
import { checkPolicy } from "./ShellEnvironmentPolicy.ts"
import { at, type Table } from "./Table.ts"

/** A text that is not TOML, or a value of the wrong kind. */
export interface ConfigDiagnostic {
  /** The kind of layer it is made in: who has to mend it. */
  readonly source: ConfigLayerSource["type"]
  readonly error: ConfigError
}

/** A text that is no TOML comes first, then the first value that is wrong once everything is merged. */
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
  const problem = check(keys, merged) ?? checkProviders(merged) ?? checkPolicy(merged)
  if (problem === undefined) return undefined
  const culprit = layers.find(
    ({ content, disabledReason }) => disabledReason === null && at(content.table, problem.path) !== undefined
  )
  const file = culprit?.file
  const range = file === undefined ? undefined : Document.locate(file.source, problem.path)
  const what = { reason: "value", detail: problem.detail, key: problem.path.join(".") } as const
  return {
    source: culprit?.source.type ?? "sessionFlags",
    error:
      file === undefined || range === undefined
        ? new ConfigError({ ...what, location: file?.path ?? "" })
        : new ConfigError({ ...what, location: position(file.path, range), file: file.path, range })
  }
}
