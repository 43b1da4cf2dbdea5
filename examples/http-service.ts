/**
 * An HTTP service that streams turns as server-sent events: `POST /turns` with `{"prompt": "..."}`.
 *
 *     node examples/http-service.ts --port 8080
 *     curl -N localhost:8080/turns -d '{"prompt":"say: hello"}'
 *     node examples/http-service.ts --try "say: hello"        requests itself once, and ends
 *
 * All requests share one server. Each has a client of its own, which leaves with the request: when the browser goes away,
 * its turn is interrupted.
 */
import { createServer } from "node:http"
import { NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Option, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { Sse } from "effect/encoding"
import {
  FetchHttpClient,
  HttpBody,
  HttpClient,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import {
  AppServer,
  type AppServerClient,
  type Connections,
  InProcessClient,
  type Methods,
  Offline
} from "spindle-app-server"

/** Logs how the turn has ended. */
const logEnd = (client: AppServerClient.AppServerClient["Service"], threadId: string) =>
  client
    .request("thread/read", { threadId, includeTurns: true })
    .pipe(Effect.flatMap(({ thread }) => Console.error(`turn: ${thread.turns.at(-1)?.status ?? "not started"}`)))

/** The notifications of one turn, until it has ended. A stream that ends earlier interrupts its turn. */
const turn = (prompt: string) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const client = yield* InProcessClient.make({ clientName: "http-example", clientVersion: "1.0.0" })
      const thread = yield* client.startThread({})
      // Runs after the end of the turn, also when the browser has left.
      yield* Effect.addFinalizer(() => Effect.ignore(logEnd(client, thread.id)))
      // No user can approve anything over this service, so every request of the server is refused.
      const refuse = (request: Methods.ServerRequest) =>
        client.reject(request, { code: -32_000, message: "nobody can answer" })
      return thread.turn(prompt).pipe(
        Stream.tap((event) => (event._tag === "ServerRequest" ? refuse(event.request) : Effect.void)),
        Stream.filter((event) => event._tag === "ServerNotification"),
        Stream.map(({ notification }) => notification)
      )
    })
  )

const Body = Schema.Struct({ prompt: Schema.NonEmptyString })

const routes = HttpRouter.add(
  "POST",
  "/turns",
  Effect.gen(function* () {
    const { prompt } = yield* HttpServerRequest.schemaBodyJson(Body)
    const events = turn(prompt).pipe(
      Stream.map(({ method, params }): Sse.Event => ({
        _tag: "Event",
        event: method,
        id: undefined,
        data: JSON.stringify(params)
      })),
      Stream.pipeThroughChannel(Sse.encode()),
      Stream.encodeText,
      // Provided to the stream, which is read after this handler has returned.
      Stream.provideContext(yield* Effect.context<Connections.Connections>())
    )
    return HttpServerResponse.stream(events, { contentType: "text/event-stream" })
  })
)

/** Requests the service, and prints the agent's messages. */
const tryIt = Effect.fn(function* (address: string, prompt: string) {
  const response = yield* HttpClient.post(`${address}/turns`, { body: yield* HttpBody.json({ prompt }) })
  yield* response.stream.pipe(
    Stream.decodeText,
    Stream.pipeThroughChannel(Sse.decode()),
    Stream.runForEach(({ data, event }) =>
      Console.log(event === "item/agentMessage/delta" ? `${event} ${JSON.parse(data).delta}` : event)
    )
  )
})

const command = Command.make(
  "http-service",
  { port: Flag.Int("port").pipe(Flag.withDefault(0)), prompt: Flag.String("try").pipe(Flag.optional) },
  Effect.fn(function* ({ port, prompt }) {
    const serve = Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const url = HttpServer.formatAddress(address)
      yield* Console.error(`listening on ${url}`)
      return yield* Option.match(prompt, { onNone: () => Effect.never, onSome: (text) => tryIt(url, text) })
    })
    const http = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      // Leave `model` out to use the configured model server.
      Layer.provide(AppServer.layer({ model: Offline.layer })),
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" }))
    )
    yield* Effect.provide(serve, Layer.mergeAll(http, FetchHttpClient.layer))
  })
)

Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
