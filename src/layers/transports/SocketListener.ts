/**
 * Serves the clients of one listening address.
 *
 * Owns the connections of the address: pings, the time limit for `initialize`, and their end with the listener. Does not own the
 * kinds of addresses (WebSocket, UnixSocket).
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
import { closeAll, type MessageProcessor, type Served } from "../../services/connection/MessageProcessor.ts"
import type { Origin } from "../../services/connection/Transport.ts"
import type { Admission, Page } from "./HttpScreen.ts"
import * as HttpUpgrade from "./HttpUpgrade.ts"
import { Newcomers } from "./Newcomers.ts"
import { CloseCode, type WebSocketPeer, type Refusal } from "./WebSocketPeer.ts"
import { Budget } from "./ReadBudget.ts"
import type * as ConnectionLimits from "./ConnectionLimits.ts"
import * as ServeTransport from "./ServeTransport.ts"
import * as WebSocketTransport from "./WebSocketTransport.ts"

/** Maximum interval between checks for connections that have not initialized in time. */
const SweepInterval = Duration.seconds(5)

const farewell = "the server is going away"

const late: Refusal = { code: CloseCode.policy, reason: "no initialize in time" }
const crowded: Refusal = { code: CloseCode.tryAgainLater, reason: "too many connections without initialize" }

/** Interval of pings. A client that has not answered a ping by the next one is disconnected. */
const PingInterval = "30 seconds"

export interface SocketListenerOptions {
  readonly listen: Net.ListenOptions
  /** The address in error messages. */
  readonly url: string
  readonly origin: Origin
  readonly admission: Admission
  readonly limits: ConnectionLimits.ConnectionLimits
  /** Pages besides the probes. */
  readonly pages?: ReadonlyMap<string, Page>
}

/** An open listener. */
export interface SocketListener {
  /** The bound address, with the port that the system chose. */
  readonly address: string | Net.AddressInfo | null
  readonly served: () => ReadonlyArray<Served>
  /** Waits until no client is connected. */
  readonly isEmpty: Effect.Effect<void>
  /** Stops accepting clients. Connected ones stay. */
  readonly refuse: Effect.Effect<void>
}

/** The connections of a listener. */
class Sessions {
  readonly #served = new Map<WebSocketPeer, Served>()
  readonly #isEmpty = Latch.makeUnsafe(true)

  get served(): ReadonlyArray<Served> {
    return Array.from(this.#served.values())
  }

  get isEmpty(): Effect.Effect<void> {
    return this.#isEmpty.await
  }

  add(peer: WebSocketPeer, served: Served): void {
    this.#served.set(peer, served)
    this.#isEmpty.closeUnsafe()
  }

  remove(peer: WebSocketPeer): void {
    peer.terminate()
    this.#served.delete(peer)
    if (this.#served.size === 0) this.#isEmpty.openUnsafe()
  }

  /** Pings every client, and disconnects those that did not answer the last ping. */
  ping(): void {
    for (const peer of this.#served.keys()) {
      if (peer.ping()) continue
      peer.close(CloseCode.policy, "no answer to a ping")
      peer.terminate()
    }
  }
}

/** Closes clients that do not initialize in time, and the oldest when there are too many. */
const newcomersOf = Effect.fnUntraced(function* ({
  initializeTimeout,
  maxUninitialized
}: ConnectionLimits.ConnectionLimits) {
  const clock = yield* Clock.Clock
  const newcomers = new Newcomers(maxUninitialized)
  const timeout = Duration.fromInputUnsafe(initializeTimeout)
  const sweep = Effect.sync(() => newcomers.sweep(clock.currentTimeMillisUnsafe() - Duration.toMillis(timeout)))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(sweep, Duration.min(timeout, SweepInterval))))
  const welcome = (peer: WebSocketPeer): void => {
    const isDone = () => peer.isInitialized || peer.isGone
    const close = (why: "late" | "crowded") => peer.refuse(why === "late" ? late : crowded)
    newcomers.add({ isDone, close }, clock.currentTimeMillisUnsafe())
  }
  return { newcomers, welcome }
})

/** Listens until the scope closes. */
export const make = Effect.fnUntraced(function* (
  options: SocketListenerOptions
): Effect.fn.Return<SocketListener, HttpUpgrade.ListenFailed, MessageProcessor | Scope.Scope> {
  const { limits, origin } = options
  const sessions = new Sessions()
  const reads = yield* Budget
  const { newcomers, welcome } = yield* newcomersOf(limits)

  const serve = (peer: WebSocketPeer) =>
    Effect.map(
      ServeTransport.serve(WebSocketTransport.make(peer, origin, limits, reads), limits, () => sessions.remove(peer)),
      (served) => sessions.add(peer, served)
    )

  // The sockets end first, because the server waits for them.
  let onPeer: (peer: WebSocketPeer) => void = (peer) => peer.terminate()
  const server = yield* HttpUpgrade.listen({
    ...options,
    newcomers,
    pages: options.pages ?? new Map(),
    onPeer: (peer) => onPeer(peer)
  })
  const fork = yield* FiberSet.makeRuntime<MessageProcessor>()
  yield* Effect.addFinalizer(() => closeAll(sessions.served, { _tag: "Stopping", message: farewell }))
  onPeer = (peer) => {
    welcome(peer)
    fork(serve(peer))
  }
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.delay(
        Effect.sync(() => sessions.ping()),
        PingInterval
      )
    )
  )

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
    served: () => sessions.served,
    isEmpty: sessions.isEmpty,
    refuse
  }
})
