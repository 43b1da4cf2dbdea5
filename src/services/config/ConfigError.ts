/**
 * Why a configuration cannot be used, and where the error is.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import type { SmallFileError } from "./SmallFiles.ts"

/** A range in a file; lines and columns count from 1 and both ends are inclusive. */
export const TextRange = Schema.Struct({
  start: Schema.Struct({ line: Schema.Int, column: Schema.Int }),
  end: Schema.Struct({ line: Schema.Int, column: Schema.Int })
})
export type TextRange = typeof TextRange.Type

/**
 * The configuration cannot be used; no part of it was applied. `syntax`: a file is not TOML. `value`: a setting has the
 * wrong type. `unresolved`: a setting names something that does not exist or is no longer supported. `unreadable`: a file
 * exists and cannot be read. `requirements`: a requirement is invalid or could not be fetched.
 */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  reason: Schema.Literals(["syntax", "value", "unresolved", "unreadable", "requirements"]),
  /** `file:line:column` or a file; empty for settings of the command line or a request. */
  location: Schema.String,
  detail: Schema.String,
  /** Dotted path of the invalid setting. */
  key: Schema.optionalKey(Schema.String),
  file: Schema.optionalKey(Schema.String),
  range: Schema.optionalKey(TextRange),
  /** Returned in the `data` of the error response. */
  data: Schema.optionalKey(Schema.Json)
}) {
  /** The error and its position, without the operation that failed. */
  get summary(): string {
    if (this.location !== "") return `${this.location}: ${this.detail}`
    return this.key === undefined ? this.detail : `${this.detail}\nin \`${this.key}\`\n`
  }

  override get message(): string {
    return `failed to load configuration: ${this.summary}`
  }
}

/** The error for a file that exists and cannot be read. `kind` describes the file, such as `project config file`. */
export const unreadable =
  (kind: string, path: string) =>
  (error: SmallFileError): ConfigError =>
    new ConfigError({
      reason: "unreadable",
      location: "",
      detail: `Failed to read ${kind} ${path}: ${error.reason === "notRegular" ? `path \`${path}\` is not a file` : error.detail}`,
      file: path
    })

/** A position in the format of editors and compilers. */
export const position = (file: string, range: TextRange): string => `${file}:${range.start.line}:${range.start.column}`
