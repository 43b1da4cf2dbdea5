/**
 * The method table: every message on a connection, combined from the resources in `v2/`.
 *
 * Owns the method names and the types by method. Every server imports this module, so the schemas of requests that are not
 * served are elsewhere: `UnservedRequests.ts` has them, and `ReleasedTable.ts` combines both. `ReleasedRequests.ts` declares
 * the stability of every request.
 *
 * @module
 */
import type { RequestId } from "./jsonrpc/Envelope.ts"
import type { Of } from "./Lazy.ts"
import type { ParamsInput, ParamsType } from "./Method.ts"
import type { ReleasedRequestMethod } from "./ReleasedRequests.ts"
import type { unservedRequestTable } from "./UnservedRequests.ts"
import { accountNotifications } from "./v2/account/Notifications.ts"
import { accountRequests } from "./v2/account/Requests.ts"
import { appNotifications } from "./v2/app/Notifications.ts"
import { appRequests } from "./v2/app/Requests.ts"
import { approvalRequests } from "./v2/approval/ServerRequests.ts"
import { configNotifications } from "./v2/config/Notifications.ts"
import { configRequests } from "./v2/config/Requests.ts"
import { externalAgentNotifications } from "./v2/externalAgent/Notifications.ts"
import { fileNotifications } from "./v2/file/Notifications.ts"
import { fileRequests } from "./v2/file/Requests.ts"
import { hookNotifications } from "./v2/hook/Notifications.ts"
import { hookRequests } from "./v2/hook/Requests.ts"
import { hostRequests } from "./v2/host/ServerRequests.ts"
import { itemNotifications } from "./v2/item/Notifications.ts"
import { legacyRequests } from "./v2/legacy/Requests.ts"
import { mcpNotifications } from "./v2/mcp/Notifications.ts"
import { mcpRequests } from "./v2/mcp/Requests.ts"
import { mcpServerRequests } from "./v2/mcp/ServerRequests.ts"
import { modelNotifications } from "./v2/model/Notifications.ts"
import { modelRequests } from "./v2/model/Requests.ts"
import { pluginRequests } from "./v2/plugin/Requests.ts"
import { processNotifications } from "./v2/process/Notifications.ts"
import { processRequests } from "./v2/process/Requests.ts"
import { realtimeNotifications } from "./v2/realtime/Notifications.ts"
import { serverNotifications } from "./v2/server/Notifications.ts"
import { reviewRequests } from "./v2/review/Requests.ts"
import { clientNotifications, initializeRequests } from "./v2/server/Requests.ts"
import { skillRequests } from "./v2/skill/Requests.ts"
import { threadNotifications } from "./v2/thread/Notifications.ts"
import { threadRequests } from "./v2/thread/Requests.ts"
import { toolRequests } from "./v2/tool/ServerRequests.ts"
import { turnNotifications } from "./v2/turn/Notifications.ts"
import { turnRequests } from "./v2/turn/Requests.ts"

// The types are named, because the declaration files would repeat every schema otherwise.
type ClientRequestTable = typeof initializeRequests &
  typeof threadRequests &
  typeof turnRequests &
  typeof modelRequests &
  typeof reviewRequests &
  typeof configRequests &
  typeof appRequests &
  typeof skillRequests &
  typeof pluginRequests &
  typeof legacyRequests &
  typeof mcpRequests &
  typeof fileRequests &
  typeof hookRequests &
  typeof processRequests &
  typeof accountRequests

/** The requests that clients can send to this server, by method name. */
export const clientRequestTable: ClientRequestTable = {
  ...initializeRequests,
  ...threadRequests,
  ...turnRequests,
  ...modelRequests,
  ...reviewRequests,
  ...configRequests,
  ...appRequests,
  ...skillRequests,
  ...pluginRequests,
  ...legacyRequests,
  ...mcpRequests,
  ...fileRequests,
  ...hookRequests,
  ...processRequests,
  ...accountRequests
}

/** The notifications of a client, by method name. */
export const clientNotificationTable = clientNotifications

type ServerRequestTable = typeof approvalRequests & typeof toolRequests & typeof mcpServerRequests & typeof hostRequests

/** The eleven server requests of the release, by method name. */
export const serverRequestTable: ServerRequestTable = {
  ...approvalRequests,
  ...toolRequests,
  ...mcpServerRequests,
  ...hostRequests
}

type ServerNotificationTable = typeof threadNotifications &
  typeof turnNotifications &
  typeof hookNotifications &
  typeof itemNotifications &
  typeof processNotifications &
  typeof fileNotifications &
  typeof accountNotifications &
  typeof mcpNotifications &
  typeof modelNotifications &
  typeof realtimeNotifications &
  typeof configNotifications &
  typeof appNotifications &
  typeof externalAgentNotifications &
  typeof serverNotifications

/**
 * The 86 server notifications of the release, by method name. As in the release, experimental ones are not sent to
 * connections that did not request them in initialize.
 */
export const serverNotificationTable: ServerNotificationTable = {
  ...threadNotifications,
  ...turnNotifications,
  ...hookNotifications,
  ...itemNotifications,
  ...processNotifications,
  ...fileNotifications,
  ...accountNotifications,
  ...mcpNotifications,
  ...modelNotifications,
  ...realtimeNotifications,
  ...configNotifications,
  ...appNotifications,
  ...externalAgentNotifications,
  ...serverNotifications
}

/** The name of a request that this server handles. */
export type ClientRequestMethod = keyof typeof clientRequestTable

/** The parameters as a handler receives them, with defaults filled in. `undefined` for methods without parameters. */
export type ParamsOf<M extends ClientRequestMethod> = ParamsType<(typeof clientRequestTable)[M]["params"]>

/** The parameters as a caller passes them; members with a default are optional. */
export type ParamsInputOf<M extends ClientRequestMethod> = ParamsInput<(typeof clientRequestTable)[M]["params"]>

/** The result of a request. */
export type ResultOf<M extends ClientRequestMethod> = Of<(typeof clientRequestTable)[M]["result"]>

/** The name of a request of the release, whether this server serves it or not. */
export type { ReleasedRequestMethod }

/** The name of a request of the release that this server does not serve. */
export type UnservedRequestMethod = keyof typeof unservedRequestTable

/**
 * The parameters of any request of the release as a caller passes them; `undefined` for methods without parameters, with null
 * where they are optional.
 */
export type ReleasedRequestParams<M extends ReleasedRequestMethod> = M extends ClientRequestMethod
  ? ParamsInputOf<M>
  : M extends UnservedRequestMethod
    ? ParamsInput<(typeof unservedRequestTable)[M]["params"]>
    : unknown

/** The result of any request of the release. */
export type ReleasedRequestResult<M extends ReleasedRequestMethod> = M extends ClientRequestMethod
  ? ResultOf<M>
  : M extends UnservedRequestMethod
    ? Of<(typeof unservedRequestTable)[M]["result"]>
    : unknown

/** Whether this server handles the method. */
export const isClientRequestMethod = (method: string): method is ClientRequestMethod =>
  Object.hasOwn(clientRequestTable, method)

/** The name of a client notification. Other notifications are ignored, as in the release. */
export type ClientNotificationMethod = keyof typeof clientNotificationTable

/** The name of a server request. */
export type ServerRequestMethod = keyof typeof serverRequestTable

/** The parameters of a server request. */
export type ServerRequestParams<M extends ServerRequestMethod> = Of<(typeof serverRequestTable)[M]["params"]>

/** The result of a server request. */
export type ServerRequestResult<M extends ServerRequestMethod> = Of<(typeof serverRequestTable)[M]["result"]>

/** A server request as a client receives it; narrow it by `method`. */
export type ServerRequest = {
  readonly [M in ServerRequestMethod]: {
    readonly id: RequestId
    readonly method: M
    readonly params: ServerRequestParams<M>
  }
}[ServerRequestMethod]

/** The name of a server notification. */
export type ServerNotificationMethod = keyof typeof serverNotificationTable

/** The parameters of a server notification. */
export type NotificationParams<M extends ServerNotificationMethod> = Of<(typeof serverNotificationTable)[M]["params"]>

/** A server notification as a client receives it; narrow it by `method`. */
export type ServerNotification = {
  readonly [M in ServerNotificationMethod]: { readonly method: M; readonly params: NotificationParams<M> }
}[ServerNotificationMethod]
