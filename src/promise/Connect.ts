/**
 * The client that options of the Promise door describe. Modules of servers and transports are loaded when they are needed.
 *
 * @module
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LogToStderr } from "effect/References"
import { AppServerClient } from "../services/client/AppServerClient.ts"
import { ConnectError } from "../services/client/MessageChannel.ts"
import type {
  AppServerOptions,
  ClientOptions,
  CommandOptions,
  EmbeddedOptions,
  UnixSocketOptions,
  WebSocketOptions
} from "./Options.ts"

type Entries<O> = { -readonly [K in keyof O]?: Exclude<O[K], undefined> }

/** The given members that are not undefined, which callers without strict types may pass. */
const given = <O extends object, K extends keyof O>(options: O, ...keys: ReadonlyArray<K>): Entries<Pick<O, K>> => {
  const entries: Entries<Pick<O, K>> = {}
  for (const key of keys) if (options[key] !== undefined) entries[key] = options[key] as Exclude<O[K], undefined>
  return entries
}

const identityOf = (options: ClientOptions) => ({
  clientName: options.clientName,
  clientVersion: options.clientVersion,
  ...given(options, "experimentalApi", "optOutNotificationMethods")
})

const embedded = async (options: EmbeddedOptions): Promise<Layer.Layer<AppServerClient, unknown>> => {
  const AppServer = await import("../layers/AppServer.ts")
  const overrides = Object.entries(options.config ?? {})
  return AppServer.client({
    ...identityOf(options),
    ...given(options, "home", "cwd", "environment", "profile"),
    cliOverrides: options.offline === true ? [...overrides, ["model_provider", "offline"]] : overrides
  }).pipe(Layer.provide(NodeServices.layer))
}

const command = async (options: CommandOptions): Promise<Layer.Layer<AppServerClient, unknown>> => {
  const StdioClient = await import("../layers/clients/StdioClient.ts")
  const { environment } = options
  return StdioClient.layer({
    ...identityOf(options),
    command: options.command,
    ...given(options, "cwd"),
    ...(environment === undefined ? {} : { env: environment })
  }).pipe(Layer.provide(NodeServices.layer))
}

const webSocket = async (options: WebSocketOptions): Promise<Layer.Layer<AppServerClient, unknown>> => {
  const WebSocketClient = await import("../layers/clients/WebSocketClient.ts")
  return WebSocketClient.layer({
    ...identityOf(options),
    url: options.url,
    ...given(options, "token", "reconnect")
  })
}

const unixSocket = async (options: UnixSocketOptions): Promise<Layer.Layer<AppServerClient, unknown>> => {
  const UnixSocketClient = await import("../layers/clients/UnixSocketClient.ts")
  return UnixSocketClient.layer({ ...identityOf(options), path: options.socketPath, ...given(options, "reconnect") })
}

/** Logs go to stderr, because stdout belongs to the program. */
const stderr = Layer.succeed(LogToStderr, true)

/** For callers without type checks. */
const refused = (message: string) =>
  Layer.effect(AppServerClient, Effect.fail(new ConnectError({ reason: { _tag: "InvalidOptions" }, message })))

/** The client that the options describe. */
export const layerOf = (options: AppServerOptions): Layer.Layer<AppServerClient, unknown> =>
  Layer.unwrap(
    Effect.promise(async () => {
      const named = (["command", "url", "socketPath"] as const).filter((name) => options[name] !== undefined)
      if (named.length > 1) return refused(`only one of these options can be used: ${named.join(", ")}`)
      if (options.command !== undefined) return command(options)
      if (options.url !== undefined) return webSocket(options)
      return options.socketPath === undefined ? embedded(options) : unixSocket(options)
    })
  ).pipe(Layer.provideMerge(stderr))
