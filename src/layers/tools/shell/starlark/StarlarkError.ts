/**
 * The errors of a Starlark file, with their position.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/** The file is invalid, uses an unsupported feature, fails, or exceeds a limit. */
export class StarlarkError extends Schema.TaggedError<StarlarkError>()("StarlarkError", {
  /** Counted from 1. */
  line: Schema.Int,
  /** Counted from 1, in UTF-16 code units. */
  column: Schema.Int,
  detail: Schema.String,
  /** True when the file may be valid but exceeds a limit of this server. */
  beyondLimit: Schema.optionalKey(Schema.Literal(true))
}) {
  override get message(): string {
    return `line ${this.line}: ${this.detail}`
  }
}

/** A place in the source; both members count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** An error at `position`. */
export const errorAt = ({ column, line }: Position, detail: string): StarlarkError =>
  new StarlarkError({ line, column, detail })

/** The error for an exceeded limit at `position`. */
export const limitAt = ({ column, line }: Position, detail: string): StarlarkError =>
  new StarlarkError({ line, column, detail, beyondLimit: true })
