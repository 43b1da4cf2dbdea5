/**
 * The form of hooks in `hooks.json` and in the table `hooks` of `config.toml`.
 *
 * @module
 */
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { HookEventName } from "../../../protocol/v2/hook/Hook.ts"

/** A hook as written. Members that are not known are ignored. */
const Handler = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("command"),
    command: Schema.String,
    timeout: Schema.optionalKey(Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))),
    async: Schema.optionalKey(Schema.Boolean),
    statusMessage: Schema.optionalKey(Schema.NullOr(Schema.String)),
    additionalContextLimit: Schema.optionalKey(Schema.NullOr(Schema.Int))
  }),
  Schema.Struct({ type: Schema.Literals(["mcp_tool", "prompt", "agent"]) })
])

/** A hook of the type `command`, as written. */
export type CommandHandler = Extract<typeof Handler.Type, { readonly type: "command" }>

const Group = Schema.Struct({
  matcher: Schema.optionalKey(Schema.NullOr(Schema.String)),
  hooks: Schema.optionalKey(Schema.Array(Handler))
})

/** The groups of one event. */
export type Groups = ReadonlyArray<typeof Group.Type>

/** The events in the order in which they are listed, with their names in files and in keys. */
export const events = [
  ["preToolUse", "PreToolUse", "pre_tool_use"],
  ["permissionRequest", "PermissionRequest", "permission_request"],
  ["postToolUse", "PostToolUse", "post_tool_use"],
  ["preCompact", "PreCompact", "pre_compact"],
  ["postCompact", "PostCompact", "post_compact"],
  ["sessionStart", "SessionStart", "session_start"],
  ["sessionEnd", "SessionEnd", "session_end"],
  ["userPromptSubmit", "UserPromptSubmit", "user_prompt_submit"],
  ["subagentStart", "SubagentStart", "subagent_start"],
  ["subagentStop", "SubagentStop", "subagent_stop"],
  ["stop", "Stop", "stop"],
  ["interrupt", "Interrupt", "interrupt"]
] as const satisfies ReadonlyArray<readonly [HookEventName, string, string]>

/** The events at which this server runs hooks. Those of other events are listed. */
export const served: ReadonlySet<HookEventName> = new Set<HookEventName>([
  "preToolUse",
  "postToolUse",
  "sessionStart",
  "userPromptSubmit",
  "stop"
])

/** The events that take a matcher. */
export const matched: ReadonlySet<HookEventName> = new Set<HookEventName>([
  "preToolUse",
  "permissionRequest",
  "postToolUse",
  "sessionStart",
  "subagentStart",
  "subagentStop",
  "preCompact",
  "postCompact"
])

const Table = Schema.Struct(
  Object.fromEntries(events.map(([, name]) => [name, Schema.optionalKey(Schema.Array(Group))]))
)

/** The groups by event, or what is wrong with them. */
export const decode = (value: unknown): ReadonlyMap<string, Groups> | string => {
  const exit = Schema.decodeUnknownExit(Table)(value)
  if (Exit.isFailure(exit)) {
    const text = String(exit.cause.reasons[0]?._tag === "Fail" ? exit.cause.reasons[0].error : "invalid")
    return text.split("\n")[0]?.slice(0, 300) ?? "invalid"
  }
  return new Map(Object.entries(exit.value).flatMap(([name, groups]) => (groups === undefined ? [] : [[name, groups]])))
}
