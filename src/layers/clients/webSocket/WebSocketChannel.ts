/**
 * A message channel over a WebSocket: one message per text frame, with pings.
 *
 * Owns the opening handshake with its limits and errors, and the interpretation of a socket's end. Reading uses
 * `effect/socket`, which pauses the socket without a pull. This module creates the socket itself, because the constructor
 * there supports neither a frame limit, a Unix path nor pings.
 *
 * @module
 */
import { WebSocket } from "@effect/platform-node/NodeWS"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type { ClientRequest, IncomingMessage } from "node:http"
import * as Net from "node:net"
import {
  bounded,
  type ConnectError,
  ConnectionLost,
  connectFailed,
  connectTimedOut,
  type MessageChannel
} from "../../../services/client/MessageChannel.ts"

/** Size limit of one message in bytes, over all its frames. */
export const MaxMessageBytes = 128 * 1024 * 1024

/** Time limit for opening, from the first packet to the end of the handshake. */
const ConnectTimeout = "10 seconds"

/** Time limit for the peer's close frame. */
const CloseGrace = "1 second"

/** Unwritten bytes beyond which a sender waits. */
const HighWater = 1024 * 1024

/** Maximum number of bytes of an error body in a message. */
const MaxRefusal = 1024

export interface Target {
  readonly label: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The path of a Unix socket to connect to instead of the host of the URL. */
  readonly path?: string
}

const noop = () => {}

/** System errors for which a retry does not help. */
const permanentErrors: Readonly<Record<string, ConnectError["reason"]["_tag"]>> = {
  EACCES: "Unauthorized",
  EPERM: "Unauthorized",
  ENOTSOCK: "InvalidOptions",
  ENAMETOOLONG: "InvalidOptions"
}

/** Classifies an error while the socket is being opened. */
const failureOf = (label: string, error: Error & { readonly code?: unknown }): ConnectError => {
  const { code, message } = error
  const reason = message === "" && typeof code === "string" ? code : message
  // `HPE_`: the peer does not speak HTTP.
  if (typeof code === "string" && !code.startsWith("HPE_")) {
    // Certificate errors, and a peer that does not speak TLS.
    const isTls = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
    return connectFailed(label, permanentErrors[code] ?? (isTls ? "InvalidOptions" : "Unreachable"), reason)
  }
  return connectFailed(label, "ProtocolViolation", reason)
}

/** Classifies an HTTP response other than the requested upgrade. */
const refusalOf = (label: string, status: number, body: string): ConnectError => {
  const tag =
    status === 401 || status === 403
      ? "Unauthorized"
      : status >= 500 || status === 408 || status === 429
        ? "Unreachable"
        : "ProtocolViolation"
  const text = body.trim()
  return connectFailed(label, tag, text === "" ? `HTTP ${status}` : `HTTP ${status}: ${text}`)
}

/** Reads the beginning of an error body. */
const readBody = (response: IncomingMessage, use: (body: string) => void): void => {
  let body = ""
  const finish = () => {
    response.removeAllListeners().on("error", noop)
    use(body.slice(0, MaxRefusal))
  }
  response.setEncoding("utf8")
  response.on("data", (text: string) => {
    body += text
    if (body.length >= MaxRefusal) finish()
  })
  response.on("end", finish).on("close", finish).on("error", finish)
}

/** A socket after its handshake. It is paused, so that no message is lost before there is a listener. */
const opened = ({ label, url, headers, path }: Target): Effect.Effect<WebSocket, ConnectError> =>
  Effect.callback((resume) => {
    const socket = new WebSocket(url, {
      headers,
      maxPayload: MaxMessageBytes,
      perMessageDeflate: false,
      ...(path === undefined ? {} : { createConnection: () => Net.connect(path) })
    })
    const settle = (result: Effect.Effect<WebSocket, ConnectError>) => {
      socket.off("open", onOpen).off("error", onError).off("unexpected-response", onRefusal)
      // Prevents unhandled errors before the reader is attached and after it has ended.
      socket.on("error", noop)
      resume(result)
    }
    const onOpen = () => {
      socket.pause()
      settle(Effect.succeed(socket))
    }
    const onError = (error: Error) => settle(Effect.fail(failureOf(label, error)))
    const onRefusal = (request: ClientRequest, response: IncomingMessage) =>
      readBody(response, (body) => {
        settle(Effect.fail(refusalOf(label, response.statusCode ?? 0, body)))
        request.destroy()
        socket.terminate()
      })
    socket.once("open", onOpen).once("error", onError).once("unexpected-response", onRefusal)
    return Effect.sync(() => {
      socket.on("error", noop)
      socket.terminate()
    })
  })

/** Sends a close frame, and terminates the socket when there is no response. */
const closeGracefully = (socket: WebSocket): Effect.Effect<void> => {
  const closed = Effect.callback<void>((resume) => {
    if (socket.readyState === WebSocket.CLOSED) return resume(Effect.void)
    const onClose = () => resume(Effect.void)
    socket.once("close", onClose)
    socket.close(1000)
    return Effect.sync(() => socket.off("close", onClose))
  })
  // Finalizers are not interruptible, but a wait with a deadline must be.
  return Effect.timeoutOption(Effect.interruptible(closed), CloseGrace).pipe(
    Effect.andThen(Effect.sync(() => socket.terminate()))
  )
}

/** Converts the end of a socket to a `ConnectionLost`. */
const lossOf = ({ reason }: Socket.SocketError): ConnectionLost => {
  switch (reason._tag) {
    case "SocketCloseError": {
      if (reason.code === 1006)
        return new ConnectionLost({ reason: { _tag: "EndOfStream" }, detail: "closed the connection" })
      const closeReason =
        reason.closeReason === undefined || reason.closeReason === "" ? "connection closed" : reason.closeReason
      return new ConnectionLost({ reason: { _tag: "PeerClosed" }, detail: `disconnected: ${bounded(closeReason)}` })
    }
    case "SocketReadError":
      return new ConnectionLost({
        reason: { _tag: "ProtocolViolation" },
        detail: `transport failed: ${bounded(detailOf(reason.cause))}`
      })
    default:
      return brokenPipe(reason.message)
  }
}

const brokenPipe = (reason: string): ConnectionLost =>
  new ConnectionLost({ reason: { _tag: "WriteFailed" }, detail: `write failed: ${bounded(reason)}` })

/** The message in the event of a failed socket. */
const detailOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "message" in cause && typeof cause.message === "string"
    ? cause.message
    : "unknown error"

const write = (socket: WebSocket, text: string): ReturnType<MessageChannel["write"]> => {
  if (socket.readyState !== WebSocket.OPEN) return Effect.fail(brokenPipe("the connection is closing"))
  if (socket.bufferedAmount < HighWater) {
    socket.send(text, noop)
    return undefined
  }
  // The message is queued in order; the sender waits until it is written.
  const sent = Deferred.makeUnsafe<void, ConnectionLost>()
  socket.send(text, (error) =>
    Deferred.doneUnsafe(sent, error == null ? Exit.void : Exit.fail(brokenPipe(error.message)))
  )
  return Deferred.await(sent)
}

const ping = (socket: WebSocket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const onPong = () => resume(Effect.void)
    socket.once("pong", onPong)
    if (socket.readyState === WebSocket.OPEN) socket.ping(noop)
    return Effect.sync(() => socket.off("pong", onPong))
  })

const isText = (frame: Uint8Array | string): frame is string => typeof frame === "string"

/** Opens a socket for the scope. Binary frames are ignored. */
export const open = Effect.fnUntraced(function* (
  target: Target
): Effect.fn.Return<MessageChannel, ConnectError, Scope.Scope> {
  const acquire = Effect.acquireRelease(Effect.interruptible(opened(target)), closeGracefully)
  const socket = yield* Effect.timeoutOption(acquire, ConnectTimeout)
  if (Option.isNone(socket)) return yield* connectTimedOut(target.label)
  const reading = yield* Socket.fromWebSocket(Effect.succeed(socket.value))
  const { pull } = yield* Effect.mapError(reading.reader, (error) =>
    connectFailed(target.label, "Unreachable", error.message)
  )
  const texts: MessageChannel["pull"] = Effect.suspend(() =>
    Effect.flatMap(Effect.mapError(pull, lossOf), (frames) => {
      const [first, ...rest] = frames.filter(isText)
      return first === undefined ? texts : Effect.succeed([first, ...rest] as const)
    })
  )
  return { pull: texts, write: (text) => write(socket.value, text), ping: ping(socket.value) }
})
