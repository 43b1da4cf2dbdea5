/**
 * The Promise door's client.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import type { ErrorObject } from "../protocol/jsonrpc/Envelope.ts"
import type {
  ReleasedRequestMethod,
  ReleasedRequestParams,
  ReleasedRequestResult,
  ResultOf,
  ParamsInputOf,
  ServerRequest,
  ServerRequestMethod
} from "../protocol/Methods.ts"
import { AppServerClient, type AnswerTo, RequestRejected } from "../services/client/AppServerClient.ts"
import type { ClientEvent } from "../services/client/ClientEvent.ts"
import type { ConsumerOptions } from "../services/client/EventConsumer.ts"
import type { ParamsArgument } from "../services/client/RequestHandle.ts"
import type {
  RunOptions,
  ThreadClient,
  ThreadEvent,
  TurnInput,
  TurnOptions,
  TurnResult
} from "../services/client/ThreadClient.ts"
import { layerOf } from "./Connect.ts"
import { AppServerError, RequestRejectedError } from "./Errors.ts"
import { iterable, type Run } from "./Iteration.ts"
import type { AppServerOptions, Handler, Handlers } from "./Options.ts"
import { toStartError, valueOf } from "./Results.ts"

/** How a call is aborted. */
export interface Call {
  /** Aborts the call: it fails with the reason of the signal. Default: none. */
  readonly signal?: AbortSignal
}

/** The other parameters of `turn/start`, and how the turn is aborted. */
export interface TurnCall extends TurnOptions, Call {}

/** Options of `steer`. */
export interface SteerCall extends Call {
  /** The turn that must be active. Default: the one that this client follows. */
  readonly turnId?: string
}

/** The arguments after a method: its parameters, then options. */
export type Arguments<Params> =
  ParamsArgument<Params> extends [] ? [params?: undefined, options?: Call] : [...ParamsArgument<Params>, options?: Call]

/** A handler that was added. */
export interface Registration extends AsyncDisposable {
  /** Removes the handler. What it still works on is answered with an error. */
  readonly remove: () => Promise<void>
}

/**
 * A thread of the server.
 *
 * @example
 * ```ts
 * import { createAppServer } from "spindle-app-server/promise"
 *
 * await using server = await createAppServer({ clientName: "me", clientVersion: "1.0.0", offline: true })
 * const thread = await server.startThread({})
 * const { text } = await thread.run("say: hello", { signal: AbortSignal.timeout(60_000) })
 * console.log(text)
 * ```
 */
export interface Thread {
  readonly id: string
  /**
   * A turn and its events. It starts with the iteration, each iteration is a turn, and ends with the turn. Fails with a
   * `TurnFailedError`. Leaving the iteration early interrupts the turn and waits up to five seconds for its end. Server
   * requests without a handler are among the events, and the program has to answer them.
   */
  readonly turn: (input: TurnInput, options?: TurnCall) => AsyncIterable<ThreadEvent, undefined, undefined>
  /** Runs a turn to its end. Server requests without a handler are refused, so that the turn does not wait indefinitely. */
  readonly run: (input: TurnInput, options?: RunOptions & Call) => Promise<TurnResult>
  /** Adds input to the active turn. */
  readonly steer: (input: TurnInput, options?: SteerCall) => Promise<ReleasedRequestResult<"turn/steer">>
  /** Interrupts whichever turn is active, and waits until it has stopped. */
  readonly interrupt: (options?: Call) => Promise<void>
  /** The thread's events from the start of the iteration on, of all turns and clients. */
  readonly events: (options?: ConsumerOptions & Call) => AsyncIterable<ThreadEvent, undefined, undefined>
}

/** A thread with the response that opened it. */
export interface OpenedThread<M extends "thread/start" | "thread/resume"> extends Thread {
  readonly opened: ResultOf<M>
}

/** A connected client, and the server if it is embedded. */
export interface AppServer extends AsyncDisposable {
  /** The server's version. */
  readonly version: string
  /** The server's home folder; null when it did not report one. */
  readonly home: string | null
  /** Sends a request of the release; parameters and result are typed by the method. */
  readonly request: <M extends ReleasedRequestMethod>(
    method: M,
    ...args: Arguments<ReleasedRequestParams<M>>
  ) => Promise<ReleasedRequestResult<M>>
  /** Sends a request of any name. Nothing is checked. */
  readonly raw: (method: string, params?: unknown, options?: Call) => Promise<unknown>
  /** Starts a thread. Default of the parameters: `{}`. */
  readonly startThread: (
    params?: ParamsInputOf<"thread/start">,
    options?: Call
  ) => Promise<OpenedThread<"thread/start">>
  /** Loads a thread and subscribes to it. */
  readonly resumeThread: (
    params: ParamsInputOf<"thread/resume">,
    options?: Call
  ) => Promise<OpenedThread<"thread/resume">>
  /** A thread that this client is subscribed to. Sends no request. */
  readonly thread: (id: string) => Thread
  /** Adds a handler. The newest handler of a method is used until it is removed. */
  readonly handle: <M extends ServerRequestMethod>(method: M, handler: Handler<M>) => Registration
  /** Answers a server request of an event. */
  readonly respond: <R extends Pick<ServerRequest, "id" | "method">>(request: R, result: AnswerTo<R>) => Promise<void>
  /** Answers a server request of an event with an error. */
  readonly reject: (request: Pick<ServerRequest, "id" | "method">, error: ErrorObject) => Promise<void>
  /**
   * All events from the start of the iteration on. Each iteration has its own bounded queue; one that is too slow fails with the
   * code `TOO_SLOW` and delays no other one. Events that no consumer has received before are received first.
   */
  readonly events: (options?: ConsumerOptions & Call) => AsyncIterable<ClientEvent, undefined, undefined>
  /** Closes the connection and stops the server if it is embedded or a child. A second call waits for the same end. */
  readonly close: () => Promise<void>
}

/** A runtime with the client, and its end. */
interface Session {
  readonly runtime: ManagedRuntime.ManagedRuntime<AppServerClient, unknown>
  readonly client: AppServerClient["Service"]
  /** Also runs after the end, when everything fails as closed. */
  readonly run: Run
  readonly close: () => Promise<void>
}

/**
 * Keeps the process running while calls wait. A server in this process has nothing else that does. One timer serves all calls
 * of a client; without calls it does not keep the process.
 */
const makeAlive = () => {
  const timer = setInterval(() => {}, 2 ** 31 - 1).unref()
  let waiting = 0
  return {
    during: <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          if (waiting++ === 0) timer.ref()
        }),
        () => effect,
        () =>
          Effect.sync(() => {
            if (--waiting === 0) timer.unref()
          })
      ),
    end: () => clearInterval(timer)
  }
}

const sessionOf = (runtime: Session["runtime"], client: Session["client"]): Session => {
  let closing: Promise<void> | undefined
  const alive = makeAlive()
  // Calls and iterations end with the connection; the runtime would interrupt them.
  const close = () =>
    (closing ??= Effect.runPromise(client.shutdown)
      .finally(() => runtime.dispose())
      .finally(alive.end))
  const run: Run = (effect, options = {}) =>
    closing === undefined
      ? runtime.runPromise(Effect.exit(alive.during(effect)), options).catch(() => Exit.interrupt())
      : Effect.runPromiseExit(effect, options)
  return { runtime, client, run, close }
}

/** Runs an effect as a promise. */
const call = async <A>({ run }: Session, effect: Effect.Effect<A, unknown>, signal: AbortSignal | undefined) => {
  signal?.throwIfAborted()
  return valueOf(await run(effect, signal === undefined ? {} : { signal }), signal)
}

const threadOf = (session: Session, client: ThreadClient): Thread => ({
  id: client.id,
  turn: (input, { signal, ...options } = {}) => iterable(session.run, client.turn(input, options), signal),
  run: (input, { signal, ...options } = {}) => call(session, client.run(input, options), signal),
  steer: (input, { signal, ...options } = {}) => call(session, client.steer(input, options), signal),
  interrupt: ({ signal } = {}) => call(session, client.interrupt, signal),
  events: ({ signal, ...options } = {}) => iterable(session.run, client.events(options), signal)
})

/** The handler as an effect, which is interrupted by its signal. */
const effectOf =
  <M extends ServerRequestMethod>(handler: Handler<M>) =>
  (params: Parameters<Handler<M>>[0], { id }: { readonly id: ServerRequest["id"] }) =>
    Effect.tryPromise({
      try: async (signal) => handler(params, { id, signal }),
      catch: (error) => {
        if (!(error instanceof RequestRejectedError)) return error
        const { code, data, message } = error
        return new RequestRejected({ code, detail: message, ...(data === undefined ? {} : { data: data as never }) })
      }
    })

const handle = <M extends ServerRequestMethod>(
  { client, runtime }: Session,
  method: M,
  handler: Handler<M>
): Registration => {
  if (runtime.scope.state._tag === "Closed") throw new AppServerError("CLOSED", "the client is closed")
  const scope = runtime.runSync(
    Effect.gen(function* () {
      const scope = yield* Scope.fork(runtime.scope)
      yield* Scope.provide(client.handle(method, effectOf(handler)), scope)
      return scope
    })
  )
  const remove = () => Effect.runPromise(Scope.close(scope, Exit.void))
  return { remove, [Symbol.asyncDispose]: remove }
}

const facade = (session: Session): AppServer => {
  const { client, close } = session
  const run = <A>(effect: Effect.Effect<A, unknown>, { signal }: Call = {}) => call(session, effect, signal)
  return {
    version: client.serverVersion,
    home: client.codexHome,
    request: (method, ...args) => {
      // Their types are those of the declaration.
      const [params, options] = args as readonly [params?: unknown, options?: Call]
      return run(client.request(method, ...([params] as never)), options)
    },
    raw: (method, params, options) => run(client.raw(method, params), options),
    startThread: async (params = {}, options) => {
      const { opened, ...thread } = await run(client.startThread(params), options)
      return { ...threadOf(session, thread), opened }
    },
    resumeThread: async (params, options) => {
      const { opened, ...thread } = await run(client.resumeThread(params), options)
      return { ...threadOf(session, thread), opened }
    },
    thread: (id) => threadOf(session, client.thread(id)),
    handle: (method, handler) => handle(session, method, handler),
    respond: (request, result) => run(client.respond(request, result)),
    reject: (request, error) => run(client.reject(request, error)),
    events: ({ signal, ...options } = {}) => iterable(session.run, client.eventsOf(options), signal),
    close,
    [Symbol.asyncDispose]: close
  }
}

const addHandlers = (session: Session, handlers: Handlers): void => {
  for (const [method, handler] of Object.entries(handlers)) {
    // Method and handler are members of one object, so they belong together.
    if (handler !== undefined) handle(session, method as ServerRequestMethod, handler as Handler<never>)
  }
}

/**
 * Starts a server in this process, or connects to one, as the options say.
 *
 * Fails with an `AppServerError`: `START_FAILED`, for example because of an invalid configuration, or `CONNECT_FAILED`; then
 * nothing is left running. An abort of `options.signal` fails with the reason of the signal.
 *
 * @example
 * ```ts
 * import { createAppServer } from "spindle-app-server/promise"
 *
 * await using released = await createAppServer({
 *   clientName: "my-program",
 *   clientVersion: "1.0.0",
 *   command: ["codex", "app-server"]
 * })
 * const { data } = await released.request("model/list", {})
 * console.log(data.length)
 * ```
 */
export const createAppServer = async (options: AppServerOptions): Promise<AppServer> => {
  const { handlers, signal } = options
  signal?.throwIfAborted()
  const runtime = ManagedRuntime.make(layerOf(options))
  try {
    const start = runtime.runPromiseExit(Effect.service(AppServerClient), signal === undefined ? {} : { signal })
    const client = valueOf(await start, signal, toStartError)
    const session = sessionOf(runtime, client)
    if (handlers !== undefined) addHandlers(session, handlers)
    return facade(session)
  } catch (error) {
    await runtime.dispose()
    throw error
  }
}
