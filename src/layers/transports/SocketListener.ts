/**
 * The clients of one address.
 *
 * Owns the connections of a listening address: how it finds out which client is gone and which never initializes, and that all of
 * them end with it. Knows no addresses (WebSocket, UnixSocket).
 *
 * @module
 */
import type * as Net from "node:net"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { DefaultDeadline } from "../../services/connection/Deadline.ts"
import type { MessageProcessor, Served } from "../../services/connection/MessageProcessor.ts"
import type { Origin } from "../../services/connection/Transport.ts"
import type { Admission, Page } from "./HttpScreen.ts"
import * as HttpUpgrade from "./HttpUpgrade.ts"
import { Newcomers } from "./UninitializedClients.ts"
import { CloseCode, type WebSocketPeer, type Refusal } from "./WebSocketPeer.ts"
import { Budget } from "./ReadBudget.ts"
import * as StreamTransport from "./StreamTransport.ts"
import * as WebSocketTransport from "./WebSocketTransport.ts"

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
  readonly limits: StreamTransport.ConnectionLimits
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
  /** Takes no more clients, closes the connections of those that are there when they have read everything, and ends when all are closed. */
  readonly dismiss: (reason: string) => Effect.Effect<void>
}

/** Listens until the scope closes. */
export const make = Effect.fnUntraced(function* (
  options: SocketListenerOptions
): Effect.fn.Return<SocketListener, HttpUpgrade.ListenFailed, MessageProcessor | Scope.Scope> {
  const sessions = new Map<WebSocketPeer, Served>()
  const reads = yield* Budget
  let farewell = "the server is going away"

  const isEmpty = yield* Latch.make(true)

  const serve = (peer: WebSocketPeer) => {
    const transport = WebSocketTransport.make(peer, options.origin, options.limits, reads)
    const onClosed = () => {
      peer.terminate()
      sessions.delete(peer)
      if (sessions.size === 0) isEmpty.openUnsafe()
    }
    return Effect.map(StreamTransport.serve(transport, options.limits, onClosed), (served) => {
      sessions.set(peer, served)
      isEmpty.closeUnsafe()
    })
  }

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
  const fork = yield* FiberSet.makeRuntime<MessageProcessor>()
  const closeAll = (message: string) =>
    Effect.suspend(() =>
      Effect.forEach(
        sessions.values(),
        ({ close }) => close({ _tag: "Stopping", message }, { within: DefaultDeadline }),
        {
          concurrency: "unbounded",
          discard: true
        }
      )
    )
  yield* Effect.addFinalizer(() => closeAll(farewell))
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
    isEmpty: isEmpty.await,
    refuse,
    dismiss: (reason) =>
      Effect.gen(function* () {
        farewell = reason
        yield* refuse
        yield* closeAll(farewell)
      })
  }
})
