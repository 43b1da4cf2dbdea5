/**
 * The client's end of one WebSocket.
 *
 * Owns the socket: incoming messages, the size of an incomplete one, outgoing messages, pings, and the end. The
 * library does the handshake, reads frames and closes; Frames makes outgoing frames. Does not own its connection:
 * `WebSocketTransport` makes a transport of a peer.
 *
 * ```
 *  paused ──attach──► open ──server sends close──────► closing ─┐
 *                       └──client closes, resets or is silent──► gone
 * ```
 *
 * @module
 */
import type { Duplex } from "node:stream"
import * as WS from "@effect/platform-node/NodeWS"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Incoming } from "../../protocol/jsonrpc/Envelope.ts"
import { TransportClosed } from "../../services/connection/Transport.ts"
import { encode, type OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import type * as Frames from "./Frames.ts"
import type { Reader } from "./ReadBudget.ts"
import type { ReadBuffer } from "./ReadBuffer.ts"
import { parse } from "../../protocol/jsonrpc/Parse.ts"

/** Close codes, by the server's reason. */
export const CloseCode = { goingAway: 1001, policy: 1008, tooBig: 1009, internal: 1011, tryAgainLater: 1013 } as const

/** Why the server closes a connection. */
export interface Refusal {
  readonly code: number
  readonly reason: string
}

const readTooMuch: Refusal = { code: CloseCode.tryAgainLater, reason: "too much is being sent to the server at once" }
const tooLong: Refusal = { code: CloseCode.tooBig, reason: "message before initialize exceeds the size limit" }

/** Bytes of a control frame besides its payload. */
const ControlHeader = 6

/** Memory overhead of a chunk of an incomplete message, in bytes. */
const PerChunk = 256

/** Reasons for the close codes of the library. */
const reasons: Readonly<Record<number, string>> = {
  1002: "malformed frame",
  1007: "text is not UTF-8",
  1008: "too many fragments",
  1009: "message exceeds the size limit"
}

/** Adds a reason to every close frame. */
export class ReasonedWebSocket extends WS.WebSocket {
  /** The peer of the socket. All sockets share their listeners, so that each costs little. */
  peer: WebSocketPeer | undefined

  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason ?? (code === undefined ? undefined : reasons[code]))
  }
}

const binary: Incoming = { _tag: "Ignored", reason: "binary frame" }

/** The close frame has the error; after a reset there is no client to send it to. */
const ignore = () => {}

export class WebSocketPeer implements Reader {
  readonly #ws: ReasonedWebSocket
  readonly #socket: Duplex
  readonly #frames: Frames.Encoder
  #readBuffer: ReadBuffer | undefined
  /** Bytes read of an incomplete message. */
  #partial = 0
  /** Payload of the messages completed by the current chunk. */
  #complete = 0
  #hasMessage = false
  #refusal: Refusal | undefined
  /** True when something was received or written since the last ping. */
  #isAlive = true
  #onWritable: (() => void) | undefined
  readonly #gone = Deferred.makeUnsafe<void>()

  /** Reading starts with `attach`. The peers of a listener share `frames`. */
  constructor(ws: ReasonedWebSocket, socket: Duplex, frames: Frames.Encoder) {
    this.#ws = ws
    this.#socket = socket
    this.#frames = frames
    ws.peer = this
    ws.pause()
    ws.on("message", WebSocketPeer.#received)
    ws.on("ping", WebSocketPeer.#controlled)
    ws.on("pong", WebSocketPeer.#controlled)
    ws.on("error", ignore)
    ws.on("close", WebSocketPeer.#closed)
    socket.on("drain", () => this.#drained())
    // Runs after the library's listener, which has parsed the chunk.
    socket.on("data", (chunk: Buffer) => this.#looked(chunk.length))
  }

  static #received(this: WS.WebSocket, data: WS.RawData, isBinary: boolean): void {
    const peer = WebSocketPeer.#of(this)
    if (peer !== undefined) peer.#receive(data, isBinary)
  }

  static #controlled(this: WS.WebSocket, payload: Buffer): void {
    const peer = WebSocketPeer.#of(this)
    if (peer === undefined) return
    peer.#isAlive = true
    peer.#complete += payload.length + ControlHeader
  }

  static #closed(this: WS.WebSocket): void {
    const peer = WebSocketPeer.#of(this)
    if (peer !== undefined) peer.#end()
  }

  static #of(ws: WS.WebSocket): WebSocketPeer | undefined {
    return ws instanceof ReasonedWebSocket ? ws.peer : undefined
  }

  /** Starts to receive messages into the buffer, which is closed with the socket. */
  attach(readBuffer: ReadBuffer): void {
    this.#readBuffer = readBuffer
    if (this.isGone) this.#end()
    else this.#ws.resume()
  }

  #receive(data: WS.RawData, isBinary: boolean): void {
    this.#isAlive = true
    const readBuffer = this.#readBuffer
    // The library delivers one buffer per message, fragmented or not.
    if (readBuffer === undefined || this.#refusal !== undefined || !Buffer.isBuffer(data)) return
    this.#hasMessage = true
    this.#complete += data.length
    if (readBuffer.refuses(data.length)) this.refuse(tooLong)
    else readBuffer.push(isBinary ? binary : parse(data.toString()), data.length)
  }

  /** The rest of a chunk belongs to an incomplete message. */
  #looked(bytes: number): void {
    const readBuffer = this.#readBuffer
    if (readBuffer === undefined || this.#refusal !== undefined) return
    const left = Math.max(0, bytes - this.#complete)
    this.#partial = (this.#hasMessage ? 0 : this.#partial) + (left === 0 ? 0 : left + PerChunk)
    this.#complete = 0
    this.#hasMessage = false
    readBuffer.arriving(this.#partial)
    this.#readOn(readBuffer)
  }

  #readOn(readBuffer: ReadBuffer): void {
    if (this.#refusal !== undefined) return
    if (readBuffer.refuses()) return this.refuse(tooLong)
    if (readBuffer.hasRoom) {
      if (this.#ws.isPaused) this.#ws.resume()
    } else if (!this.#ws.isPaused) {
      this.#ws.pause()
      readBuffer.whenRoom(() => this.#readOn(readBuffer))
    }
  }

  /** Whether the client has initialized. */
  get isInitialized(): boolean {
    return this.#readBuffer?.isInitialized === true
  }

  /** Why the server closes the connection, or undefined. */
  get refusal(): Refusal | undefined {
    return this.#refusal
  }

  /** Stops receiving; the connection is then closed by its server. The first reason counts. */
  refuse(refusal: Refusal): void {
    if (this.#refusal !== undefined) return
    this.#refusal = refusal
    this.#ws.pause()
    this.#readBuffer?.fail(new TransportClosed({ reason: refusal.reason }))
    this.#proceed()
  }

  /** Closes the connection because all connections together hold too much unread data. */
  evict(): void {
    this.refuse(readTooMuch)
  }

  /** Why the socket is not writable; undefined while it is. */
  get #failure(): TransportClosed | undefined {
    if (this.#refusal !== undefined) return new TransportClosed({ reason: this.#refusal.reason })
    return this.isGone ? new TransportClosed({}) : undefined
  }

  get isGone(): boolean {
    return Deferred.isDoneUnsafe(this.#gone)
  }

  /** Completes when the socket has closed. */
  get gone(): Effect.Effect<void> {
    return Deferred.await(this.#gone)
  }

  /** True while written data is buffered in this process. */
  get isCongested(): boolean {
    return this.#socket.writableNeedDrain && !this.isGone
  }

  /** Waits until the system has taken the written data, or the socket has closed. */
  get #writable(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (!this.isCongested || this.#refusal !== undefined) return resume(Effect.void)
      this.#onWritable = () => resume(Effect.void)
    })
  }

  /** Writes the messages as one batch. Completes synchronously when the client keeps up, else when it has read. */
  write(messages: ReadonlyArray<OutboundMessage>, sequenced: boolean): Effect.Effect<void, TransportClosed> {
    return Effect.suspend(() => {
      const failure = this.#failure
      if (failure !== undefined) return Effect.fail(failure)
      const texts = messages.map((message) => encode(message, sequenced)).filter((text) => text !== "")
      // No frame may follow a close frame.
      if (texts.length > 0 && this.#ws.readyState === this.#ws.OPEN) this.#socket.write(this.#frames.encode(texts))
      return this.isCongested ? Effect.andThen(this.#writable, this.#written) : this.#written
    })
  }

  /** Fails when the socket has closed meanwhile. */
  get #written(): Effect.Effect<void, TransportClosed> {
    return Effect.suspend(() => {
      const failure = this.#failure
      return failure === undefined ? Effect.void : Effect.fail(failure)
    })
  }

  /** Sends a ping. False when nothing was received since the previous one. */
  ping(): boolean {
    if (!this.#isAlive) return false
    this.#isAlive = false
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping()
    return true
  }

  /** Starts the closing handshake. */
  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
  }

  /** Destroys the socket. */
  terminate(): void {
    this.#ws.terminate()
  }

  #drained(): void {
    this.#isAlive = true
    this.#proceed()
  }

  #proceed(): void {
    const onWritable = this.#onWritable
    this.#onWritable = undefined
    onWritable?.()
  }

  #end(): void {
    Deferred.doneUnsafe(this.#gone, Exit.void)
    this.#proceed()
    this.#readBuffer?.fail(new TransportClosed({}))
    this.#readBuffer?.close()
  }
}
