/**
 * The transport port: how the messages of one client arrive and leave.
 *
 * A transport is a value that moves messages. The engine (`ServedConnection`) owns the reader loop, the writer loop,
 * back-pressure, eviction and the end. A transport does not know threads, queues or deadlines.
 *
 * Contract:
 * - `read` is called again only after its last batch has been handled. Not calling it applies back-pressure.
 * - `write` completes when the client can take more. One write runs at a time.
 * - `read` and `write` fail with `TransportClosed` as soon as the client is gone, also while they wait.
 * - `close` is called once, possibly while a `read` or a `write` waits.
 *
 * @module
 */
import type * as Cause from "effect/Cause"
import type * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ErrorObject, Extensions, Incoming, RequestId } from "../../protocol/jsonrpc/Envelope.ts"
import type { Origin } from "../observability/ConnectionMetrics.ts"
import type { OutboundMessage } from "../routing/OutboundMessage.ts"

export type { Origin }

/** Nothing more can be read from or written to the client. */
export class TransportClosed extends Schema.TaggedError<TransportClosed>()("TransportClosed", {
  /** The reason when the transport closed the connection. Absent when the client closed it. */
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.reason ?? "the client has closed the connection"
  }
}

/** Why a connection ends. */
export type CloseReason =
  /** The client's input has ended. It still receives the responses. */
  | { readonly _tag: "InputEnded" }
  /** An in-process client ends its connection. */
  | { readonly _tag: "Left" }
  /** The server stops, or stops listening. */
  | { readonly _tag: "Stopping"; readonly message: string }
  /** The transport has failed with `TransportClosed`. */
  | { readonly _tag: "Gone" }
  /** The client stopped reading or reads too slowly. */
  | { readonly _tag: "Evicted"; readonly message: string }
  /** The transport, or the code that serves the connection, has a defect. */
  | { readonly _tag: "Fault" }

/** The sink for responses that do not use the queue of the other messages. */
export interface Answers {
  /** Delivers a response. The result must be awaited; `undefined` when there is nothing to await. */
  succeed(id: RequestId, result: unknown, extensions?: Extensions): Deferred.Deferred<void> | undefined
  /** Delivers an error, in the same way. */
  fail(id: RequestId, error: ErrorObject): Deferred.Deferred<void> | undefined
  /** False while reading from the client must pause, because its responses are backing up. */
  hasRoom(): boolean
}

/** The port to a client: messages in both directions. A transport encodes and decodes; it decides nothing else. */
export interface Transport {
  readonly origin: Origin
  /** Whether a client that does not read is disconnected. Otherwise producers wait for it. */
  readonly evictable: boolean
  /**
   * The next messages, at least one. Fails with `Done` when the client has sent everything but may still read, with
   * `TransportClosed` when it is gone.
   */
  readonly read: Effect.Effect<ReadonlyArray<Incoming>, Cause.Done | TransportClosed>
  /**
   * Sends messages in order, and completes when the client can take more. With `sequenced`, notifications of threads carry
   * their sequence number. Undefined for a client that takes messages from the queue itself.
   */
  readonly write:
    | ((messages: ReadonlyArray<OutboundMessage>, sequenced: boolean) => Effect.Effect<void, TransportClosed>)
    | undefined
  /** Closes the connection to the client and sends the reason, if the transport can. */
  readonly close: (reason: CloseReason) => Effect.Effect<void>
  /** Called once, when the client has initialized: it may then send longer messages. */
  readonly onInitialized?: () => void
  /** Called once, when the end of the connection begins and the client is still there. */
  readonly onClosing?: () => void
  /** Number of messages received and not yet read, for the metrics. */
  readonly unread?: () => number
  /** Default: responses leave in order with other messages. */
  readonly answers?: Answers
}
