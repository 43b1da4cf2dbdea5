/**
 * Taking over the configuration of other agents: what was imported, and what could not be.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** What kind of thing is taken over. */
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

/** One thing that was taken over, from where to where. */
export const ExternalAgentConfigImportItemTypeSuccess = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    cwd: nullable(Schema.String),
    source: nullable(Schema.String),
    target: nullable(Schema.String),
    title: nullable(Schema.String)
  })
)
export type ExternalAgentConfigImportItemTypeSuccess = Of<typeof ExternalAgentConfigImportItemTypeSuccess>

/** One thing that was not, and at which stage it failed. */
export const ExternalAgentConfigImportItemTypeFailure = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    errorType: nullable(Schema.String),
    subErrorType: nullable(Schema.String),
    failureStage: Schema.String,
    message: Schema.String,
    cwd: nullable(Schema.String),
    source: nullable(Schema.String)
  })
)
export type ExternalAgentConfigImportItemTypeFailure = Of<typeof ExternalAgentConfigImportItemTypeFailure>

/** The outcome for one kind of thing. */
export const ExternalAgentConfigImportTypeResult = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    successes: Schema.Array(ExternalAgentConfigImportItemTypeSuccess()),
    failures: Schema.Array(ExternalAgentConfigImportItemTypeFailure())
  })
)
export type ExternalAgentConfigImportTypeResult = Of<typeof ExternalAgentConfigImportTypeResult>
