/**
 * Requests about projects that this server does not serve.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Project from "./Project.ts"

/** By method name. */
export const unservedProjectRequests = {
  "project/list": Method.clientRequest({ params: Project.ProjectListParams, result: Project.ProjectListResponse }),
  "project/read": Method.clientRequest({ params: Project.ProjectReadParams, result: Project.ProjectResponse }),
  "project/create": Method.clientRequest({ params: Project.ProjectCreateParams, result: Project.ProjectResponse }),
  "project/import": Method.clientRequest({ params: Project.ProjectImportParams, result: Project.ProjectResponse }),
  "project/update": Method.clientRequest({ params: Project.ProjectUpdateParams, result: Project.ProjectResponse }),
  "project/move": Method.clientRequest({ params: Project.ProjectMoveParams, result: EmptyResult }),
  "project/delete": Method.clientRequest({ params: Project.ProjectDeleteParams, result: EmptyResult })
} as const
