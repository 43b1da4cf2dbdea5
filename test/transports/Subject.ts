/**
 * A server with a scripted model, and the ways to connect a client to it.
 *
 * @module
 */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as StandardIo from "effect/Stdio"
import * as Stream from "effect/Stream"
import type * as Server from "../../src/layers/Server.ts"
import * as NodeSmallFiles from "../../src/layers/files/NodeSmallFiles.ts"
import * as Stdio from "../../src/layers/transports/Stdio.ts"
import * as ConnectionLimits from "../../src/layers/transports/ConnectionLimits.ts"
import * as ServeTransport from "../../src/layers/transports/ServeTransport.ts"
import * as UnixSocket from "../../src/layers/transports/UnixSocket.ts"
import * as WebSocket from "../../src/layers/transports/WebSocket.ts"
import { classify, type RequestId } from "../../src/protocol/jsonrpc/Envelope.ts"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import * as InProcess from "../../src/services/connection/InProcess.ts"
import { MessageProcessor } from "../../src/services/connection/MessageProcessor.ts"
import { encode } from "../../src/services/routing/OutboundMessage.ts"
import { RequestError } from "../../src/services/routing/RequestError.ts"
import * as MemoryTransport from "../support/MemoryTransport.ts"
import { makeServer } from "../support/Server.ts"
import { tryConnect, type Where } from "../support/Sockets.ts"
import { asking, gated } from "../support/Tools.ts"
import type { ReceivedMessage } from "../support/WirePeer.ts"

/** The client's end of a connection, with JSON messages. */
export interface Channel {
  readonly send: (message: object) => Effect.Effect<void>
  /** The next message. */
  readonly next: Effect.Effect<ReceivedMessage>
  /** Ends the connection from the client's side. */
  readonly leave: Effect.Effect<void>
  /** Waits until the connection has been ended by the server. */
  readonly ended: Effect.Effect<unknown>
}

export class Subject extends Context.Service<
  Subject,
  Omit<Effect.Success<ReturnType<typeof makeServer>>, "connect"> & {
    /** Opens the gate of the tools `slow` and `stubborn`; the second cannot be interrupted while it waits. */
    readonly open: Effect.Effect<unknown>
    /** Connects a client, which has not initialized unless it is in the same process. */
    readonly connect: Effect.Effect<Channel, unknown, Scope.Scope>
  }
>()("spindle-test/TransportSubject") {}

type Connect = Effect.Effect<Channel, unknown, Server.Server | Scope.Scope>

/** A server with this kind of clients; `prepare` runs once for each. */
const subjectOf = (prepare: Effect.Effect<Connect, unknown, Server.Server | Scope.Scope>) =>
  Layer.effect(
    Subject,
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const server = yield* makeServer({
        toolbox: [
          asking,
          gated("slow", Deferred.await(gate)),
          gated("stubborn", Effect.uninterruptible(Deferred.await(gate)))
        ]
      })
      const connect = yield* Effect.provideContext(prepare, server.services)
      return {
        ...server,
        open: Deferred.succeed(gate, undefined),
        connect: Effect.provideContext(connect, server.services)
      }
    })
  )

const messagesIn = (text: string): ReadonlyArray<ReceivedMessage> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ReceivedMessage)

/** A client without a stream in between. */
export const inMemory = subjectOf(
  Effect.succeed(
    Effect.gen(function* () {
      const received = yield* Queue.unbounded<ReceivedMessage>()
      const ended = yield* Deferred.make<void>()
      const { leave, send, transport } = MemoryTransport.make({
        evictable: true,
        write: (messages, sequenced) =>
          Effect.sync(
            () =>
              void Queue.offerAllUnsafe(
                received,
                messagesIn(messages.map((each) => encode(each, sequenced)).join("\n"))
              )
          ),
        close: () => Deferred.succeed(ended, undefined)
      })
      yield* ServeTransport.serve(transport, ConnectionLimits.defaultLimits)
      return {
        send: (message) => Effect.sync(() => void send(classify(message))),
        next: Queue.take(received),
        leave,
        ended: Deferred.await(ended)
      } satisfies Channel
    })
  )
)

export const stdio = subjectOf(
  Effect.succeed(
    Effect.gen(function* () {
      const input = yield* Queue.make<Uint8Array, Cause.Done>()
      const received = yield* Queue.unbounded<ReceivedMessage>()
      const io = StandardIo.layerTest({
        stdin: Stream.fromQueue(input),
        stdout: () => Sink.forEach((text) => Queue.offerAll(received, messagesIn(String(text))))
      })
      const served = yield* Effect.provide(Stdio.serve(), io)
      return {
        send: (message) => Queue.offer(input, new TextEncoder().encode(`${JSON.stringify(message)}\n`)),
        next: Queue.take(received),
        // Like the program when its input has ended.
        leave: Effect.andThen(
          Queue.end(input),
          Effect.andThen(served.inputEnded, served.close({ _tag: "InputEnded" }))
        ),
        ended: served.closed
      } satisfies Channel
    })
  )
)

const overSocket = (where: Where): Connect =>
  Effect.map(tryConnect(where), ({ close, closed, next, send }) => ({ send, next, leave: close, ended: closed }))

export const webSocket = subjectOf(
  Effect.gen(function* () {
    const { bound } = yield* WebSocket.serve({
      listen: { _tag: "WebSocket", host: "127.0.0.1", port: 0 },
      admission: { allowedOrigins: new Set(), authorize: undefined }
    })
    return overSocket(bound.port)
  })
)

export const unixSocket = subjectOf(
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "spindle-transport-"))),
      (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
    )
    const { path } = yield* UnixSocket.serve({ path: join(folder, "s"), home: folder })
    return overSocket(path)
  }).pipe(Effect.provide([NodeServices.layer, NodeSmallFiles.layer]))
)

const receivedOf = (event: ClientEvent): ReceivedMessage => {
  switch (event._tag) {
    case "ServerRequest":
      return event.request as unknown as ReceivedMessage
    case "ServerNotification":
      return event.notification as unknown as ReceivedMessage
    default:
      return { method: event._tag }
  }
}

const isError = Schema.is(RequestError)

/** The response of a request as over a wire; undefined without one. */
const answerOf = (id: RequestId, exit: Exit.Exit<unknown, unknown>): object | undefined => {
  if (Exit.isSuccess(exit)) return { id, result: exit.value }
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return isError(error) ? { id, error: { code: error.code, message: error.message } } : undefined
}

/** The low-level runtime. Its start has initialized it. */
export const inProcess = subjectOf(
  Effect.succeed(
    Effect.gen(function* () {
      const processor = yield* MessageProcessor
      const handle = yield* InProcess.start({
        initialize: { clientInfo: { name: "suite", version: "1" }, capabilities: { experimentalApi: true } },
        ownsServer: false
      })
      const served = processor.connections().at(-1)
      const received = yield* Queue.unbounded<ReceivedMessage>()
      yield* Effect.forkScoped(Stream.runForEach(handle.events, (event) => Queue.offer(received, receivedOf(event))))
      const send = (message: object) =>
        Effect.gen(function* () {
          const incoming = classify(message)
          if (incoming._tag === "Success")
            return yield* handle.respondToServerRequest(incoming.success.id, incoming.success.result)
          if (incoming._tag !== "Request") return
          const { id, method, params } = incoming.request
          const answering = Effect.flatMap(
            Effect.exit(handle.whenRoom.requestUnknown({ id, method, params })),
            (exit) => {
              const answer = answerOf(id, exit)
              return answer === undefined ? Effect.void : Queue.offer(received, answer as ReceivedMessage)
            }
          )
          yield* Effect.forkDetach(answering, { startImmediately: true })
        }).pipe(Effect.ignore)
      return {
        send,
        next: Queue.take(received),
        leave: handle.shutdown,
        ended: served?.closed ?? Effect.void
      } satisfies Channel
    })
  )
)
