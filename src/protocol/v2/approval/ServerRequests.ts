/**
 * Approvals that the server requests from a client.
 *
 * @module
 */
import * as Method from "../../Method.ts"
import {
  CommandExecutionRequestApprovalParams,
  CommandExecutionRequestApprovalResponse,
  FileChangeRequestApprovalParams,
  FileChangeRequestApprovalResponse,
  PermissionsRequestApprovalParams,
  PermissionsRequestApprovalResponse
} from "./Approval.ts"
import {
  ApplyPatchApprovalParams,
  ApplyPatchApprovalResponse,
  ExecCommandApprovalParams,
  ExecCommandApprovalResponse
} from "./LegacyApproval.ts"

/** By method name. */
export const approvalRequests = {
  "item/commandExecution/requestApproval": Method.serverRequest({
    params: CommandExecutionRequestApprovalParams,
    result: CommandExecutionRequestApprovalResponse,
    experimentalFields: ["additionalPermissions", "availableDecisions"]
  }),
  "item/fileChange/requestApproval": Method.serverRequest({
    params: FileChangeRequestApprovalParams,
    result: FileChangeRequestApprovalResponse
  }),
  "item/permissions/requestApproval": Method.serverRequest({
    params: PermissionsRequestApprovalParams,
    result: PermissionsRequestApprovalResponse
  }),
  applyPatchApproval: Method.serverRequest({
    params: ApplyPatchApprovalParams,
    result: ApplyPatchApprovalResponse
  }),
  execCommandApproval: Method.serverRequest({
    params: ExecCommandApprovalParams,
    result: ExecCommandApprovalResponse
  })
} as const
