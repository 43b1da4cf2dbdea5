/**
 * Runs of hooks: programs of the user or the organisation that are called at fixed points of a turn.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I64, nullable, UnixMillis } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The point at which the hook is called. */
export const HookEventName = lazy(() =>
  Schema.Literals([
    "preModelRequest",
    "postModelRequest",
    "preToolUse",
    "permissionRequest",
    "postToolUse",
    "preCompact",
    "postCompact",
    "sessionStart",
    "sessionEnd",
    "userPromptSubmit",
    "subagentStart",
    "subagentStop",
    "stop",
    "interrupt"
  ])
)
export type HookEventName = Of<typeof HookEventName>

/** What is called. */
export const HookHandlerType = lazy(() => Schema.Literals(["command", "mcpTool", "prompt", "agent"]))
export type HookHandlerType = Of<typeof HookHandlerType>

/** Whether the turn waits for it. */
export const HookExecutionMode = lazy(() => Schema.Literals(["sync", "async"]))
export type HookExecutionMode = Of<typeof HookExecutionMode>

/** What the run belongs to. */
export const HookScope = lazy(() => Schema.Literals(["thread", "turn"]))
export type HookScope = Of<typeof HookScope>

/** Where the hook was configured. */
export const HookSource = lazy(() =>
  Schema.Literals([
    "system",
    "user",
    "project",
    "mdm",
    "sessionFlags",
    "plugin",
    "cloudRequirements",
    "cloudManagedConfig",
    "legacyManagedConfigFile",
    "legacyManagedConfigMdm",
    "unknown"
  ])
)
export type HookSource = Of<typeof HookSource>

/** `blocked` kept something from happening; `stopped` ended the turn. */
export const HookRunStatus = lazy(() => Schema.Literals(["running", "completed", "failed", "blocked", "stopped"]))
export type HookRunStatus = Of<typeof HookRunStatus>

/** One thing a hook said, and to whom: the user, or (feedback, context) the model. */
export const HookOutputEntry = lazy(() =>
  Schema.Struct({
    kind: Schema.Literals(["warning", "stop", "feedback", "context", "error"]),
    text: Schema.String
  })
)
export type HookOutputEntry = Of<typeof HookOutputEntry>

/** A run, from start to end under one id. Times and the duration are in milliseconds; `displayOrder` sorts a list. */
export const HookRunSummary = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    eventName: HookEventName(),
    handlerType: HookHandlerType(),
    executionMode: HookExecutionMode(),
    scope: HookScope(),
    sourcePath: Schema.String,
    source: HookSource(),
    displayOrder: I64,
    status: HookRunStatus(),
    statusMessage: nullable(Schema.String),
    startedAt: UnixMillis,
    completedAt: nullable(UnixMillis),
    durationMs: nullable(I64),
    entries: Schema.Array(HookOutputEntry())
  })
)
export type HookRunSummary = Of<typeof HookRunSummary>
