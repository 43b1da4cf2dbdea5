/**
 * Importing the configuration of another agent: what can be imported, the import, and earlier ones.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, defaulted, named, nullable, optional, orNull, U32, UnixMillis } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import {
  ExternalAgentConfigImportItemTypeFailure,
  ExternalAgentConfigImportItemTypeSuccess,
  ExternalAgentConfigMigrationItemType
} from "./ExternalAgent.ts"

/**
 * `includeHome`: the user's home folder too. Default for the limits of sessions: the server's. `source` and `migrationSource`
 * name the other agent; the first is for the client's own records.
 */
export const ExternalAgentConfigDetectParams = lazy(() =>
  named("ExternalAgentConfigDetectParams", {
    includeHome: absent(Schema.Boolean),
    cwds: optional(Schema.Array(Schema.String)),
    maxSessionAgeDays: optional(U32),
    maxSessions: optional(U32),
    source: optional(Schema.String),
    migrationSource: optional(Schema.String)
  })
)
export type ExternalAgentConfigDetectParams = Of<typeof ExternalAgentConfigDetectParams>

const byName = () => defaulted(Schema.Array(Schema.Struct({ name: Schema.String })), [])

/** The names behind an item, by kind. */
export const MigrationDetails = lazy(() =>
  Schema.Struct({
    plugins: defaulted(
      Schema.Array(Schema.Struct({ marketplaceName: Schema.String, pluginNames: Schema.Array(Schema.String) })),
      []
    ),
    skills: byName(),
    sessions: defaulted(
      Schema.Array(Schema.Struct({ path: Schema.String, cwd: Schema.String, title: orNull(Schema.String) })),
      []
    ),
    mcpServers: byName(),
    hooks: byName(),
    subagents: byName(),
    commands: byName(),
    memory: absent(Schema.Array(Schema.String))
  })
)
export type MigrationDetails = Of<typeof MigrationDetails>

/** An item that can be imported. Without `cwd`, it belongs to the user's home folder. */
export const ExternalAgentConfigMigrationItem = lazy(() =>
  Schema.Struct({
    itemType: ExternalAgentConfigMigrationItemType(),
    description: Schema.String,
    cwd: orNull(Schema.String),
    details: orNull(MigrationDetails())
  })
)
export type ExternalAgentConfigMigrationItem = Of<typeof ExternalAgentConfigMigrationItem>

/** `connectors` are apps that the other agent seems to use. */
export const ExternalAgentConfigDetectResponse = lazy(() =>
  Schema.Struct({
    items: Schema.Array(ExternalAgentConfigMigrationItem()),
    connectors: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        sessionCount: U32,
        source: Schema.Literals(["remoteMcpServersConfig", "sessionToolUse"])
      })
    )
  })
)
export type ExternalAgentConfigDetectResponse = Of<typeof ExternalAgentConfigDetectResponse>

/** The items as they were detected. `source` and `providerId` are for the records. */
export const ExternalAgentConfigImportParams = lazy(() =>
  named("ExternalAgentConfigImportParams", {
    migrationItems: Schema.Array(ExternalAgentConfigMigrationItem()),
    source: optional(Schema.String),
    providerId: optional(Schema.String),
    migrationSource: optional(Schema.String)
  })
)
export type ExternalAgentConfigImportParams = Of<typeof ExternalAgentConfigImportParams>

/** The import has begun; notifications with this id report its progress and its end. */
export const ExternalAgentConfigImportResponse = lazy(() => Schema.Struct({ importId: Schema.String }))
export type ExternalAgentConfigImportResponse = Of<typeof ExternalAgentConfigImportResponse>

/** The results of an import that the client has made itself, to be recorded. */
export const ExternalAgentConfigImportHistoryRecordParams = lazy(() =>
  named("ExternalAgentConfigImportHistoryRecordParams", {
    providerId: Schema.String,
    itemTypeResults: Schema.Array(
      named("ExternalAgentConfigImportHistoryRecordTypeResultParams", {
        itemType: ExternalAgentConfigMigrationItemType(),
        successes: Schema.Array(ExternalAgentConfigImportItemTypeSuccess()),
        failures: Schema.Array(ExternalAgentConfigImportItemTypeFailure())
      })
    )
  })
)
export type ExternalAgentConfigImportHistoryRecordParams = Of<typeof ExternalAgentConfigImportHistoryRecordParams>

export const ExternalAgentConfigImportHistoryRecordResponse = lazy(() => Schema.Struct({ importId: Schema.String }))
export type ExternalAgentConfigImportHistoryRecordResponse = Of<typeof ExternalAgentConfigImportHistoryRecordResponse>

/** An earlier import. */
export const ExternalAgentConfigImportHistory = lazy(() =>
  Schema.Struct({
    importId: Schema.String,
    providerId: nullable(Schema.String),
    completedAtMs: UnixMillis,
    successes: Schema.Array(ExternalAgentConfigImportItemTypeSuccess()),
    failures: Schema.Array(ExternalAgentConfigImportItemTypeFailure())
  })
)
export type ExternalAgentConfigImportHistory = Of<typeof ExternalAgentConfigImportHistory>

export const ExternalAgentConfigImportHistoriesReadResponse = lazy(() =>
  Schema.Struct({
    data: Schema.Array(ExternalAgentConfigImportHistory()),
    connectors: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        sessionCount: U32,
        source: Schema.Literal("remoteMcpServersConfig")
      })
    )
  })
)
export type ExternalAgentConfigImportHistoriesReadResponse = Of<typeof ExternalAgentConfigImportHistoriesReadResponse>
