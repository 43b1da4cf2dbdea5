/**
 * One connection from its transport's first message to its end.
 *
 * Owns the reader loop, the writer loop, their back-pressure, the eviction of a client that does not read, and the end: every
 * connection ends through `close`. Does not own the meaning of messages (MessageProcessor), running handlers (Dispatcher),
 * nor bytes (Transport).
 *
 * ```
 *                 read: Done                      work mark, or all handlers done
 *  open ──────────────► (input ended) ──┐                      │
 *    ├── close(InputEnded, Left, Stopping) ──► closing ────────┴──► flushing ──► closed
 *    │                                             │ gone, evicted    │ written, or the deadline
 *    └── close(Gone, Evicted, Fault) ──► lost ─────┴──────────────────┘
 * ```
 *
 * Invariants:
 * - The end runs once, in a separate fiber. Every `close` waits for the same end. The earliest deadline applies, and the first
 *   reason, except that a closing connection may still be lost.
 * - A lost client is unsubscribed at once, blocks no producer, and its waiting requests are skipped. Its running handlers
 *   finish; without a deadline they take as long as they need.
 * - Reading stops when the end begins. Messages read before are served unless the client is lost or has left. Requests that
 *   still wait behind others with their key at the work mark get an error response.
 * - No step waits for foreign code (handlers, the transport) beyond the deadline. Code that still runs then is interrupted,
 *   logged and abandoned; the queue is closed, so it cannot publish anything.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Incoming, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"
import { internal } from "../routing/RequestError.ts"
import type { Connection } from "./Connection.ts"
import { Deadline } from "./Deadline.ts"
import type { Dispatcher, Fork } from "./Dispatcher.ts"
import { type CloseReason, type Transport, TransportClosed } from "./Transport.ts"

/** Messages of one connection that are handled before it yields, so that a flood does not starve others. */
const Slice = 64

/**
 * Characters of one write to a client that can be evicted, besides its last message. Such a client has to read at least this
 * much within the grace, also over a slow line.
 */
const BatchChars = 64 * 1024

/** How long an idle transport may take to close when no deadline is given. */
const TransportGrace = Duration.seconds(5)

/** A served connection. */
export interface Served {
  readonly connection: Connection
  /** Waits until the client's input has ended and was handled, or until reading ended otherwise. */
  readonly inputEnded: Effect.Effect<void>
  /** Waits until the connection has ended. */
  readonly closed: Effect.Effect<void>
  /** Ends the connection, and waits until it has ended. Interrupting the wait does not undo the end. */
  readonly close: (reason: CloseReason, options?: CloseOptions) => Effect.Effect<void>
  /**
   * Cancels a request: an unanswered one is interrupted, or never started. The request may still be unread. Does not wait
   * for the handler.
   */
  readonly cancelNow: (id: RequestId) => void
}

export interface CloseOptions {
  /** Maximum duration of the end. */
  readonly within?: Duration.Input
  /** The deadline of a larger stop. */
  readonly deadline?: Deadline
  /** Work whose messages the client still receives: the queue ends after it. */
  readonly after?: Effect.Effect<void>
}

/** What a connection needs of the engine. */
export interface Engine {
  /** Starts a fiber of the connection, with its log annotations. */
  readonly fork: Fork
  readonly dispatcher: Dispatcher
  /** Handles a message. Undefined when nothing must be awaited. */
  readonly accept: (incoming: Incoming) => Effect.Effect<void> | undefined
  /** Ends the connection's subscriptions. */
  readonly disconnect: Effect.Effect<void>
  /** Called when the connection has ended. */
  readonly onClosed: () => void
  /** How long an evictable client may read nothing while producers wait for it. */
  readonly stallGrace: Duration.Input
}

type Write = NonNullable<Transport["write"]>

/** The outcome of waiting for a write. */
type Written = "done" | "stalled" | "cut off"

const stopped: CloseReason = { _tag: "Evicted", message: "the client has stopped reading" }
const tooSlow: CloseReason = { _tag: "Evicted", message: "the client reads too slowly" }
const fault: CloseReason = { _tag: "Fault" }

const isLost = (reason: CloseReason): boolean =>
  reason._tag === "Gone" || reason._tag === "Evicted" || reason._tag === "Fault"

const survive = (defect: unknown): Effect.Effect<void> =>
  Effect.logError("a message could not be handled", Cause.die(defect))

const isRunning = (fiber: Fiber.Fiber<unknown, unknown> | undefined): boolean =>
  fiber !== undefined && fiber.pollUnsafe() === undefined

export class ServedConnection implements Served {
  readonly connection: Connection
  readonly #transport: Transport
  readonly #engine: Engine
  readonly #inputEnded = Deferred.makeUnsafe<void>()
  readonly #closed = Deferred.makeUnsafe<void>()
  #reader: Fiber.Fiber<unknown, unknown> | undefined
  #writer: Fiber.Fiber<unknown, unknown> | undefined
  /** The last write that did not complete synchronously. */
  #writing: Fiber.Fiber<unknown, unknown> | undefined
  #mayRead = true
  /** Whether the reader waits for the transport. */
  #isReading = false
  #isLost = false
  /** Set when the end begins. */
  #deadline: Deadline | undefined

  constructor(connection: Connection, transport: Transport, engine: Engine) {
    this.connection = connection
    this.#transport = transport
    this.#engine = engine
  }

  /** Starts the reader and the writer. */
  startNow(): void {
    const { fork } = this.#engine
    const { write } = this.#transport
    this.#reader = fork(Effect.flatMap(Effect.exit(ServedConnection.#readAll(this)), (exit) => this.#readEnded(exit)))
    // Also when the reader is interrupted.
    this.#reader.addObserver(() => Deferred.doneUnsafe(this.#inputEnded, Exit.void))
    if (write === undefined) return
    this.#writer = fork(
      Effect.flatMap(Effect.exit(ServedConnection.#writeAll(this, write)), (exit) => this.#writeEnded(exit))
    )
  }

  get inputEnded(): Effect.Effect<void> {
    return Deferred.await(this.#inputEnded)
  }

  get closed(): Effect.Effect<void> {
    return Deferred.await(this.#closed)
  }

  readonly close = (reason: CloseReason, options: CloseOptions = {}): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.#closeNow(reason, options)
      return this.closed
    })

  readonly cancelNow = (id: RequestId): void => this.#engine.dispatcher.cancelNow(id)

  // The loops are shared: each function that makes generators costs half a kilobyte, and there may be thousands of connections.
  static readonly #readAll = Effect.fnUntraced(function* (served: ServedConnection) {
    const { connection } = served
    let slice = 0
    while (served.#mayRead) {
      served.#isReading = true
      const messages = yield* served.#transport.read
      served.#isReading = false
      if (!served.#mayRead) return
      // A transport may always be ready, even with nothing.
      if (messages.length === 0) yield* Effect.yieldNow
      for (const incoming of messages) {
        const accepted = served.#engine.accept(incoming)
        if (accepted !== undefined) yield* Effect.catchDefect(accepted, survive)
        // Stop reading requests from a client whose responses are backing up.
        if (!connection.answers.hasRoom()) {
          connection.readPauses++
          yield* connection.outgoing.room
        }
        if (++slice % Slice === 0) yield* Effect.yieldNow
      }
    }
  })

  #readEnded(exit: Exit.Exit<void, Cause.Done | TransportClosed>): Effect.Effect<void> {
    this.#isReading = false
    return Exit.isSuccess(exit) ? Effect.void : this.#failed("reading from", exit.cause)
  }

  static readonly #writeAll = Effect.fnUntraced(function* (served: ServedConnection, write: Write) {
    const { outgoing } = served.connection
    const next = served.#transport.evictable ? outgoing.takeBatch(BatchChars) : outgoing.takeAll
    while (true) {
      const messages = yield* next
      yield* served.#written(write, messages)
    }
  })

  /** Waits for one write. Ends early when the client reads nothing for the whole grace or falls too far behind. */
  #written(write: Write, messages: ReadonlyArray<OutboundMessage>) {
    return Effect.suspend((): Effect.Effect<void, TransportClosed> => {
      const { connection } = this
      const writing = write(messages, connection.session?.sequenced === true)
      if (!this.#transport.evictable) return writing
      // In a separate fiber, so that an uninterruptible write cannot block this one. Most writes complete at once.
      const fiber = this.#engine.fork(writing) as Fiber.Fiber<void, TransportClosed>
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      this.#writing = fiber
      return Effect.raceAllFirst<Effect.Effect<Written, TransportClosed>>([
        Effect.as(Fiber.join(fiber), "done"),
        Effect.as(connection.outgoing.stalled(this.#engine.stallGrace), "stalled"),
        Effect.as(connection.outgoing.cutOff, "cut off")
      ]).pipe(
        // An evicted queue has ended here, so the client is evicted.
        Effect.map((written) => (written === "stalled" ? this.#closeNow(stopped) : undefined))
      )
    })
  }

  #writeEnded(exit: Exit.Exit<void, Cause.Done | TransportClosed>): Effect.Effect<void> {
    if (this.connection.outgoing.isCutOff) this.#closeNow(tooSlow)
    return Exit.isSuccess(exit) ? Effect.void : this.#failed("writing to", exit.cause)
  }

  /** Ends the connection after a failure or a defect of the transport. */
  #failed(what: string, cause: Cause.Cause<Cause.Done | TransportClosed>): Effect.Effect<void> {
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    if (error instanceof TransportClosed) {
      if (!this.#isLost && error.reason !== undefined) this.#closeNow({ _tag: "Gone" }, {}, error.reason)
      else this.#closeNow({ _tag: "Gone" })
      return Effect.void
    }
    if (!Cause.hasDies(cause)) return Effect.void
    this.#closeNow(fault)
    return Effect.logError(`${what} connection ${this.connection.id} failed`, cause)
  }

  /** Begins the end, or updates one that has begun. `logged` is the cause for the log. */
  #closeNow(reason: CloseReason, options: CloseOptions = {}, logged?: string): void {
    if (Deferred.isDoneUnsafe(this.#closed)) return
    const { fork } = this.#engine
    const isFirst = this.#deadline === undefined
    const deadline = (this.#deadline ??= new Deadline(fork))
    if (options.deadline !== undefined) deadline.follow(options.deadline)
    if (options.within !== undefined) deadline.within(options.within)
    if (isLost(reason)) this.#lose(logged ?? (reason._tag === "Evicted" ? reason.message : undefined))
    if (!isFirst) return
    const ending = Effect.catchCause(this.#end(reason, deadline, options.after ?? Effect.void), (cause) =>
      Effect.logError(`ending connection ${this.connection.id} failed`, cause)
    )
    const complete = Effect.sync(() => Deferred.doneUnsafe(this.#closed, Exit.void))
    fork(Effect.ensuring(Effect.andThen(ending, this.#finish(deadline)), complete))
  }

  /** Runs a hook of foreign code. A hook that throws is logged. */
  #hook(name: string, hook: () => void): Effect.Effect<void> {
    return Effect.catchDefect(Effect.sync(hook), (defect) =>
      Effect.logError(`${name} of connection ${this.connection.id} failed`, Cause.die(defect))
    )
  }

  /** Unsubscribes a lost client and discards its queue. */
  #lose(why: string | undefined): void {
    if (this.#isLost) return
    this.#isLost = true
    const { connection } = this
    connection.close()
    const { disconnect, dispatcher, fork } = this.#engine
    dispatcher.skipWaiting()
    fork(Effect.andThen(disconnect, connection.outgoing.shutdown))
    this.#release()
    if (why !== undefined) fork(Effect.logWarning(`closing connection ${connection.id}: ${why}`))
  }

  /** Closes what requests opened for the client. A failure to close is logged. */
  #release(): Fiber.Fiber<unknown, unknown> | undefined {
    const closing = this.connection.releaseNow()
    if (closing === undefined) return undefined
    return this.#engine.fork(
      Effect.catchCause(closing, (cause) =>
        Effect.logError(`connection ${this.connection.id} ended, but not all of its resources`, cause)
      )
    )
  }

  #end(reason: CloseReason, deadline: Deadline, after: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { connection } = this
      const { disconnect, dispatcher } = this.#engine
      this.#mayRead = false
      Deferred.doneUnsafe(this.#inputEnded, Exit.void)
      if (this.#isReading) this.#reader?.interruptUnsafe()
      if (!this.#isLost) yield* this.#hook("onClosing", () => this.#transport.onClosing?.())
      const early = this.#isLost ? this.#sayGoodbye(reason) : undefined
      if (reason._tag === "Left") {
        connection.close()
        dispatcher.skipWaiting()
        yield* disconnect
      }
      if (reason._tag === "Left" || reason._tag === "Stopping") yield* connection.outgoing.drain
      // Requests may wait for what is released here, such as a command.
      const releasing = this.#release()
      const served = this.#isReading ? dispatcher.idle : Effect.andThen(awaitEnd(this.#reader), dispatcher.idle)
      yield* Effect.raceFirst(Effect.andThen(served, after), deadline.work)
      dispatcher.skipWaiting(internal("request was interrupted"))
      connection.close()
      dispatcher.interruptNow()
      yield* Effect.raceFirst(awaitEnd(releasing), deadline.work)
      yield* connection.outgoing.end
      yield* Effect.raceFirst(awaitEnd(this.#writer), deadline.end)
      if (isRunning(this.#writer)) {
        yield* Effect.logWarning(`connection ${connection.id} ended before all messages were written`)
      }
      const goodbye = early ?? this.#sayGoodbye(reason)
      yield* this.#abandon(goodbye, deadline)
    })
  }

  /** Nothing is left of the connection in the server. A client in process may still take what is held for it. */
  #finish(deadline: Deadline): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { outgoing } = this.connection
      const { disconnect, onClosed } = this.#engine
      yield* Effect.andThen(disconnect, this.#transport.write === undefined ? outgoing.end : outgoing.shutdown)
      deadline.clear()
      yield* this.#hook("onClosed", onClosed)
      yield* Effect.logDebug("connection closed")
    })
  }

  /** Closes the transport in a separate fiber. */
  #sayGoodbye(reason: CloseReason): Fiber.Fiber<unknown, unknown> {
    const { id } = this.connection
    return this.#engine.fork(
      Effect.catchCause(
        Effect.suspend(() => this.#transport.close(reason)),
        (cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`closing connection ${id} failed`, cause)
      )
    )
  }

  /** Interrupts the remaining work, waits for it briefly, and logs what does not end. */
  #abandon(goodbye: Fiber.Fiber<unknown, unknown>, deadline: Deadline): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { dispatcher } = this.#engine
      this.#reader?.interruptUnsafe()
      this.#writer?.interruptUnsafe()
      this.#writing?.interruptUnsafe()
      const fibers = [goodbye, this.#reader, this.#writer, this.#writing]
      const all = Effect.andThen(Effect.forEach(fibers, awaitEnd, { discard: true }), dispatcher.idle)
      // Interrupted work gets a short time to end, even after the deadline.
      yield* Effect.yieldNow
      yield* Effect.raceAllFirst([all, deadline.end, Effect.sleep(TransportGrace)])
      const left = dispatcher.unfinished.map((request) => `the handler of ${request}`)
      if (isRunning(this.#reader)) left.push("read")
      if (isRunning(this.#writer) || isRunning(this.#writing)) left.push("write")
      if (isRunning(goodbye)) left.push("close")
      goodbye.interruptUnsafe()
      if (left.length === 0) return
      yield* Effect.logWarning(`connection ${this.connection.id} ended; still running: ${left.join(", ")}`)
    })
  }
}

const awaitEnd = (fiber: Fiber.Fiber<unknown, unknown> | undefined): Effect.Effect<void> =>
  fiber === undefined ? Effect.void : Effect.asVoid(Fiber.await(fiber))
