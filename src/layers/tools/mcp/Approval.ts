/**
 * Whether a call of an MCP tool runs, asks, or is refused.
 *
 * | mode | asks before a call of |
 * |---|---|
 * | `auto` | a tool that may change something: not read-only, and destructive or open to the world |
 * | `writes` | a tool that is not read-only |
 * | `prompt` | every tool |
 * | `approve` | no tool |
 *
 * A hint that a server does not give counts as the dangerous one. With the policy `never`, nothing asks: the call runs when
 * there is no sandbox, and is refused otherwise. All of it as in the release.
 *
 * @module
 */
import type { AskForApproval, SandboxPolicy } from "../../../protocol/v2/thread/Settings.ts"
import type { McpServerElicitationRequestResponse } from "../../../protocol/v2/mcp/Elicitation.ts"
import { get, getText, isTable, type Table, type Value } from "../../../services/config/Table.ts"
import type { ApprovalMode, McpServerConfig } from "../../../services/mcp/McpServerConfig.ts"
import type { AskParams } from "../../../services/tool/Tool.ts"

/** What a server says about a tool. */
export interface ToolHints {
  /** Null when the server does not say it. */
  readonly readOnly: boolean | null
  readonly destructive: boolean | null
  readonly openWorld: boolean | null
}

export type Decision = "run" | "ask" | "refuse"

const hint = (annotations: Table, key: string): boolean | null => {
  const value = get(annotations, key)
  return typeof value === "boolean" ? value : null
}

/** The hints in the annotations of a tool. */
export const hintsOf = (tool: Table): ToolHints => {
  const annotations = get(tool, "annotations")
  const table = isTable(annotations) ? annotations : {}
  return {
    readOnly: hint(table, "readOnlyHint"),
    destructive: hint(table, "destructiveHint"),
    openWorld: hint(table, "openWorldHint")
  }
}

/** The mode of a tool. */
export const modeOf = ({ defaultApproval, toolApproval }: McpServerConfig, tool: string): ApprovalMode =>
  toolApproval.get(tool) ?? defaultApproval

const needsApproval = (mode: ApprovalMode, { destructive, openWorld, readOnly }: ToolHints): boolean => {
  switch (mode) {
    case "approve":
      return false
    case "prompt":
      return true
    case "writes":
      return readOnly !== true
    case "auto":
      return readOnly !== true && (destructive !== false || openWorld !== false)
  }
}

/** The decision about a call that the user has not approved before. */
export const decide = (
  mode: ApprovalMode,
  hints: ToolHints,
  policy: AskForApproval,
  sandbox: SandboxPolicy
): Decision => {
  if (!needsApproval(mode, hints)) return "run"
  if (policy !== "never") return "ask"
  return sandbox.type === "dangerFullAccess" || sandbox.type === "externalSandbox" ? "run" : "refuse"
}

/** A call that needs approval. */
export interface Question {
  readonly server: string
  /** The tool as the server describes it. */
  readonly tool: Table
  readonly arguments: Table
  /** How long the user may approve calls of the tool; empty for this call only. */
  readonly persist: ReadonlyArray<string>
}

const display = (parameters: Table): ReadonlyArray<Value> =>
  Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value, display_name: name }))

/** The request to the user. */
export const questionOf = ({
  arguments: parameters,
  persist,
  server,
  tool
}: Question): AskParams<"mcpServer/elicitation/request"> => {
  const name = getText(tool, "name") ?? ""
  const annotations = get(tool, "annotations")
  const title = getText(tool, "title")
  const description = getText(tool, "description")
  return {
    serverName: server,
    mode: "form",
    _meta: {
      codex_approval_kind: "mcp_tool_call",
      ...(persist.length === 0 ? {} : { persist }),
      tool_name: name,
      ...(isTable(annotations) ? { tool_annotations: annotations } : {}),
      ...(title === undefined ? {} : { tool_title: title }),
      ...(description === undefined ? {} : { tool_description: description }),
      tool_params: parameters,
      tool_params_display: display(parameters)
    },
    message: `Allow the ${server} MCP server to run tool "${name}"?`,
    requestedSchema: { type: "object", properties: {} }
  }
}

/** The user's answer. */
export type Answer = "once" | "session" | "always" | "declined" | "cancelled"

/** What an answer means. A persistence that was not offered counts for this call only. */
export const answerOf = (
  { _meta, action }: McpServerElicitationRequestResponse,
  persist: ReadonlyArray<string>
): Answer => {
  if (action !== "accept") return action === "cancel" ? "cancelled" : "declined"
  const wanted = isTable(_meta) ? getText(_meta, "persist") : undefined
  if (wanted === undefined || !persist.includes(wanted)) return "once"
  return wanted === "always" ? "always" : "session"
}
