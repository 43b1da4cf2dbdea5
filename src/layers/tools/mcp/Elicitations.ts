/**
 * Requests of MCP servers to the user: forms and addresses to visit.
 *
 * Owns who may be asked: nobody under the approval policy `never`, nor where the granular policy excludes such requests; they
 * are declined then, as in the release. A request that does not have the form that MCP defines is an error of the server.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { McpElicitationSchema, type McpServerElicitationRequestResponse } from "../../../protocol/v2/mcp/Elicitation.ts"
import type { AskForApproval } from "../../../protocol/v2/thread/Settings.ts"
import { get, getText, type Table } from "../../../services/config/Table.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import type { AskParams, ToolTurn } from "../../../services/tool/Tool.ts"
import type { OnElicitation } from "./Session.ts"

/** Maximum size of a request of a server to the user, as JSON text in UTF-16 units. */
const MaxRequest = 256 * 1024

const isAsked = (policy: AskForApproval): boolean =>
  policy !== "never" && (typeof policy === "string" || policy.granular.mcp_elicitations)

const invalid = (detail: string): McpError => new McpError({ reason: "invalid", detail })

/** The request for the clients. Undefined when it is not one that MCP defines. */
export const requestOf = (
  serverName: string,
  params: Table
): AskParams<"mcpServer/elicitation/request"> | undefined => {
  const common = { serverName, _meta: get(params, "_meta") ?? null }
  const message = getText(params, "message") ?? ""
  if (JSON.stringify(params).length > MaxRequest) return undefined
  if (getText(params, "mode") === "url") {
    const url = getText(params, "url")
    const elicitationId = getText(params, "elicitationId")
    if (url === undefined || elicitationId === undefined || !/^https?:\/\//i.test(url)) return undefined
    return { ...common, mode: "url", message, url, elicitationId }
  }
  const schema = Schema.decodeUnknownOption(McpElicitationSchema())(get(params, "requestedSchema"))
  return Option.isNone(schema) ? undefined : { ...common, mode: "form", message, requestedSchema: schema.value }
}

const answerOf = ({ action, content }: McpServerElicitationRequestResponse): Table =>
  action === "accept" && content !== null ? { action, content } : { action }

/** Serves the requests of a server while it works on a call of this turn. */
export const elicitIn =
  (serverName: string, turn: Pick<ToolTurn, "approvalPolicy" | "ask">): OnElicitation =>
  (params) => {
    if (!isAsked(turn.approvalPolicy)) return Effect.succeed({ action: "decline" })
    const request = requestOf(serverName, params)
    if (request === undefined) return Effect.fail(invalid("the elicitation does not have the form that MCP defines"))
    return turn.ask("mcpServer/elicitation/request", request).pipe(
      Effect.map(answerOf),
      Effect.catchTag("AskFailed", () => Effect.succeed<Table>({ action: "decline" }))
    )
  }
