/**
 * The content of one plugin: skills, hooks, apps, MCP servers and scheduled tasks.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { nullable, U32 } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { HookEventName } from "../hook/Hook.ts"
import { SkillInterface } from "../skill/Skill.ts"
import { PluginSummary } from "./Plugin.ts"

const text = () => nullable(Schema.String)

/** An app that the plugin uses. */
export const AppSummary = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    description: text(),
    installUrl: text(),
    category: text()
  })
)
export type AppSummary = Of<typeof AppSummary>

/** An app that a workspace has to set up first; `reason` explains why it is unavailable. */
export const AppTemplateSummary = lazy(() =>
  Schema.Struct({
    templateId: Schema.String,
    name: Schema.String,
    description: text(),
    category: text(),
    canonicalConnectorId: text(),
    logoUrl: text(),
    logoUrlDark: text(),
    materializedAppIds: Schema.Array(Schema.String),
    reason: nullable(Schema.Literals(["NOT_CONFIGURED_FOR_WORKSPACE", "NO_ACTIVE_WORKSPACE"]))
  })
)
export type AppTemplateSummary = Of<typeof AppTemplateSummary>

/** A skill of the plugin; `path` is null while the plugin is not on this machine. */
export const SkillSummary = lazy(() =>
  Schema.Struct({
    name: Schema.String,
    description: Schema.String,
    shortDescription: text(),
    interface: nullable(SkillInterface()),
    path: text(),
    enabled: Schema.Boolean
  })
)
export type SkillSummary = Of<typeof SkillSummary>

const days = () => Schema.Array(Schema.Literals(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]))

/** When a task runs; `time` is a time of day. */
export const ScheduledTaskSchedule = lazy(() =>
  Schema.Union([
    Schema.Struct({ type: Schema.Literal("hourly"), intervalHours: U32, days: nullable(days()) }),
    Schema.Struct({ type: Schema.Literal("daily"), time: Schema.String }),
    Schema.Struct({ type: Schema.Literal("weekdays"), time: Schema.String }),
    Schema.Struct({ type: Schema.Literal("weekly"), days: days(), time: Schema.String })
  ])
)
export type ScheduledTaskSchedule = Of<typeof ScheduledTaskSchedule>

/** A prompt that the plugin proposes to run on a schedule. */
export const ScheduledTaskSummary = lazy(() =>
  Schema.Struct({
    key: Schema.String,
    name: Schema.String,
    prompt: Schema.String,
    schedule: ScheduledTaskSchedule()
  })
)
export type ScheduledTaskSummary = Of<typeof ScheduledTaskSummary>

/** A plugin with its content. */
export const PluginDetail = lazy(() =>
  Schema.Struct({
    marketplaceName: Schema.String,
    marketplacePath: text(),
    summary: PluginSummary(),
    shareUrl: text(),
    description: text(),
    skills: Schema.Array(SkillSummary()),
    onboardingSkill: nullable(SkillSummary()),
    hooks: Schema.Array(Schema.Struct({ key: Schema.String, eventName: HookEventName() })),
    apps: Schema.Array(AppSummary()),
    appTemplates: Schema.Array(AppTemplateSummary()),
    mcpServers: Schema.Array(Schema.String),
    scheduledTasks: nullable(Schema.Array(ScheduledTaskSummary()))
  })
)
export type PluginDetail = Of<typeof PluginDetail>
