/**
 * Where the server of the Promise door is, and how requests of the server are answered.
 *
 * Modules of servers and transports are loaded when they are needed.
 *
 * @module
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LogToStderr } from "effect/References"
import type { ServerRequestMethod, ServerRequestParams, ServerRequestResult } from "../protocol/Methods.ts"
import type { AppServerClient } from "../services/client/AppServerClient.ts"

/** What a handler receives besides the parameters. */
export interface HandlerContext {
  /** The id of the request. */
  readonly id: string | number | bigint
  /** Aborted when the answer is no longer wanted: the server resolved the request, or the connection is lost. */
  readonly signal: AbortSignal
}

/**
 * Answers the server requests of a method. When it throws or rejects, the server receives an error; throw a
 * `RequestRejectedError` to choose it. It may take as long as it needs.
 */
export type Handler<M extends ServerRequestMethod> = (
  params: ServerRequestParams<M>,
  context: HandlerContext
) => ServerRequestResult<M> | Promise<ServerRequestResult<M>>

/** Handlers by method. A request of a method without a handler is an event. */
export type Handlers = { readonly [M in ServerRequestMethod]?: Handler<M> }

/** Options of every client. */
export interface ClientOptions {
  /** The program's name: it is sent to the model server and stored in threads. Without control characters. */
  readonly clientName: string
  readonly clientVersion: string
  /** Enables experimental methods and fields. Default: false. */
  readonly experimentalApi?: boolean
  /** Notifications that the server should not send, by exact name. Default: none. */
  readonly optOutNotificationMethods?: ReadonlyArray<string>
  /** Answers to server requests, such as approvals. Default: none. */
  readonly handlers?: Handlers
  /** Aborts the start. It does not close a server that has started. */
  readonly signal?: AbortSignal
}

/** A server in this process. This is the default. */
export interface EmbeddedOptions extends ClientOptions {
  readonly command?: undefined
  readonly url?: undefined
  readonly socketPath?: undefined
  /** Folder of configuration, credentials and rules. Default: `SPINDLE_HOME`, else `CODEX_HOME`, else `~/.spindle`. */
  readonly home?: string
  /** Base of relative folders in requests. Default: the process's working directory. */
  readonly cwd?: string
  /** Replaces the process's environment, also for commands. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** A profile: `<home>/<name>.config.toml`. Default: none. */
  readonly profile?: string
  /** Settings that take precedence over the files, by dotted key: `{ model: "gpt-5.5" }`. Default: none. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Uses the built-in model that needs neither a key nor a network. Default: false. */
  readonly offline?: boolean
}

/** A server that this program starts as a child process, with messages on its standard input and output. */
export interface CommandOptions extends ClientOptions {
  /** The program and its arguments, passed without a shell: `["codex", "app-server"]`. */
  readonly command: readonly [program: string, ...args: ReadonlyArray<string>]
  readonly url?: undefined
  readonly socketPath?: undefined
  /** The working directory of the child. Default: that of this process. */
  readonly cwd?: string
  /** Variables in addition to this process's own; undefined removes one. Default: none. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** A server on a WebSocket. */
export interface WebSocketOptions extends ClientOptions {
  /** `ws://HOST:PORT/PATH` or `wss://…`. */
  readonly url: string
  readonly command?: undefined
  readonly socketPath?: undefined
  /** Sent as `Authorization: Bearer`, only over `wss://` or within this machine. Default: none. */
  readonly token?: string
  /** Whether a lost connection is opened again; its threads continue. Default: false. */
  readonly reconnect?: boolean
}

/** A server on a Unix socket of this machine. */
export interface UnixSocketOptions extends ClientOptions {
  /** The path of the socket file. */
  readonly socketPath: string
  readonly command?: undefined
  readonly url?: undefined
  /** Whether a lost connection is opened again; its threads continue. Default: false. */
  readonly reconnect?: boolean
}

/** Options of `createAppServer`. `command`, `url` and `socketPath` select a server outside of this process. */
export type AppServerOptions = EmbeddedOptions | CommandOptions | WebSocketOptions | UnixSocketOptions

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

/** The client that the options describe. */
export const layerOf = (options: AppServerOptions): Layer.Layer<AppServerClient, unknown> =>
  Layer.unwrap(
    Effect.promise(() => {
      if (options.command !== undefined) return command(options)
      if (options.url !== undefined) return webSocket(options)
      return options.socketPath === undefined ? embedded(options) : unixSocket(options)
    })
  ).pipe(Layer.provideMerge(stderr))
