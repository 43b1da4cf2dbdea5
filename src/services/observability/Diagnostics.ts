/**
 * What a running server looks like from inside: its connections and their queues, what is scheduled, what clients have been
 * asked, the loaded threads, and the last messages where that is switched on.
 *
 * Owns the snapshot and who contributes to it. Nothing is copied until somebody asks, so that a message costs no more for being
 * visible; the gauges of the metrics read the same contributions. A snapshot is plain data: it shares nothing with the server,
 * and holds names, ids, counts and times, never what was said.
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
  /** What the client calls itself; null until it has initialized. */
  readonly client: { readonly name: string; readonly version: string } | null
  /** Handlers that run and have not answered. */
  readonly running: number
  /** Requests that were refused with -32001. */
  readonly overloads: number
  readonly queues: Queues
}

/** A key of the scheduler that is in use: requests with the same key run in order. */
export interface KeySnapshot {
  readonly key: string
  /** Whether what runs are reads, which overlap. */
  readonly shared: boolean
  readonly running: number
  readonly waiting: number
}

/** A request to clients that nobody has answered. */
export interface ServerRequestSnapshot {
  readonly id: number
  readonly method: string
  readonly threadId: string
  /** Unix milliseconds. */
  readonly openedAt: number
  /** Ids of the connections that were asked. */
  readonly asked: ReadonlyArray<number>
}

/** A loaded thread. */
export interface ThreadSnapshot {
  readonly id: string
  readonly status: string
  /** Whether a turn runs. */
  readonly running: boolean
  /** Ids of the connections that follow it. */
  readonly subscribers: ReadonlyArray<number>
  /** Notifications of the thread since it was loaded. */
  readonly published: number
}

export interface Snapshot {
  /** Unix milliseconds. */
  readonly at: number
  readonly connections: ReadonlyArray<ConnectionSnapshot>
  readonly scheduler: ReadonlyArray<KeySnapshot>
  readonly serverRequests: ReadonlyArray<ServerRequestSnapshot>
  readonly threads: ReadonlyArray<ThreadSnapshot>
  /** The last messages, oldest first; null where they are not recorded. */
  readonly traffic: ReadonlyArray<TrafficEntry> | null
}

export class Diagnostics extends Context.Service<
  Diagnostics,
  {
    /** The server as it is now. Takes time in proportion to what is in it: meant for people and pages, not for each request. */
    readonly snapshot: Effect.Effect<Snapshot>
  }
>()("spindle/Diagnostics") {}

export interface DiagnosticsOptions {
  /**
   * How many of the last messages are kept, at most 65 536. Recording encodes each payload once more to know its size. Default: 0,
   * and nothing is recorded.
   */
  readonly traffic?: number
}

/** The parts of a snapshot that services contribute. */
export interface Parts {
  readonly scheduler: KeySnapshot
  readonly serverRequests: ServerRequestSnapshot
  readonly threads: ThreadSnapshot
}

/** Gives a part of the snapshot as it is now. */
type Read<A> = () => ReadonlyArray<A>

/** The parts that metrics are read from. */
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

/** The services of one server, as far as they contribute. */
export class Contributors {
  readonly connections = new Set<MeasuredConnection>()
  readonly scheduler = new Set<Read<KeySnapshot>>()
  readonly serverRequests = new Set<Read<ServerRequestSnapshot>>()
  readonly threads = new Set<Read<ThreadSnapshot>>()
  /** Undefined where messages are not recorded. */
  readonly traffic: Traffic | undefined

  constructor(traffic?: Traffic) {
    this.traffic = traffic
  }
}

/** Each server has its own; services that are made without a server share one. */
export const Contributing = Context.Reference<Contributors>("spindle/Contributors", {
  defaultValue: () => new Contributors()
})

/** While the scope is open the part of the snapshot, and the gauges of it, have what `read` returns. */
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

/** Where the open connections of a server are known, to its snapshot and to the metrics. */
export interface Clients {
  readonly add: (connection: MeasuredConnection) => void
  readonly remove: (connection: MeasuredConnection) => void
}

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

/** The snapshots of a server, and the place where its services contribute. */
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
