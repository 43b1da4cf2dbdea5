/**
 * Every metric of a server with its name, its unit and its meaning; docs/observability.md has them as a table.
 *
 * Owns the names. The values come from `Diagnostics` (gauges), `ConnectionMetrics` and `RequestMetrics`, which read them when they
 * are scraped: counting costs nothing per message. They are in Effect's metric registry; servers that share a registry appear as
 * one server.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { TurnStatus } from "../../protocol/v2/turn/Turn.ts"

/** A number that goes up and down, with its labels. */
export type Gauge = Metric.Gauge<number>

/** A number that only rises. */
export type Counter = Metric.Counter<number>

type Labels = Readonly<Record<string, string>>

const counter = (name: string, description: string, attributes: Labels = {}): Counter =>
  Metric.counter(name, { description, attributes, incremental: true })

const gauge = (name: string, description: string, attributes: Labels = {}): Gauge =>
  Metric.gauge(name, { description, attributes })

/**
 * Whether responses are timed. Timing takes about a tenth of an in-process call (two clock reads and a histogram), so it is
 * enabled only where metrics are read. Read when a connection is opened.
 */
export const RequestTiming = Context.Reference("spindle/RequestTiming", { defaultValue: () => false })

/** Upper bounds in seconds: lookups take microseconds, commands take minutes. */
const requestBounds = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60
]

const turnBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]

/** The outcome of a request: success, or the kind of its error. */
export type Outcome = "ok" | "invalid" | "failed" | "overloaded"

/** Every outcome. */
export const outcomes: ReadonlyArray<Outcome> = ["ok", "invalid", "failed", "overloaded"]

/** `events` is the outgoing queue of an in-process client, which has no responses. */
export type QueueName = "ingress" | "scheduled" | "outgoing" | "events"

/** Number of connected clients of a kind of transport. */
export const connectionsOpen = (origin: string): Gauge =>
  gauge("spindle_connections_open", "Clients that are connected", { origin })

/** Number of handlers that have not responded. */
export const requestsRunning = (origin: string): Gauge =>
  gauge("spindle_requests_running", "Handlers that run and have not answered at once", { origin })

/** Number of messages in a kind of queue, over all open connections. */
export const queueSize = (queue: QueueName, origin: string): Gauge =>
  gauge("spindle_queue_size", "Messages that wait in the queues of the open connections", { queue, origin })

/** Number of messages that were dropped because a queue was full. */
export const queueDropped = (queue: QueueName, origin: string): Counter =>
  counter("spindle_queue_dropped_total", "Messages that found no room and were given up", { queue, origin })

/** Number of messages that waited for room in a queue. */
export const queueWaited = (queue: QueueName, origin: string): Counter =>
  counter("spindle_queue_waited_total", "Messages that had to wait for room", { queue, origin })

/** A method outside the protocol counts as `unknown`. */
export const requestsAnswered = (method: string, outcome: Outcome): Counter =>
  counter("spindle_requests_total", "Requests that were answered", { method, outcome })

/** Number of requests that were refused with -32001. */
export const overloadAnswers = (origin: string): Counter =>
  counter("spindle_overload_answers_total", "Requests that were refused because there was no place to wait", { origin })

/** Seconds from accepting a request to its response. */
export const requestDuration = (method: string): Metric.Histogram<number> =>
  Metric.histogram("spindle_request_duration_seconds", {
    description: "Time from accepting a request to its answer",
    attributes: { method, unit: "seconds" },
    boundaries: requestBounds
  })

/** Number of threads in memory. */
export const threadsLoaded: Gauge = gauge("spindle_threads_loaded", "Threads in memory")

/** Number of running turns. */
export const turnsRunning: Gauge = gauge("spindle_turns_running", "Turns that run")

/** Number of turns that were started. */
export const turnsStarted: Counter = counter("spindle_turns_started_total", "Turns that began")

const turnsEndedAs = (status: string): Counter =>
  counter("spindle_turns_ended_total", "Turns that ended, by how", { status })

/** Number of turns that have ended, by their status. */
export const turnsEnded: Readonly<Record<Exclude<TurnStatus, "inProgress">, Counter>> = {
  completed: turnsEndedAs("completed"),
  failed: turnsEndedAs("failed"),
  interrupted: turnsEndedAs("interrupted")
}

/** Seconds from the start of a turn to its end, including waits for approvals. */
export const turnDuration: Metric.Histogram<number> = Metric.histogram("spindle_turn_duration_seconds", {
  description: "Time from the begin of a turn to its end",
  attributes: { unit: "seconds" },
  boundaries: turnBounds
})

/** Number of requests to clients that have no answer yet. */
export const serverRequestsPending: Gauge = gauge(
  "spindle_server_requests_pending",
  "Approvals and questions that no client has answered yet"
)
