/**
 * The open connections and their queues, read when somebody looks.
 *
 * @module
 */
import type * as Context from "effect/Context"
import * as Queue from "effect/Queue"
import type { Connection, Origin } from "../connection/Connection.ts"
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

/** What a connection says of itself. */
type Reading = (connection: Connection) => number

const outboxOf = (origin: Origin): QueueName => (origin === "inProcess" ? "events" : "outbox")

/** The connections of one origin. What a closed one has counted stays in the sum. */
class Group {
  readonly #context: Context.Context<never>
  readonly #open = new Set<Connection>()
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

  add(connection: Connection): void {
    this.#open.add(connection)
  }

  remove(connection: Connection): void {
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

  add(connection: Connection): void {
    this.#groupOf(connection.origin).add(connection)
  }

  remove(connection: Connection): void {
    this.#groups.get(connection.origin)?.remove(connection)
  }

  #groupOf(origin: Origin): Group {
    const known = this.#groups.get(origin)
    if (known !== undefined) return known
    const group = new Group(this.#context)
    this.#groups.set(origin, group)
    const outgoing = outboxOf(origin)
    group.gauge(connectionsOpen(origin), () => 1)
    group.gauge(requestsRunning(origin), (connection) => connection.running)
    group.counter(overloadAnswers(origin), (connection) => connection.overloads)
    group.gauge(queueSize("ingress", origin), (connection) => Queue.sizeUnsafe(connection.ingress))
    group.gauge(queueSize("scheduled", origin), (connection) => connection.waiting)
    group.gauge(queueSize(outgoing, origin), (connection) => connection.outgoing.stats.size)
    group.counter(queueDropped("ingress", origin), (connection) => connection.ingressRejected)
    group.counter(queueDropped(outgoing, origin), (connection) => connection.outgoing.stats.dropped)
    group.counter(queueWaited("ingress", origin), (connection) => connection.readPauses)
    group.counter(queueWaited(outgoing, origin), (connection) => connection.outgoing.stats.waited)
    return group
  }
}
