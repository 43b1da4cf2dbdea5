/**
 * A fake server for remote clients: a test accepts each connection of the client, and receives and sends messages itself.
 *
 * @module
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { ConnectError, MessageChannel, Endpoint } from "../../src/services/client/MessageChannel.ts"
import { ConnectionLost } from "../../src/services/client/MessageChannel.ts"

/** A decoded message. */
export type JsonMessage = Readonly<Record<string, unknown>>

export interface FakeConnection {
  /** The next message of the client. */
  readonly receive: Effect.Effect<JsonMessage>
  /** The messages of the client that were not received yet. */
  readonly unreceived: Effect.Effect<ReadonlyArray<JsonMessage>>
  readonly send: (...messages: ReadonlyArray<JsonMessage>) => Effect.Effect<void>
  readonly sayText: (...texts: NonEmptyReadonlyArray<string>) => Effect.Effect<void>
  /** The number of batches that the client has not read. */
  readonly unread: Effect.Effect<number>
  readonly lose: (kind: ConnectionLost["reason"]["_tag"], detail: string) => Effect.Effect<void>
  /** From now on writes fail. */
  readonly breakPipe: Effect.Effect<void>
  /** From now on writes do not complete. */
  readonly clog: Effect.Effect<void>
  /** From now on pings are not answered. */
  readonly fallSilent: Effect.Effect<void>
  /** Completes when the client has closed the connection. */
  readonly closed: Effect.Effect<void>
}

export const userAgent = "fake/0.169.0 (test)"

export const handshake = { userAgent, codexHome: "/home/fake", platformFamily: "unix", platformOs: "linux" }

/** Answers initialize and receives `initialized`. */
export const welcome = Effect.fnUntraced(function* (connection: FakeConnection, besides: JsonMessage = {}) {
  const initialize = yield* connection.receive
  yield* connection.send({ id: initialize["id"], result: handshake, ...besides })
  yield* connection.receive
  return initialize
})

const connect = Effect.fnUntraced(function* () {
  const toClient = yield* Queue.unbounded<NonEmptyReadonlyArray<string>, ConnectionLost>()
  const fromClient = yield* Queue.unbounded<JsonMessage>()
  const closed = yield* Deferred.make<void>()
  let isBroken = false
  let isClogged = false
  let isSilent = false
  yield* Effect.addFinalizer(() => Deferred.succeed(closed, undefined))
  const duplex: MessageChannel = {
    pull: Queue.take(toClient),
    write: (text) => {
      if (isBroken)
        return Effect.fail(new ConnectionLost({ reason: { _tag: "WriteFailed" }, detail: "write failed: EPIPE" }))
      Queue.offerUnsafe(fromClient, JSON.parse(text))
      return isClogged ? Effect.never : undefined
    },
    ping: Effect.suspend(() => (isSilent ? Effect.never : Effect.void))
  }
  const sayText: FakeConnection["sayText"] = (...texts) => Effect.asVoid(Queue.offer(toClient, texts))
  const connection: FakeConnection = {
    receive: Queue.take(fromClient),
    unreceived: Queue.clear(fromClient),
    sayText,
    send: (...messages) => {
      const [first, ...rest] = messages.map((message) => JSON.stringify(message))
      return first === undefined ? Effect.void : sayText(first, ...rest)
    },
    unread: Queue.size(toClient),
    lose: (kind, detail) => Effect.asVoid(Queue.fail(toClient, new ConnectionLost({ reason: { _tag: kind }, detail }))),
    breakPipe: Effect.sync(() => {
      isBroken = true
    }),
    clog: Effect.sync(() => {
      isClogged = true
    }),
    fallSilent: Effect.sync(() => {
      isSilent = true
    }),
    closed: Deferred.await(closed)
  }
  return { connection, duplex }
})

export interface FakeServer {
  readonly endpoint: Endpoint
  /** The next connection of the client. */
  readonly accept: Effect.Effect<FakeConnection>
  /** The number of connection attempts. */
  readonly attempts: () => number
  /** Fails the next connection attempts with these errors. */
  readonly refuse: (...errors: ReadonlyArray<ConnectError>) => void
}

export const make: Effect.Effect<FakeServer> = Effect.gen(function* () {
  const accepted = yield* Queue.unbounded<FakeConnection>()
  const refusals: Array<ConnectError> = []
  let attempts = 0
  return {
    endpoint: {
      label: "ws://fake",
      open: Effect.gen(function* () {
        attempts++
        const refusal = refusals.shift()
        if (refusal !== undefined) return yield* refusal
        const { connection, duplex } = yield* connect()
        yield* Queue.offer(accepted, connection)
        return duplex
      })
    },
    accept: Queue.take(accepted),
    attempts: () => attempts,
    refuse: (...errors) => void refusals.push(...errors)
  }
})
