/**
 * What a shell command does, as far as its text shows.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** One command of a pipeline. `command` is the part it was parsed from; `unknown` is the default. */
export const CommandAction = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("read"),
      command: Schema.String,
      name: Schema.String,
      path: Schema.String
    }),
    Schema.Struct({ type: Schema.Literal("listFiles"), command: Schema.String, path: nullable(Schema.String) }),
    Schema.Struct({
      type: Schema.Literal("search"),
      command: Schema.String,
      query: nullable(Schema.String),
      path: nullable(Schema.String)
    }),
    Schema.Struct({ type: Schema.Literal("unknown"), command: Schema.String })
  ])
)
export type CommandAction = Of<typeof CommandAction>
