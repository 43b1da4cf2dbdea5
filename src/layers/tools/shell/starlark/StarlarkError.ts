/**
 * What is wrong with a Starlark file, and where.
 *
 * @module
 */
import * as Schema from "effect/Schema"

/** The file breaks the language, uses a part of it that is not supported, fails, or exceeds a limit. */
export class StarlarkError extends Schema.TaggedError<StarlarkError>()("StarlarkError", {
  /** Counted from 1. */
  line: Schema.Int,
  /** Counted from 1, in UTF-16 code units. */
  column: Schema.Int,
  detail: Schema.String,
  /** The file may be right, and goes beyond a limit of this server. */
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

/** The error for something at `position`. */
export const errorAt = ({ column, line }: Position, detail: string): StarlarkError =>
  new StarlarkError({ line, column, detail })

/** The error for what goes beyond a limit at `position`. */
export const limitAt = ({ column, line }: Position, detail: string): StarlarkError =>
  new StarlarkError({ line, column, detail, beyondLimit: true })
