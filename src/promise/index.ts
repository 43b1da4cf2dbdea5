/**
 * Spindle for programs that do not use Effect: promises, async iterables, callbacks and ordinary errors.
 *
 * `createAppServer` starts a server in this process, or connects to one: a command, a WebSocket or a Unix socket, this server
 * or the released one. Everything ends with `close`, or with `await using`.
 *
 * @example
 * ```ts
 * import { createAppServer } from "spindle-app-server/promise"
 *
 * await using server = await createAppServer({
 *   clientName: "my-program",
 *   clientVersion: "1.0.0",
 *   handlers: {
 *     "item/commandExecution/requestApproval": ({ command }) => ({ decision: command === "ls" ? "accept" : "decline" })
 *   }
 * })
 * const thread = await server.startThread({})
 * const { text } = await thread.run("What does this project do?")
 * console.log(text)
 *
 * for await (const event of thread.turn("And its tests?")) {
 *   if (event._tag !== "ServerNotification") continue
 *   const { method, params } = event.notification
 *   if (method === "item/agentMessage/delta") process.stdout.write(params.delta)
 * }
 * ```
 *
 * @module
 */
export { createAppServer } from "./Client.ts"
export type { AppServer, Arguments, Call, OpenedThread, Registration, Thread, TurnCall } from "./Client.ts"
export { AppServerError, RequestRejectedError, ServerResponseError, TurnFailedError } from "./Errors.ts"
export type { ErrorCode } from "./Errors.ts"
export type {
  AppServerOptions,
  ClientOptions,
  CommandOptions,
  EmbeddedOptions,
  Handler,
  HandlerContext,
  Handlers,
  UnixSocketOptions,
  WebSocketOptions
} from "./Options.ts"
export type { ClientEvent } from "../services/client/ClientEvent.ts"
export type { WhenFull } from "../services/client/EventConsumer.ts"
export type { ThreadEvent, TurnInput, TurnOptions, TurnResult } from "../services/client/ThreadClient.ts"
export type {
  NotificationParams,
  ReleasedRequestMethod,
  ReleasedRequestParams,
  ReleasedRequestResult,
  ServerNotification,
  ServerNotificationMethod,
  ServerRequest,
  ServerRequestMethod,
  ServerRequestParams,
  ServerRequestResult
} from "../protocol/Methods.ts"
