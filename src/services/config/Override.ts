/**
 * Command-line settings, `-c key=value`.
 *
 * @module
 */
import * as Result from "effect/Result"
import { MaxDepth } from "../../protocol/jsonrpc/Depth.ts"
import * as Document from "./Document.ts"
import { get, levelsOf, type Value } from "./Table.ts"

/** A dotted key with its value. A dot is always a separator. */
export type Override = readonly [key: string, value: Value]

/**
 * Parses the argument of `-c`. The value is parsed as TOML (`true`, `5`, `[1, 2]`, `{a = 1}`, `"text"`); when that fails, it
 * is plain text, so `-c model=gpt-5.5` needs no quotes. Fails with a text for the user.
 */
export const parseOverride = (argument: string): Result.Result<Override, string> => {
  const separator = argument.indexOf("=")
  if (separator < 0) return Result.fail(`Invalid override (missing '='): ${argument}`)
  const key = argument.slice(0, separator).trim()
  if (key === "") return Result.fail(`Empty key in override: ${argument}`)
  const value = parseValue(argument.slice(separator + 1).trim())
  if (value === undefined || levelsOf(key) > MaxDepth) {
    return Result.fail(`Override nested deeper than ${MaxDepth} levels: ${key.slice(0, MaxEchoed)}`)
  }
  return Result.succeed([aliases.get(key) ?? key, value])
}

/** Short names of keys that were moved into a section; they are still accepted. */
const aliases: ReadonlyMap<string, string> = new Map([["use_legacy_landlock", "features.use_legacy_landlock"]])

/** Maximum number of characters of an invalid key in the error. */
const MaxEchoed = 128

/** Undefined for TOML that is nested too deeply. */
const parseValue = (source: string): Value | undefined => {
  // The text may contain further lines with other settings; only `value` is used.
  const document = Document.parse(`value = ${source}`)
  if (Result.isFailure(document) && document.failure.tooDeep === true) return undefined
  const value = Result.isSuccess(document) ? get(document.success, "value") : undefined
  return value ?? source.replace(/^["']+|["']+$/g, "")
}
