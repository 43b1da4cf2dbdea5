/**
 * The open connections and their queues, read when somebody looks.
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

/** How a client is connected. */
type Origin = "inProcess" | "stdio" | "webSocket" | "unixSocket"

/** What is read of a connection. `Connection` has it. */
export interface MeasuredConnection {
  readonly origin: Origin
  readonly running: number
  readonly waiting: number
  readonly overloads: number
  readonly ingressRejected: number
  readonly readPauses: number
  /** Messages that were received and have not been read by the engine. */
  readonly unread: number
  readonly outgoing: { readonly stats: { readonly size: number; readonly dropped: number; readonly waited: number } }
}

/** One figure of a connection. */
type Reading = (connection: MeasuredConnection) => number

const queueNameOf = (origin: Origin): QueueName => (origin === "inProcess" ? "events" : "outgoing")

/** The connections of one origin. What a closed one has counted stays in the sum. */
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
    const outgoing = queueNameOf(origin)
    group.gauge(connectionsOpen(origin), () => 1)
    group.gauge(requestsRunning(origin), (connection) => connection.running)
    group.counter(overloadAnswers(origin), (connection) => connection.overloads)
    group.gauge(queueSize("ingress", origin), (connection) => connection.unread)
    group.gauge(queueSize("scheduled", origin), (connection) => connection.waiting)
    group.gauge(queueSize(outgoing, origin), (connection) => connection.outgoing.stats.size)
    group.counter(queueDropped("ingress", origin), (connection) => connection.ingressRejected)
    group.counter(queueDropped(outgoing, origin), (connection) => connection.outgoing.stats.dropped)
    group.counter(queueWaited("ingress", origin), (connection) => connection.readPauses)
    group.counter(queueWaited(outgoing, origin), (connection) => connection.outgoing.stats.waited)
    return group
  }
}
