/**
 * Routes notifications to connections.
 *
 * Owns the open connections, their thread subscriptions, and the filters between a notification and a connection:
 * subscription, broadcast, initialize, opt-out. The tier and reach of a notification come from the method table. Does not
 * own the queues (TieredQueue). Notifications are ordered by the calls of `notify`.
 *
 * A lossless notification is paced by its subscribers: by the slowest one that cannot be evicted (stdio, in process),
 * otherwise by the fastest one. An evictable subscriber that falls too far behind is disconnected by its queue.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type { ServerNotification, WireSchema } from "../../protocol/Method.ts"
import {
  type NotificationParams,
  type ServerNotificationMethod,
  serverNotificationTable
} from "../../protocol/Methods.ts"
import type { Session, Subscriber } from "./Subscriber.ts"
import { messageOf, type OutboundNotification } from "./OutboundMessage.ts"
import type { Position } from "../../protocol/extensions/Sequence.ts"
import { ThreadLog } from "./ThreadLog.ts"

export class OutboundRouter extends Context.Service<
  OutboundRouter,
  {
    /** Registers a connection. It receives broadcasts once it has initialized. */
    readonly connect: (connection: Subscriber) => Effect.Effect<void>
    /** Removes a connection and its subscriptions. Threads and turns continue. */
    readonly disconnect: (connection: Subscriber) => Effect.Effect<void>
    readonly connections: () => ReadonlyArray<Subscriber>
    /** Subscribes the connection to the thread. False when it already was. */
    readonly subscribe: (threadId: string, connection: Subscriber) => boolean
    /** Unsubscribes the connection. False when it was not subscribed. */
    readonly unsubscribe: (threadId: string, connection: Subscriber) => boolean
    readonly subscribers: (threadId: string) => ReadonlyArray<Subscriber>
    /** Removes all subscriptions of a thread that is being unloaded. */
    readonly forget: (threadId: string) => void
    /** Registers a listener for added and removed subscriptions. */
    readonly onAudienceChange: (listener: (threadId: string) => void) => Effect.Effect<void>
    /**
     * Publishes a notification to the receivers that the method table names: with `threadId` the thread's subscribers, with
     * null every connection. Running it fixes the place in every receiver's order at once; it then waits where the tier lets
     * the producer wait.
     */
    readonly notify: <M extends ServerNotificationMethod>(
      method: M,
      params: NotificationParams<M>,
      threadId: string | null
    ) => Effect.Effect<void>
    /**
     * Publishes synchronously, for callers that do more in the same step. The result waits for slow clients; undefined when
     * there is nothing to wait for.
     */
    readonly publishNow: <M extends ServerNotificationMethod>(
      method: M,
      params: NotificationParams<M>,
      threadId: string | null
    ) => Effect.Effect<void> | undefined
    /** Sends to one connection and ignores the reach. */
    readonly notifyConnection: <M extends ServerNotificationMethod>(
      connection: Subscriber,
      method: M,
      params: NotificationParams<M>
    ) => Effect.Effect<void>
    /** Makes a message for a connection, for senders that offer several together; `undefined` when it is filtered out. */
    readonly message: <M extends ServerNotificationMethod>(
      connection: Subscriber,
      method: M,
      params: NotificationParams<M>,
      emittedAtMs: number
    ) => OutboundNotification | undefined
    /** The thread is loaded again: its numbers continue after this position, since which nothing has happened. */
    readonly continueAfter: (threadId: string, before: Position) => void
    /** The current position of a thread whose notifications are recorded for clients that return; undefined for others. */
    readonly kept: (threadId: string) => Position | undefined
    /** The current position of the thread's log. */
    readonly position: (threadId: string) => Position
    /**
     * The notifications for the connection after a position; undefined when the log no longer holds them.
     */
    readonly missed: (
      threadId: string,
      connection: Subscriber,
      after: Position
    ) => ReadonlyArray<OutboundNotification> | undefined
  }
>()("spindle/OutboundRouter") {}

const declarations: Readonly<Record<string, ServerNotification<WireSchema>>> = serverNotificationTable

/**
 * Whether the connection has initialized, has not opted out, and may see a method of this
 * stability.
 */
const hears = (session: Session | undefined, method: string): boolean =>
  session !== undefined &&
  !session.optedOut.has(method) &&
  (session.experimental || declarations[method]?.stability !== "experimental")

const awaitAll = (waits: ReadonlyArray<Deferred.Deferred<void>>): Effect.Effect<void> =>
  Effect.forEach(waits, Deferred.await, { concurrency: "unbounded", discard: true })

const awaitFirst = (waits: ReadonlyArray<Deferred.Deferred<void>>): Effect.Effect<void> =>
  Effect.raceAllFirst(waits.map(Deferred.await))

/**
 * Offers to all receivers before it waits for any, so that a slow receiver does not delay the
 * others.
 */
const offer = (targets: Iterable<Subscriber>, message: OutboundNotification): Effect.Effect<void> | undefined => {
  let slow: Array<Deferred.Deferred<void>> | undefined
  let behind: Array<Deferred.Deferred<void>> | undefined
  let othersKeepUp = false
  for (const { outgoing, session } of targets) {
    // An evicted connection stays subscribed until its session ends. It must not count as one that keeps up.
    if (!hears(session, message.method) || outgoing.isClosed) continue
    const wait = outgoing.offerUnsafe(message)
    if (wait === undefined) othersKeepUp = true
    else if (outgoing.hasBacklog) (behind ??= []).push(wait)
    else (slow ??= []).push(wait)
  }
  if (slow !== undefined) return awaitAll(slow)
  return behind === undefined || othersKeepUp ? undefined : awaitFirst(behind)
}

/** The open connections and their subscriptions. */
class Subscriptions {
  readonly connections = new Set<Subscriber>()
  readonly #audiences = new Map<string, Set<Subscriber>>()
  readonly #listeners: Array<(threadId: string) => void> = []

  /** Runs the listeners: a subscription of the thread was added or removed. */
  changed(threadId: string): void {
    for (const listener of this.#listeners) listener(threadId)
  }

  listen(listener: (threadId: string) => void): void {
    this.#listeners.push(listener)
  }

  of(threadId: string): Iterable<Subscriber> {
    return this.#audiences.get(threadId) ?? []
  }

  /** False when the connection is closed or already subscribed. */
  add(threadId: string, connection: Subscriber): boolean {
    if (connection.isClosed) return false
    const audience = this.#audiences.get(threadId) ?? new Set<Subscriber>()
    if (audience.has(connection)) return false
    this.#audiences.set(threadId, audience.add(connection))
    return true
  }

  /** False when the connection is not subscribed. */
  remove(threadId: string, connection: Subscriber): boolean {
    const audience = this.#audiences.get(threadId)
    if (audience === undefined || !audience.delete(connection)) return false
    if (audience.size === 0) this.#audiences.delete(threadId)
    this.changed(threadId)
    return true
  }

  disconnect(connection: Subscriber): void {
    this.connections.delete(connection)
    for (const threadId of Array.from(this.#audiences.keys())) this.remove(threadId, connection)
  }

  forget(threadId: string): void {
    this.#audiences.delete(threadId)
  }
}

export const make: Effect.Effect<OutboundRouter["Service"]> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  // Positions are stored, so no other server may use the same epoch.
  const word = Effect.map(Random.nextIntBetween(0, 2 ** 31), (value) => value.toString(36))
  const threadLog = new ThreadLog(`${yield* word}${yield* word}`)
  const subscriptions = new Subscriptions()

  const targetsOf = (method: ServerNotificationMethod, threadId: string | null): Iterable<Subscriber> =>
    declarations[method]?.reach === "everyone" || threadId === null
      ? subscriptions.connections
      : subscriptions.of(threadId)

  const publishNow: OutboundRouter["Service"]["publishNow"] = (method, params, threadId) => {
    const seq = threadId === null ? undefined : threadLog.next(threadId)
    const message = messageOf(method, params, clock.currentTimeMillisUnsafe(), seq)
    if (threadId !== null) threadLog.push(threadId, message)
    return offer(targetsOf(method, threadId), message)
  }

  return OutboundRouter.of({
    connect: (connection) => Effect.sync(() => void subscriptions.connections.add(connection)),
    disconnect: (connection) => Effect.sync(() => subscriptions.disconnect(connection)),
    connections: () => Array.from(subscriptions.connections),
    subscribe: (threadId, connection) => {
      if (!subscriptions.add(threadId, connection)) return false
      if (connection.session?.sequenced === true) threadLog.keep(threadId)
      subscriptions.changed(threadId)
      return true
    },
    unsubscribe: (threadId, connection) => subscriptions.remove(threadId, connection),
    subscribers: (threadId) => Array.from(subscriptions.of(threadId)),
    forget: (threadId) => {
      subscriptions.forget(threadId)
      threadLog.forget(threadId)
    },
    onAudienceChange: (listener) => Effect.sync(() => subscriptions.listen(listener)),
    notify: (method, params, threadId) => Effect.suspend(() => publishNow(method, params, threadId) ?? Effect.void),
    publishNow,
    notifyConnection: (connection, method, params) =>
      Effect.suspend(
        () => offer([connection], messageOf(method, params, clock.currentTimeMillisUnsafe(), undefined)) ?? Effect.void
      ),
    message: (connection, method, params, emittedAtMs) =>
      hears(connection.session, method) ? messageOf(method, params, emittedAtMs, undefined) : undefined,
    continueAfter: (threadId, before) => threadLog.continueAfter(threadId, before),
    kept: (threadId) => threadLog.kept(threadId),
    position: (threadId) => threadLog.position(threadId),
    missed: (threadId, connection, after) =>
      threadLog.after(threadId, after)?.filter((message) => hears(connection.session, message.method))
  })
})

export const layer: Layer.Layer<OutboundRouter> = Layer.effect(OutboundRouter, make)
