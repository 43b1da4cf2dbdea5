/**
 * Imports of other agents' configuration: what was imported and what failed.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { orNull } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The kind of an imported item. */
export const ExternalAgentConfigMigrationItemType = lazy(() =>
  Schema.Literals([
    "AGENTS_MD",
    "CONFIG",
    "SKILLS",
    "PLUGINS",
    "MCP_SERVER_CONFIG",
    "SUBAGENTS",
    "HOOKS",
    "COMMANDS",
    "MEMORY",
    "SESSIONS"
  ])
)
export type ExternalAgentConfigMigrationItemType = Of<typeof ExternalAgentConfigMigrationItemType>

/** One imported item, with its source and target. */
export const ExternalAgentConfigImportItemTypeSuccess = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    cwd: orNull(Schema.String),
    source: orNull(Schema.String),
    target: orNull(Schema.String),
    title: orNull(Schema.String)
  })
)
export type ExternalAgentConfigImportItemTypeSuccess = Of<typeof ExternalAgentConfigImportItemTypeSuccess>

/** One item that could not be imported, and the stage at which it failed. */
export const ExternalAgentConfigImportItemTypeFailure = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    errorType: orNull(Schema.String),
    subErrorType: orNull(Schema.String),
    failureStage: Schema.String,
    message: Schema.String,
    cwd: orNull(Schema.String),
    source: orNull(Schema.String)
  })
)
export type ExternalAgentConfigImportItemTypeFailure = Of<typeof ExternalAgentConfigImportItemTypeFailure>

/** The result for one kind of item. */
export const ExternalAgentConfigImportTypeResult = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    successes: Schema.Array(ExternalAgentConfigImportItemTypeSuccess()),
    failures: Schema.Array(ExternalAgentConfigImportItemTypeFailure())
  })
)
export type ExternalAgentConfigImportTypeResult = Of<typeof ExternalAgentConfigImportTypeResult>
