/**
 * Approvals and forms of the agent as elicitations of the MCP client.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { AppServerClient } from "../../services/client/AppServerClient.ts"

type Fields = Readonly<Record<string, unknown>>

/** Asks the MCP client for a thread. A client that cannot be asked declines. */
export type Elicit = (threadId: string, params: Fields) => Effect.Effect<Fields>

/** An approval has no fields. */
const form = { type: "object", properties: {} }

/** The decision in the answer of a client, in the form of MCP or in that of the former server. */
const decisionOf = ({ action, decision }: Fields): "accept" | "acceptForSession" | "decline" | "cancel" => {
  if (decision === "approved_for_session") return "acceptForSession"
  if (decision === "approved" || (decision === undefined && action === "accept")) return "accept"
  return decision === "abort" || (decision === undefined && action === "cancel") ? "cancel" : "decline"
}

const actions: ReadonlySet<unknown> = new Set(["accept", "decline", "cancel"])

/** Answers the approvals and forms of every thread of the client. */
export const register = Effect.fnUntraced(function* (
  client: AppServerClient["Service"],
  elicit: Elicit
): Effect.fn.Return<void, never, Scope.Scope> {
  yield* client.handle("item/commandExecution/requestApproval", (params) => {
    const { command, cwd, itemId, reason, threadId } = params
    const message = `Allow Codex to run \`${command ?? ""}\` in \`${cwd ?? ""}\`?${reason == null ? "" : ` ${reason}`}`
    const about = { codex_elicitation: "exec-approval", codex_call_id: itemId, codex_command: command, codex_cwd: cwd }
    return Effect.map(elicit(threadId, { message, requestedSchema: form, ...about }), (answer) => ({
      decision: decisionOf(answer)
    }))
  })
  yield* client.handle("item/fileChange/requestApproval", ({ itemId, reason, threadId }) => {
    const message = `Allow Codex to change files?${reason == null ? "" : ` ${reason}`}`
    const about = { codex_elicitation: "patch-approval", codex_call_id: itemId }
    return Effect.map(elicit(threadId, { message, requestedSchema: form, ...about }), (answer) => ({
      decision: decisionOf(answer)
    }))
  })
  yield* client.handle("mcpServer/elicitation/request", ({ threadId, ...params }) => {
    const about = "requestedSchema" in params ? { requestedSchema: params.requestedSchema } : {}
    const message = "message" in params ? params.message : `A request of the MCP server ${params.serverName}`
    return Effect.map(elicit(threadId, { ...params, ...about, message }), ({ action, content }) => ({
      action: actions.has(action) ? (action as "accept" | "decline" | "cancel") : ("decline" as const),
      // It was read from JSON.
      content: (content ?? null) as Schema.Json,
      _meta: null
    }))
  })
})
