/**
 * A complete server with a scripted model, and clients of all kinds.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { AppServerOptions } from "../../src/layers/AppServerOptions.ts"
import * as Server from "../../src/layers/Server.ts"
import type { RequestId } from "../../src/protocol/jsonrpc/Envelope.ts"
import type {
  ClientRequestMethod,
  NotificationParams,
  ParamsInputOf,
  ServerNotificationMethod,
  ServerRequest
} from "../../src/protocol/Methods.ts"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import * as InProcess from "../../src/services/connection/InProcess.ts"
import { MessageProcessor } from "../../src/services/connection/MessageProcessor.ts"
import { encode } from "../../src/services/routing/OutboundMessage.ts"
import { OutboundRouter } from "../../src/services/routing/OutboundRouter.ts"
import { ServerRequests } from "../../src/services/routing/ServerRequests.ts"
import { Threads } from "../../src/services/thread/Threads.ts"
import * as Toolsets from "../../src/layers/tools/Toolsets.ts"
import type { Tool } from "../../src/services/tool/Tool.ts"
import * as MemoryTransport from "./MemoryTransport.ts"
import * as MemoryFiles from "./MemoryFiles.ts"
import { makeModel } from "./ScriptedModel.ts"
import { takeFrom } from "./Queues.ts"

export interface ServerOptions extends Partial<AppServerOptions> {
  readonly toolbox?: ReadonlyArray<Tool>
  /** Uses the server's own tools instead of the toolbox. */
  readonly ownTools?: boolean
}

/** A folder that exists on no machine, so that nothing is configured. */
export const home = "/spindle-test/home"

export const cwd = "/spindle-test/project"

/** Server options that read nothing from the machine. */
export const optionsOf = ({ toolbox = [], ownTools = false, ...options }: ServerOptions): AppServerOptions => ({
  home,
  cwd,
  environment: {},
  loader: {
    systemConfigFile: "/spindle-test/etc/config.toml",
    managedConfigFile: "/spindle-test/etc/managed_config.toml",
    requirementsFile: "/spindle-test/etc/requirements.toml"
  },
  ...(ownTools ? {} : { tools: Toolsets.make(toolbox) }),
  ...options
})

export interface ConnectOptions extends Partial<Omit<InProcess.InProcessOptions, "initialize">> {
  readonly name?: string
  readonly capabilities?: ParamsInputOf<"initialize">["capabilities"]
}

const initializeParams = ({ name = "test", capabilities }: ConnectOptions): ParamsInputOf<"initialize"> => ({
  clientInfo: { name, version: "1" },
  ...(capabilities === undefined ? {} : { capabilities })
})

/** The name of an event: its method or its tag. */
export const nameOf = (event: ClientEvent): string => {
  switch (event._tag) {
    case "ServerNotification":
    case "LegacyNotification":
      return event.notification.method
    case "ServerRequest":
      return `request ${event.request.method}`
    case "Lagged":
      return `Lagged ${event.skipped}`
    default:
      return event._tag
  }
}

/** A client of the runtime that assigns its own request ids. */
export const clientOf = (handle: InProcess.InProcessHandle) => {
  let nextId = 1
  const next = Effect.map(handle.nextEvent, Option.getOrThrow)
  /** Reads events until one matches, and returns all of them, that one included. */
  const until = Effect.fnUntraced(function* (found: (event: ClientEvent) => boolean) {
    const events: Array<ClientEvent> = []
    do events.push(yield* next)
    while (!found(events.at(-1)!))
    return events
  })
  return {
    handle,
    next,
    until,
    request: <M extends ClientRequestMethod>(method: M, params: ParamsInputOf<M>) =>
      Effect.suspend(() => handle.request({ id: nextId++, method, params })),
    /** Reads events until this notification arrives, and returns its parameters. */
    notified: <M extends ServerNotificationMethod>(method: M) =>
      Effect.map(
        until((event) => event._tag === "ServerNotification" && event.notification.method === method),
        (events) => {
          const event = events.at(-1)
          // It was found by its method.
          return (event?._tag === "ServerNotification" ? event.notification.params : {}) as NotificationParams<M>
        }
      ),
    /** Reads events until a server request arrives. */
    asked: Effect.map(
      until((event) => event._tag === "ServerRequest"),
      (events): ServerRequest => {
        const event = events.at(-1)
        if (event?._tag !== "ServerRequest") throw new Error("not asked")
        return event.request
      }
    ),
    /** The names of all events up to one with this name. */
    names: (last: string) =>
      Effect.map(
        until((event) => nameOf(event) === last),
        (events) => events.map(nameOf)
      )
  }
}

export type Client = ReturnType<typeof clientOf>

/** Starts a server that ends with the test. */
export const makeServer = Effect.fnUntraced(function* (options: ServerOptions = {}) {
  const model = yield* makeModel
  const server = Server.layer(optionsOf({ model: model.layer, ...options })).pipe(
    Layer.provide(MemoryFiles.make().layer)
  )
  const services = yield* Layer.build(server)
  const processor = Context.get(services, MessageProcessor)

  /** A client in the process. */
  const connect = (connecting: ConnectOptions = {}) =>
    Effect.map(
      Effect.provideContext(InProcess.start({ ...connecting, initialize: initializeParams(connecting) }), services),
      clientOf
    )

  /** A client that reads and writes text, like one over a transport. It is uninitialized. */
  const wire = Effect.fnUntraced(function* (limits: { readonly room?: number; readonly capacity?: number } = {}) {
    const { send: submit, transport } = MemoryTransport.make()
    const served = yield* Effect.acquireRelease(
      processor.serve(transport, {
        capacity: limits.capacity ?? 64,
        outgoing: { capacity: limits.room ?? 256, requestGrace: "5 seconds", emitLagMarkers: false },
        overloadText: "Server overloaded; retry later.",
        refusals: { full: "Server overloaded; retry later.", closed: "the client is gone" }
      }),
      ({ close }) => close({ _tag: "Gone" }, { within: 0 })
    )
    const { outgoing } = served.connection
    const next = Effect.map(takeFrom(outgoing), (message): Record<string, unknown> => JSON.parse(encode(message)))
    const send = (id: RequestId, method: string, params?: unknown) =>
      Effect.sync(() => void submit({ _tag: "Request", request: { id, method, params } }))
    return {
      connection: served.connection,
      submit,
      outgoing,
      /** The next message, parsed. */
      next,
      /** The text of the next message. */
      text: Effect.map(takeFrom(outgoing), (message) => encode(message)),
      send,
      /** Sends a request and takes the next message, which is the response when no notification precedes it. */
      request: (id: RequestId, method: string, params: unknown = {}) => Effect.andThen(send(id, method, params), next),
      initialize: (capabilities?: ParamsInputOf<"initialize">["capabilities"]) =>
        Effect.andThen(
          send("initialize", "initialize", initializeParams(capabilities === undefined ? {} : { capabilities })),
          next
        )
    }
  })

  return {
    model,
    services,
    connect,
    wire,
    router: Context.get(services, OutboundRouter),
    serverRequests: Context.get(services, ServerRequests),
    threads: Context.get(services, Threads)
  }
})

export const userInput = (text: string) => [{ type: "text" as const, text }]
