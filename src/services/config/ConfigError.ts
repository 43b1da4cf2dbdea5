/**
 * Why a configuration cannot be used, and where in which file.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import type { SmallFileError } from "./SmallFiles.ts"

/** A stretch of a file; lines and columns count from 1 and both ends are part of it. */
export const TextRange = Schema.Struct({
  start: Schema.Struct({ line: Schema.Int, column: Schema.Int }),
  end: Schema.Struct({ line: Schema.Int, column: Schema.Int })
})
export type TextRange = typeof TextRange.Type

/**
 * The configuration cannot be used: nothing was started with half of it. `syntax` is a file that is not TOML, `value` a
 * setting of the wrong kind, `unresolved` a setting that names something absent or withdrawn, `unreadable` a file that is
 * there and cannot be read, `requirements` a demand of the organisation that makes no sense or could not be fetched.
 */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  reason: Schema.Literals(["syntax", "value", "unresolved", "unreadable", "requirements"]),
  /** `file:line:column` or a file; empty for what came with the command line or a request. */
  location: Schema.String,
  detail: Schema.String,
  /** Dotted path of the setting at fault. */
  key: Schema.optionalKey(Schema.String),
  file: Schema.optionalKey(Schema.String),
  range: Schema.optionalKey(TextRange),
  /** Passed on in the `data` of the answer. */
  data: Schema.optionalKey(Schema.Json)
}) {
  /** What is wrong and where, without saying what was attempted. */
  get summary(): string {
    if (this.location !== "") return `${this.location}: ${this.detail}`
    return this.key === undefined ? this.detail : `${this.detail}\nin \`${this.key}\`\n`
  }

  override get message(): string {
    return `failed to load configuration: ${this.summary}`
  }
}

/** A file that is there and cannot be read. `kind` is what the file is, such as `project config file`. */
export const unreadable =
  (kind: string, path: string) =>
  (error: SmallFileError): ConfigError =>
    new ConfigError({
      reason: "unreadable",
      location: "",
      detail: `Failed to read ${kind} ${path}: ${error.reason === "notRegular" ? `path \`${path}\` is not a file` : error.detail}`,
      file: path
    })

/** A position as editors and compilers write it. */
export const position = (file: string, range: TextRange): string => `${file}:${range.start.line}:${range.start.column}`
