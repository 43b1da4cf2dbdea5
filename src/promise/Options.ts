/**
 * Where the server of the Promise door is, and how requests of the server are answered.
 *
 * @module
 */
import type { ServerRequestMethod, ServerRequestParams, ServerRequestResult } from "../protocol/Methods.ts"

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
  /** The program's version. */
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
  /** Not in this form of the options. Default: none. */
  readonly command?: undefined
  /** Not in this form of the options. Default: none. */
  readonly url?: undefined
  /** Not in this form of the options. Default: none. */
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
  /** Not in this form of the options. Default: none. */
  readonly url?: undefined
  /** Not in this form of the options. Default: none. */
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
  /** Not in this form of the options. Default: none. */
  readonly command?: undefined
  /** Not in this form of the options. Default: none. */
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
  /** Not in this form of the options. Default: none. */
  readonly command?: undefined
  /** Not in this form of the options. Default: none. */
  readonly url?: undefined
  /** Whether a lost connection is opened again; its threads continue. Default: false. */
  readonly reconnect?: boolean
}

/** Options of `createAppServer`. `command`, `url` and `socketPath` select a server outside of this process. */
export type AppServerOptions = EmbeddedOptions | CommandOptions | WebSocketOptions | UnixSocketOptions
