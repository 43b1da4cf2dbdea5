/**
 * Settings of the command line, `-c key=value`.
 *
 * @module
 */
import * as Toml from "effect/encoding/Toml"
import * as Result from "effect/Result"
import { get, tableFromUnknown, type Value } from "./Table.ts"

/** A dotted key with its value. Dots always separate. */
export type Override = readonly [key: string, value: Value]

/**
 * Parses the argument of `-c`. The value is TOML where it is TOML (`true`, `5`, `[1, 2]`, `{a = 1}`, `"text"`) and otherwise
 * text as it stands, so that `-c model=gpt-5.5` needs no quotes. Fails with a text for the user.
 */
export const parseOverride = (argument: string): Result.Result<Override, string> => {
  const separator = argument.indexOf("=")
  if (separator < 0) return Result.fail(`Invalid override (missing '='): ${argument}`)
  const key = argument.slice(0, separator).trim()
  if (key === "") return Result.fail(`Empty key in override: ${argument}`)
  return Result.succeed([aliases.get(key) ?? key, parseValue(argument.slice(separator + 1).trim())])
}

/** Keys that moved into a section and are still accepted by their short name. */
const aliases: ReadonlyMap<string, string> = new Map([["use_legacy_landlock", "features.use_legacy_landlock"]])

const parseValue = (source: string): Value => {
  // Further lines could bring further settings along; only the value is taken.
  const document = Result.getOrUndefined(Toml.parse(`value = ${source}`))
  const value = document === undefined ? undefined : get(tableFromUnknown(document), "value")
  return value ?? source.replace(/^["']+|["']+$/g, "")
}
