/**
 * Metrics of the open connections and their queues, computed when they are read.
 *
 * @module
 */
import type * as Context from "effect/Context"
import {
  type Counter,
  connectionsOpen,
  type Gauge,
  overloadAnswers,
  queueDropped,
  type QueueName,
  queueSize,
  queueWaited,
  requestsRunning
} from "./Metrics.ts"
import { readCounter, readGauge } from "./MetricReading.ts"

/** How a client is connected, for logs and metrics. `custom` is a transport of an embedding program. */
export type Origin = "custom" | "inProcess" | "stdio" | "webSocket" | "unixSocket"

/** The part of a connection that is read. `Connection` implements it. */
export interface MeasuredConnection {
  readonly id: number
  readonly origin: Origin
  readonly session: { readonly client: { readonly name: string; readonly version: string } } | undefined
  /** Capacity of the ingress, and of the queue of requests that wait for their key. */
  readonly capacity: number
  readonly running: number
  readonly waiting: number
  readonly overloads: number
  readonly ingressRejected: number
  readonly readPauses: number
  /** Messages that were received and not yet read by the engine. */
  readonly unread: number
  readonly outgoing: {
    readonly capacity: number
    readonly stats: { readonly size: number; readonly dropped: number; readonly waited: number }
  }
}

/** One queue of a connection. */
export interface QueueSnapshot {
  /** Queued messages. May exceed `capacity` when producers wait or when the client may fall behind. */
  readonly size: number
  readonly capacity: number
  /** Messages dropped for lack of room since the connection opened. */
  readonly dropped: number
  /** Messages that waited for room; for the ingress, how often reading paused. */
  readonly waited: number
}

/** The queues of a connection. */
export interface Queues {
  /** Messages received and not yet read by the engine. */
  readonly ingress: QueueSnapshot
  /** Requests that wait behind others with the same key. */
  readonly scheduled: QueueSnapshot
  /** Messages to be written, or to be taken by an in-process client. */
  readonly outgoing: QueueSnapshot
}

export const queuesOf = (connection: MeasuredConnection): Queues => {
  const { capacity, ingressRejected, outgoing, readPauses, unread, waiting } = connection
  const { dropped, size, waited } = outgoing.stats
  return {
    ingress: { size: unread, capacity, dropped: ingressRejected, waited: readPauses },
    scheduled: { size: waiting, capacity, dropped: 0, waited: 0 },
    outgoing: { size, capacity: outgoing.capacity, dropped, waited }
  }
}

/** One value of a connection. */
type Reading = (connection: MeasuredConnection) => number

const queueNameOf = (origin: Origin): QueueName => (origin === "inProcess" ? "events" : "outgoing")

/** The connections of one origin. The counts of closed connections stay in the sum. */
class Group {
  readonly #context: Context.Context<never>
  readonly #open = new Set<MeasuredConnection>()
  readonly #totals: Array<{ readonly read: Reading; closed: number }> = []

  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  #sum(read: Reading): number {
    let sum = 0
    for (const connection of this.#open) sum += read(connection)
    return sum
  }

  gauge(gauge: Gauge, read: Reading): void {
    readGauge(gauge, this.#context, () => this.#sum(read))
  }

  counter(counter: Counter, read: Reading): void {
    const total = { read, closed: 0 }
    this.#totals.push(total)
    readCounter(counter, this.#context, () => total.closed + this.#sum(read))
  }

  add(connection: MeasuredConnection): void {
    this.#open.add(connection)
  }

  remove(connection: MeasuredConnection): void {
    if (!this.#open.delete(connection)) return
    for (const total of this.#totals) total.closed += total.read(connection)
  }
}

/** The connections of all servers that share a registry. */
export class ConnectionMetrics {
  readonly #context: Context.Context<never>
  readonly #groups = new Map<Origin, Group>()

  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  add(connection: MeasuredConnection): void {
    this.#groupOf(connection.origin).add(connection)
  }

  remove(connection: MeasuredConnection): void {
    this.#groups.get(connection.origin)?.remove(connection)
  }

  #groupOf(origin: Origin): Group {
    const known = this.#groups.get(origin)
    if (known !== undefined) return known
    const group = new Group(this.#context)
    this.#groups.set(origin, group)
    group.gauge(connectionsOpen(origin), () => 1)
    group.gauge(requestsRunning(origin), (connection) => connection.running)
    group.counter(overloadAnswers(origin), (connection) => connection.overloads)
    group.gauge(queueSize("scheduled", origin), (connection) => queuesOf(connection).scheduled.size)
    for (const [name, label] of [
      ["ingress", "ingress"],
      ["outgoing", queueNameOf(origin)]
    ] as const) {
      group.gauge(queueSize(label, origin), (connection) => queuesOf(connection)[name].size)
      group.counter(queueDropped(label, origin), (connection) => queuesOf(connection)[name].dropped)
      group.counter(queueWaited(label, origin), (connection) => queuesOf(connection)[name].waited)
    }
    return group
  }
}
