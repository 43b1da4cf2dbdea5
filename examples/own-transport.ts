/**
 * A transport of the program's own: clients over a `MessagePort`, for example in worker threads. Here both ends are in this
 * thread.
 *
 *     node examples/own-transport.ts
 */
import { MessageChannel, type MessagePort } from "node:worker_threads"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Effect, Queue } from "effect"
import {
  AppServer,
  type JsonRpc,
  MessageText,
  Offline,
  OutboundMessage,
  OwnTransport,
  Transport
} from "spindle-app-server"

/** How many messages of a client may wait. A port cannot slow its sender down, so a client that sends more is disconnected. */
const MaxWaiting = 1024

/** A port as a transport: a JSON text per message, and null for the end. */
const overPort = (port: MessagePort) =>
  Effect.gen(function* () {
    const waiting = yield* Queue.bounded<JsonRpc.Incoming, Cause.Done | Transport.TransportClosed>(MaxWaiting)
    const end = (reason?: string) =>
      void Queue.failCauseUnsafe(
        waiting,
        Cause.fail(new Transport.TransportClosed(reason === undefined ? {} : { reason }))
      )
    port.on("message", (text: unknown) => {
      if (typeof text !== "string") return end()
      if (!Queue.offerUnsafe(waiting, MessageText.parse(text))) end("too many messages wait")
    })
    port.on("close", () => end())
    yield* Effect.addFinalizer(() => Effect.sync(() => port.close()))
    return {
      origin: "custom",
      // Producers do not wait for a client that stops reading: it is disconnected.
      evictable: true,
      read: Queue.takeAll(waiting),
      write: (messages, sequenced) =>
        Effect.sync(() => {
          for (const message of messages) port.postMessage(OutboundMessage.encode(message, sequenced))
        }),
      close: () => Effect.sync(() => port.postMessage(null))
    } satisfies Transport.Transport
  })

const program = Effect.gen(function* () {
  const { port1, port2 } = new MessageChannel()
  const served = yield* OwnTransport.serve(yield* overPort(port1))

  const received = yield* Queue.unbounded<unknown>()
  port2.on("message", (message: unknown) => void Queue.offerUnsafe(received, message))
  const send = (message: object) => port2.postMessage(JSON.stringify(message))
  send({ id: 1, method: "initialize", params: { clientInfo: { name: "port", version: "1.0.0" } } })
  send({ id: 2, method: "thread/loaded/list", params: {} })
  yield* Queue.take(received)
  yield* Console.log(yield* Queue.take(received))

  port2.postMessage(null)
  yield* served.closed
  yield* Console.log("closed")
})

program.pipe(
  Effect.scoped,
  // Leave `model` out to use the configured model server.
  Effect.provide(AppServer.layer({ model: Offline.layer })),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
