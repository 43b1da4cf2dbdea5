/**
 * A snapshot of a running server: connections and their queues, scheduled keys, pending server requests, loaded threads, and
 * the last messages when recording is enabled.
 *
 * Owns the snapshot and its contributors. Nothing is copied until a snapshot is taken, so that messages cost nothing extra; the
 * gauges of the metrics read the same contributions. A snapshot is plain data that shares nothing with the server, and holds
 * names, ids, counts and times, but no payloads.
 *
 * ```
 *  MessageProcessor ─┐                 ┌─► Diagnostics.snapshot
 *  ServerRequests ───┼─► Contributors ─┤
 *  Threads ──────────┘                 └─► gauges (Metrics)
 * ```
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type MeasuredConnection, type Origin, type Queues, queuesOf } from "./ConnectionMetrics.ts"
import { clients as measuredClients, observe } from "./MetricRegistry.ts"
import { type Gauge, serverRequestsPending, threadsLoaded, turnsRunning } from "./Metrics.ts"
import { Traffic, type TrafficEntry } from "./Traffic.ts"

export type { QueueSnapshot, Queues } from "./ConnectionMetrics.ts"
export type { TrafficEntry } from "./Traffic.ts"

/** A connected client. */
export interface ConnectionSnapshot {
  /** Unique in this server, ascending. */
  readonly id: number
  readonly origin: Origin
  /** The client's declared name; null until it has initialized. */
  readonly client: { readonly name: string; readonly version: string } | null
  /** Number of running handlers that have not responded. */
  readonly running: number
  /** Requests refused with -32001. */
  readonly overloads: number
  readonly queues: Queues
}

/** A scheduler key in use. Requests with the same key run in order. */
export interface KeySnapshot {
  readonly key: string
  /** Whether the running requests are shared, so that they overlap. */
  readonly shared: boolean
  /** Number of requests that run. */
  readonly running: number
  /** Number of requests that wait for their turn. */
  readonly waiting: number
}

/** A pending request to clients. */
export interface ServerRequestSnapshot {
  readonly id: number
  readonly method: string
  readonly threadId: string
  /** Unix milliseconds. */
  readonly openedAt: number
  /** Ids of the connections that received the request. */
  readonly asked: ReadonlyArray<number>
}

/** A loaded thread. */
export interface ThreadSnapshot {
  readonly id: string
  readonly status: string
  /** Whether a turn runs. */
  readonly running: boolean
  /** Ids of the subscribed connections. */
  readonly subscribers: ReadonlyArray<number>
  /** Number of notifications of the thread since it was loaded. */
  readonly published: number
}

/** The server at one moment. */
export interface Snapshot {
  /** Unix milliseconds. */
  readonly at: number
  readonly connections: ReadonlyArray<ConnectionSnapshot>
  readonly scheduler: ReadonlyArray<KeySnapshot>
  readonly serverRequests: ReadonlyArray<ServerRequestSnapshot>
  readonly threads: ReadonlyArray<ThreadSnapshot>
  /** The last messages, oldest first; null when recording is off. */
  readonly traffic: ReadonlyArray<TrafficEntry> | null
}

/** Shows the state of a server to people: connections, queues, running requests and threads. */
export class Diagnostics extends Context.Service<
  Diagnostics,
  {
    /** The server as it is now. It takes time proportional to its size: meant for people and pages, not for each request. */
    readonly snapshot: Effect.Effect<Snapshot>
  }
>()("spindle/Diagnostics") {}

/** What is recorded in addition to the state. */
export interface DiagnosticsOptions {
  /**
   * Number of recent messages to keep, at most 65 536. Recording encodes each payload an extra time to find its size. Default: 0,
   * which disables recording.
   */
  readonly traffic?: number
}

/**
 * The parts of a snapshot that services contribute.
 *
 * @internal
 */
export interface Parts {
  readonly scheduler: KeySnapshot
  readonly serverRequests: ServerRequestSnapshot
  readonly threads: ThreadSnapshot
}

/** Returns the current value of a part of the snapshot. */
type Read<A> = () => ReadonlyArray<A>

/** The parts that the gauges read. */
const gauges: {
  readonly [P in keyof Parts]: ReadonlyArray<readonly [Gauge, (all: ReadonlyArray<Parts[P]>) => number]>
} = {
  scheduler: [],
  serverRequests: [[serverRequestsPending, (all) => all.length]],
  threads: [
    [threadsLoaded, (all) => all.length],
    [turnsRunning, (all) => all.filter(({ running }) => running).length]
  ]
}

/**
 * The contributors of one server.
 *
 * @internal
 */
export class Contributors {
  readonly connections = new Set<MeasuredConnection>()
  readonly scheduler = new Set<Read<KeySnapshot>>()
  readonly serverRequests = new Set<Read<ServerRequestSnapshot>>()
  readonly threads = new Set<Read<ThreadSnapshot>>()
  /** Undefined when recording is off. */
  readonly traffic: Traffic | undefined

  constructor(traffic?: Traffic) {
    this.traffic = traffic
  }
}

/**
 * Each server has its own; services outside a server share one.
 *
 * @internal
 */
export const Contributing = Context.Reference<Contributors>("spindle/Contributors", {
  defaultValue: () => new Contributors()
})

/**
 * Until the scope closes, `read` provides the part of the snapshot and its gauges.
 *
 * @internal
 */
export const contribute = <P extends keyof Parts>(
  part: P,
  read: Read<Parts[P]>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const reads = (yield* Contributing)[part] as Set<Read<Parts[P]>>
    yield* Effect.acquireRelease(
      Effect.sync(() => reads.add(read)),
      () => Effect.sync(() => reads.delete(read))
    )
    for (const [gauge, measure] of gauges[part]) yield* observe(gauge, () => measure(read()))
  })

/**
 * Registers the open connections of a server for its snapshot and the metrics.
 *
 * @internal
 */
export interface Clients {
  /** Registers an open connection. */
  readonly add: (connection: MeasuredConnection) => void
  /** Removes a connection that has ended. */
  readonly remove: (connection: MeasuredConnection) => void
}

/** @internal */
export const clients: Effect.Effect<Clients> = Effect.gen(function* () {
  const { connections } = yield* Contributing
  const measured = yield* measuredClients
  return {
    add: (connection) => {
      connections.add(connection)
      measured.add(connection)
    },
    remove: (connection) => {
      connections.delete(connection)
      measured.remove(connection)
    }
  }
})

const toConnection = (connection: MeasuredConnection): ConnectionSnapshot => {
  const { id, origin, overloads, running, session } = connection
  const client = session === undefined ? null : { name: session.client.name, version: session.client.version }
  return { id, origin, client, running, overloads, queues: queuesOf(connection) }
}

const all = <A>(reads: ReadonlySet<Read<A>>): ReadonlyArray<A> => Array.from(reads).flatMap((read) => read())

/** Provides the snapshots of a server and the registry of its contributors. */
export const layer = (options: DiagnosticsOptions = {}): Layer.Layer<Diagnostics> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const now = () => clock.currentTimeMillisUnsafe()
      const { traffic = 0 } = options
      const contributors = new Contributors(traffic > 0 ? new Traffic(traffic, now) : undefined)
      const snapshot = Effect.sync((): Snapshot => ({
        at: now(),
        connections: Array.from(contributors.connections, toConnection),
        scheduler: all(contributors.scheduler),
        serverRequests: all(contributors.serverRequests),
        threads: all(contributors.threads),
        traffic: contributors.traffic?.entries ?? null
      }))
      return Context.make(Diagnostics, Diagnostics.of({ snapshot })).pipe(Context.add(Contributing, contributors))
    })
  )
