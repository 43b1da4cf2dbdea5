/**
 * The configured hooks.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, I64, named, nullable, optional, U64 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { HookEventName, HookSource } from "./Hook.ts"

/** Without `threadId`, the hooks of the folders, by default of the server's; with it, those of the loaded thread. */
export const HooksListParams = lazy(() =>
  named("HooksListParams", { cwds: absent(Schema.Array(Schema.String)), threadId: optional(Schema.String) })
)
export type HooksListParams = Of<typeof HooksListParams>

const common = () => ({
  key: Schema.String,
  eventName: HookEventName(),
  matcher: nullable(Schema.String),
  timeoutSec: U64,
  statusMessage: nullable(Schema.String),
  additionalContextLimit: nullable(U64),
  sourcePath: Schema.String,
  source: HookSource(),
  pluginId: nullable(Schema.String),
  environmentId: nullable(Schema.String),
  displayOrder: I64,
  enabled: Schema.Boolean,
  isManaged: Schema.Boolean,
  currentHash: Schema.String,
  trustStatus: Schema.Literals(["managed", "untrusted", "trusted", "modified"])
})

/** A hook by what it runs. `timeoutSec` is in seconds. `currentHash` identifies the version that the user trusts or not. */
export const HookMetadata = lazy(() =>
  Schema.Union([
    Schema.Struct({
      handlerType: Schema.Literal("command"),
      command: Schema.String,
      async: Schema.Boolean,
      ...common()
    }),
    Schema.Struct({
      handlerType: Schema.Literal("mcpTool"),
      server: Schema.String,
      tool: Schema.String,
      ...common()
    }),
    Schema.Struct({ handlerType: Schema.Literal("prompt"), ...common() }),
    Schema.Struct({ handlerType: Schema.Literal("agent"), ...common() })
  ])
)
export type HookMetadata = Of<typeof HookMetadata>

/** The hooks of one working folder, and what is wrong with their files. */
export const HooksListEntry = lazy(() =>
  Schema.Struct({
    cwd: Schema.String,
    hooks: Schema.Array(HookMetadata()),
    warnings: Schema.Array(Schema.String),
    errors: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))
  })
)
export type HooksListEntry = Of<typeof HooksListEntry>

export const HooksListResponse = lazy(() => Schema.Struct({ data: Schema.Array(HooksListEntry()) }))
export type HooksListResponse = Of<typeof HooksListResponse>
