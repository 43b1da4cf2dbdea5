/**
 * Skills: instructions in files that a model can follow.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { absent, AbsolutePath, named, nullable, optional } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The texts, icons and colour of a skill or plugin for the user. Icons are paths, or addresses when they come from a catalogue. */
export const SkillInterface = lazy(() =>
  Schema.Struct({
    displayName: optional(Schema.String),
    shortDescription: optional(Schema.String),
    iconSmall: optional(Schema.String),
    iconLarge: optional(Schema.String),
    iconSmallUrl: nullable(Schema.String),
    iconLargeUrl: nullable(Schema.String),
    brandColor: optional(Schema.String),
    defaultPrompt: optional(Schema.String)
  })
)
export type SkillInterface = Of<typeof SkillInterface>

/** A tool that a skill needs, such as an MCP server. */
export const SkillToolDependency = lazy(() =>
  Schema.Struct({
    type: Schema.String,
    value: Schema.String,
    description: optional(Schema.String),
    transport: optional(Schema.String),
    command: optional(Schema.String),
    url: optional(Schema.String)
  })
)
export type SkillToolDependency = Of<typeof SkillToolDependency>

/** A skill with the path of its file and where it was found. */
export const SkillMetadata = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    description: Schema.String,
    shortDescription: optional(Schema.String),
    interface: optional(SkillInterface()),
    dependencies: optional(Schema.Struct({ tools: Schema.Array(SkillToolDependency()) })),
    path: Schema.String,
    scope: Schema.Literals(["user", "repo", "system", "admin"]),
    enabled: Schema.Boolean,
    pluginId: nullable(Schema.String)
  })
)
export type SkillMetadata = Of<typeof SkillMetadata>

/** Default for `cwds`: the working folder of the server. `forceReload` reads the files again. */
export const SkillsListParams = lazy(() =>
  named("SkillsListParams", {
    cwds: absent(Schema.Array(Schema.String)),
    forceReload: absent(Schema.Boolean)
  })
)
export type SkillsListParams = Of<typeof SkillsListParams>

/** The skills of one working folder, and the files that are no valid skills. */
export const SkillsListEntry = lazy(() =>
  Schema.Struct({
    cwd: Schema.String,
    skills: Schema.Array(SkillMetadata()),
    errors: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))
  })
)
export type SkillsListEntry = Of<typeof SkillsListEntry>

export const SkillsListResponse = lazy(() => Schema.Struct({ data: Schema.Array(SkillsListEntry()) }))
export type SkillsListResponse = Of<typeof SkillsListResponse>

/** Further folders with skills; replaces those of an earlier request. */
export const SkillsExtraRootsSetParams = lazy(() =>
  named("SkillsExtraRootsSetParams", { extraRoots: Schema.Array(AbsolutePath) })
)
export type SkillsExtraRootsSetParams = Of<typeof SkillsExtraRootsSetParams>

/** The skill is selected by `path` or by `name`. */
export const SkillsConfigWriteParams = lazy(() =>
  named("SkillsConfigWriteParams", {
    path: optional(AbsolutePath),
    name: optional(Schema.String),
    enabled: Schema.Boolean
  })
)
export type SkillsConfigWriteParams = Of<typeof SkillsConfigWriteParams>

export const SkillsConfigWriteResponse = lazy(() => Schema.Struct({ effectiveEnabled: Schema.Boolean }))
export type SkillsConfigWriteResponse = Of<typeof SkillsConfigWriteResponse>
