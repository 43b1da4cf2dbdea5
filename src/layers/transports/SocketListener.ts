/**
 * Everybody who is connected to one address.
 *
 * Owns the sessions of a listening address, how it finds out who is there no longer and who never initialises, and how it
 * ends. Knows no addresses
 * (WebSocket, UnixSocket).
 *
 * @module
 */
import type * as Net from "node:net"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { Origin } from "../../services/connection/Connection.ts"
import type { MessageProcessor, Served } from "../../services/connection/MessageProcessor.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import type { Admission, Page } from "./HttpScreen.ts"
import * as HttpUpgrade from "./HttpUpgrade.ts"
import { Newcomers } from "./UninitializedClients.ts"
import { CloseCode, type WebSocketPeer, type Refusal } from "./WebSocketPeer.ts"
import * as WebSocketSession from "./WebSocketSession.ts"
import { Budget } from "./ReadBudget.ts"
import * as Wire from "./StreamTransport.ts"

/** How often connections that are not initialised are looked at, at least. */
const SweepInterval = Duration.seconds(5)

const late: Refusal = { code: CloseCode.policy, reason: "no initialize in time" }
const crowded: Refusal = { code: CloseCode.tryAgainLater, reason: "too many connections without initialize" }

/** How often clients are asked for a sign of life; who gives none until the next time is taken for gone. */
const PingInterval = "30 seconds"

export interface SocketListenerOptions {
  readonly listen: Net.ListenOptions
  /** How errors call the address. */
  readonly url: string
  readonly origin: Origin
  readonly admission: Admission
  readonly limits: Wire.ConnectionLimits
  /** Besides the probes. */
  readonly pages?: ReadonlyMap<string, Page>
}

/** An address that is being listened on. */
export interface SocketListener {
  /** As bound: with the port that the system chose. */
  readonly address: string | Net.AddressInfo | null
  readonly served: () => ReadonlyArray<Served>
  /** Ends when nobody is connected. */
  readonly isEmpty: Effect.Effect<void>
  /** Takes no more clients. Those that are there stay. */
  readonly refuse: Effect.Effect<void>
  /** Lets clients read what they have been told, says goodbye to them, and ends when all are gone. */
  readonly dismiss: (reason: string) => Effect.Effect<void>
}

/** Listens until the scope closes. */
export const make = Effect.fnUntraced(function* (
  options: SocketListenerOptions
): Effect.fn.Return<SocketListener, HttpUpgrade.ListenFailed, MessageProcessor | OutboundRouter | Scope.Scope> {
  const sessions = new Map<WebSocketPeer, Served>()
  let farewell = "the server is going away"

  const session = (peer: WebSocketPeer) =>
    Effect.flatMap(Wire.serve(options.origin, options.limits), ({ served }) => {
      sessions.set(peer, served)
      // However the session ends: nobody waits any longer for this client to read.
      return Effect.onExit(WebSocketSession.run(peer, served, context), () => served.connection.outgoing.shutdown)
    })

  const serve = (peer: WebSocketPeer) =>
    session(peer).pipe(
      Effect.catchCause((cause) => WebSocketSession.fail(peer, cause)),
      Effect.scoped,
      Effect.onExit(() =>
        Effect.sync(() => {
          peer.terminate()
          sessions.delete(peer)
        })
      )
    )

  const { listen, limits, url, admission } = options
  const clock = yield* Clock.Clock
  const newcomers = new Newcomers(limits.maxUninitialized)
  const initializeTimeout = Duration.fromInputUnsafe(limits.initializeTimeout)
  const sweep = Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(Duration.min(initializeTimeout, SweepInterval))
      newcomers.sweep(clock.currentTimeMillisUnsafe() - Duration.toMillis(initializeTimeout))
    }
  })
  const welcome = (peer: WebSocketPeer): void => {
    const isDone = () => peer.isInitialized || peer.isGone
    const close = (why: "late" | "crowded") => peer.refuse(why === "late" ? late : crowded)
    newcomers.add({ isDone, close }, clock.currentTimeMillisUnsafe())
  }

  const heartbeat = Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(PingInterval)
      for (const peer of sessions.keys()) {
        if (peer.ping()) continue
        peer.close(CloseCode.policy, "no answer to a ping")
        peer.terminate()
      }
    }
  })

  // Sockets end before their server does: it waits for them.
  let onPeer: (peer: WebSocketPeer) => void = (peer) => peer.terminate()
  const server = yield* HttpUpgrade.listen({
    listen,
    url,
    admission,
    limits,
    newcomers,
    pages: options.pages ?? new Map(),
    onPeer: (peer) => onPeer(peer)
  })
  const fibers = yield* FiberSet.make<void, never>()
  const fork = yield* FiberSet.runtime(fibers)<MessageProcessor | OutboundRouter>()
  const context: WebSocketSession.SessionContext = {
    limits,
    reads: yield* Budget,
    router: yield* OutboundRouter,
    fork: (effect) => void fork(effect),
    farewell: () => farewell
  }
  onPeer = (peer) => {
    welcome(peer)
    fork(serve(peer))
  }
  yield* Effect.forkScoped(heartbeat)
  yield* Effect.forkScoped(sweep)

  const refuse = Effect.sync(() => {
    onPeer = (peer) => {
      peer.close(CloseCode.goingAway, farewell)
      peer.terminate()
    }
    server.close()
    server.closeIdleConnections()
  })
  return {
    address: server.address(),
    served: () => Array.from(sessions.values()),
    isEmpty: FiberSet.awaitEmpty(fibers),
    refuse,
    dismiss: (reason) =>
      Effect.gen(function* () {
        farewell = reason
        yield* refuse
        yield* Effect.forEach(sessions.values(), ({ connection }) => connection.outgoing.end, { discard: true })
        yield* FiberSet.awaitEmpty(fibers)
      })
  }
})
