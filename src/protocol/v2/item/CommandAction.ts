/**
 * What a shell command is about, as far as it can be told from its words.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** One command of a pipeline. `command` is the part it was read from; `unknown` is the honest default. */
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
