/**
 * Hook runs: programs of the user or the organisation that run at fixed points of a turn.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { I64, nullable, UnixMillis } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** The point at which the hook runs. */
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

/** What the hook runs. */
export const HookHandlerType = lazy(() => Schema.Literals(["command", "mcpTool", "prompt", "agent"]))
export type HookHandlerType = Of<typeof HookHandlerType>

/** Whether the turn waits for the hook. */
export const HookExecutionMode = lazy(() => Schema.Literals(["sync", "async"]))
export type HookExecutionMode = Of<typeof HookExecutionMode>

/** Whether the run belongs to a thread or a turn. */
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

/** `blocked` prevented an action; `stopped` ended the turn. */
export const HookRunStatus = lazy(() => Schema.Literals(["running", "completed", "failed", "blocked", "stopped"]))
export type HookRunStatus = Of<typeof HookRunStatus>

/** One output entry of a hook, for the user or (feedback, context) for the model. */
export const HookOutputEntry = lazy(() =>
  Schema.Struct({
    kind: Schema.Literals(["warning", "stop", "feedback", "context", "error"]),
    text: Schema.String
  })
)
export type HookOutputEntry = Of<typeof HookOutputEntry>

/** A run, with one id from start to end. Times and the duration are in milliseconds; lists are sorted by `displayOrder`. */
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
