/**
 * Everything the server asks a client: the eleven server requests of the release.
 *
 * @module
 */
import * as Approval from "../v2/approval/Approval.ts"
import * as DynamicTool from "../v2/tool/DynamicTool.ts"
import * as Elicitation from "../v2/mcp/Elicitation.ts"
import * as Host from "../v2/host/Host.ts"
import type { RequestId } from "../jsonrpc/Envelope.ts"
import type { Of } from "../Lazy.ts"
import * as LegacyApproval from "../v2/approval/LegacyApproval.ts"
import * as Method from "../Method.ts"
import * as Question from "../v2/tool/Question.ts"

/** By method name. The order is the release's. */
export const serverRequestTable = {
  "item/commandExecution/requestApproval": Method.serverRequest({
    params: Approval.CommandExecutionRequestApprovalParams,
    result: Approval.CommandExecutionRequestApprovalResponse,
    experimentalFields: ["additionalPermissions", "availableDecisions"]
  }),
  "item/fileChange/requestApproval": Method.serverRequest({
    params: Approval.FileChangeRequestApprovalParams,
    result: Approval.FileChangeRequestApprovalResponse
  }),
  "item/tool/requestUserInput": Method.serverRequest({
    params: Question.ToolRequestUserInputParams,
    result: Question.ToolRequestUserInputResponse
  }),
  "mcpServer/elicitation/request": Method.serverRequest({
    params: Elicitation.McpServerElicitationRequestParams,
    result: Elicitation.McpServerElicitationRequestResponse
  }),
  "item/permissions/requestApproval": Method.serverRequest({
    params: Approval.PermissionsRequestApprovalParams,
    result: Approval.PermissionsRequestApprovalResponse
  }),
  "item/tool/call": Method.serverRequest({
    params: DynamicTool.DynamicToolCallParams,
    result: DynamicTool.DynamicToolCallResponse
  }),
  "account/chatgptAuthTokens/refresh": Method.serverRequest({
    params: Host.ChatgptAuthTokensRefreshParams,
    result: Host.ChatgptAuthTokensRefreshResponse
  }),
  "attestation/generate": Method.serverRequest({
    params: Host.AttestationGenerateParams,
    result: Host.AttestationGenerateResponse
  }),
  "currentTime/read": Method.serverRequest({
    params: Host.CurrentTimeReadParams,
    result: Host.CurrentTimeReadResponse,
    stability: "experimental"
  }),
  applyPatchApproval: Method.serverRequest({
    params: LegacyApproval.ApplyPatchApprovalParams,
    result: LegacyApproval.ApplyPatchApprovalResponse
  }),
  execCommandApproval: Method.serverRequest({
    params: LegacyApproval.ExecCommandApprovalParams,
    result: LegacyApproval.ExecCommandApprovalResponse
  })
} as const

/** The name of a server request. */
export type ServerRequestMethod = keyof typeof serverRequestTable

/** What a server request asks with. */
export type ServerRequestParams<M extends ServerRequestMethod> = Of<(typeof serverRequestTable)[M]["params"]>

/** What it is answered with. */
export type ServerRequestResult<M extends ServerRequestMethod> = Of<(typeof serverRequestTable)[M]["result"]>

/** A server request as a client takes it off its connection; narrow it by `method`. */
export type ServerRequest = {
  readonly [M in ServerRequestMethod]: {
    readonly id: RequestId
    readonly method: M
    readonly params: ServerRequestParams<M>
  }
}[ServerRequestMethod]
