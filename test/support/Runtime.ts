/**
 * The in-process runtime with the handlers of a test, without threads.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Handler, HandlerTable } from "../../src/services/connection/Handlers.ts"
import * as InProcess from "../../src/services/connection/InProcess.ts"
import { MessageProcessor } from "../../src/services/connection/MessageProcessor.ts"
import * as Shutdown from "../../src/services/connection/Shutdown.ts"
import { ServerRequests } from "../../src/services/routing/ServerRequests.ts"
import { RequestError } from "../../src/services/routing/RequestError.ts"
import { ThreadNotFound } from "../../src/services/thread/ThreadError.ts"
import { Threads } from "../../src/services/thread/Threads.ts"
import { sessionOf } from "./Connections.ts"
import { makeProcessor } from "./Processor.ts"
import { clientOf } from "./Server.ts"

export const shaken = { userAgent: "a", codexHome: "/h", platformFamily: "unix", platformOs: "linux" }

/** Accepts every client. */
export const initialize: HandlerTable["initialize"] = (_, { connection }) =>
  Effect.sync(() => {
    connection.initialize(sessionOf())
    return shaken
  })

const noThreads = Threads.of({
  start: () => Effect.die("no threads here"),
  resume: () => Effect.die("no threads here"),
  fork: () => Effect.die("no threads here"),
  announce: () => Effect.die("no threads here"),
  get: (threadId) => Effect.fail(new ThreadNotFound({ threadId, sought: "loaded" })),
  find: () => undefined,
  volatile: Effect.succeed(true),
  loaded: () => [],
  agentsOf: () => [],
  running: () => 0,
  drain: Effect.void,
  stop: Effect.void,
  abandonNow: () => [],
  stored: {
    change: () => Effect.die("no threads here"),
    end: () => Effect.die("no threads here"),
    locked: (_threadId, effect) => effect,
    archive: () => Effect.die("no threads here"),
    unarchive: () => Effect.die("no threads here"),
    remove: () => Effect.die("no threads here"),
    revert: () => Effect.die("no threads here"),
    hasFiles: false,
    locate: (threadId) => Effect.succeed(threadId),
    state: () => Effect.succeed(null),
    view: () => Effect.die("no threads here"),
    readState: () => null
  },
  sections: {
    list: Effect.succeed([]),
    find: () => null,
    create: () => Effect.die("no threads here"),
    update: () => Effect.die("no threads here"),
    remove: () => Effect.die("no threads here")
  }
})

export const List = "thread/loaded/list"
export const Interrupt = "turn/interrupt"

export const page = { data: ["t"], nextCursor: null }

export const listing: Handler<typeof List> = () => Effect.succeed(page)

export const closed = new InProcess.InProcessError({
  reason: { _tag: "Closed" },
  message: "in-process app-server runtime is closed"
})

export const stopping = new RequestError({ code: -32603, message: "in-process app-server runtime is shutting down" })

export const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }

/** A handler that never completes, and reports its start and its interruption. */
export const makeNever = Effect.gen(function* () {
  const started = yield* Deferred.make<void>()
  const interrupted = yield* Deferred.make<void>()
  const handler: Handler<typeof Interrupt> = () =>
    Deferred.succeed(started, undefined).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
    )
  return { handler, hasStarted: Effect.andThen(Deferred.await(started), Effect.yieldNow), interrupted }
})

/** `start` opens a runtime for the current scope. */
export const makeRuntime = Effect.fnUntraced(function* (handlers: Partial<HandlerTable>) {
  const { router, serverRequests, processor } = yield* makeProcessor({ initialize, ...handlers })
  const shutdown = yield* Shutdown.make.pipe(
    Effect.provideService(MessageProcessor, processor),
    Effect.provideService(ServerRequests, serverRequests),
    Effect.provideService(Threads, noThreads)
  )
  const start = (options: Partial<InProcess.InProcessOptions> = {}) =>
    InProcess.start({ initialize: { clientInfo: { name: "test", version: "1" } }, ...options }).pipe(
      Effect.map(clientOf),
      Effect.provideService(MessageProcessor, processor),
      Effect.provideService(ServerRequests, serverRequests),
      Effect.provideService(Shutdown.Shutdown, shutdown)
    )
  return { router, serverRequests, start }
})
