/**
 * The far end of one WebSocket.
 *
 * Owns the socket: incoming messages, the size of the one that is still arriving, outgoing messages in batches, pings, and the
 * end. The library does the handshake, reads frames and closes; outgoing frames are made here (Frames). Does not own the
 * connection that it belongs to: `WebSocketTransport` makes a transport of a peer.
 *
 * ```
 *  paused ──attach──► open ──close frame from here──► closing ─┐
 *                       └──close frame, reset, no life from there──► gone
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
import type { ReadBuffer } from "./ReadBuffer.ts"
import { parse } from "../../protocol/jsonrpc/Parse.ts"

/** The code of a close frame, by the reason for which the server closes. */
export const CloseCode = { goingAway: 1001, policy: 1008, tooBig: 1009, internal: 1011, tryAgainLater: 1013 } as const

/** Why the server closes a connection by itself. */
export interface Refusal {
  readonly code: number
  readonly reason: string
}

const tooLong: Refusal = { code: CloseCode.tooBig, reason: "message before initialize is longer than the server takes" }

/** Bytes of a frame around the payload of a control frame. */
const ControlHeader = 6

/** What a chunk costs in memory besides its bytes while its message is not complete. */
const PerChunk = 256

/** Reasons for the codes with which the library closes by itself. */
const reasons: Readonly<Record<number, string>> = {
  1002: "malformed frame",
  1007: "text is not UTF-8",
  1008: "too many fragments",
  1009: "message is longer than the server takes"
}

/** Gives a reason with every close frame. */
export class ReasonedWebSocket extends WS.WebSocket {
  /** Whose socket it is: the listeners of all sockets are the same, so that one more costs little. */
  peer: WebSocketPeer | undefined

  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason ?? (code === undefined ? undefined : reasons[code]))
  }
}

const binary: Incoming = { _tag: "Ignored", reason: "binary frame" }

/**
 * Characters that go into one write, and so may lie in the socket besides what the system holds. The least that a client has
 * to read within the grace for one that has stopped: few enough for a bad line.
 */
const MaxBatchChars = 64 * 1024

/** The close frame has the error; after a reset there is no client to send it to. */
const ignore = () => {}

export class WebSocketPeer {
  readonly #ws: ReasonedWebSocket
  readonly #socket: Duplex
  readonly #frames: Frames.Encoder
  #readBuffer: ReadBuffer | undefined
  /** Bytes that have been read of a message that is not complete. */
  #partial = 0
  /** Payload of what was complete in the chunk that is being read. */
  #complete = 0
  #hasMessage = false
  #refusal: Refusal | undefined
  /** Something has come since the last ping, or could be written. */
  #isAlive = true
  #onWritable: (() => void) | undefined
  readonly #gone = Deferred.makeUnsafe<void>()

  /** Reads nothing until it is attached. The peers of a listener share `frames`. */
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
    // Runs after the library's own listener, which has parsed the chunk.
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

  /** Starts to receive messages, into the buffer. It is closed with the socket. */
  attach(readBuffer: ReadBuffer): void {
    this.#readBuffer = readBuffer
    if (this.isGone) this.#end()
    else this.#ws.resume()
  }

  #receive(data: WS.RawData, isBinary: boolean): void {
    this.#isAlive = true
    const readBuffer = this.#readBuffer
    // The library hands out one buffer for a message, however it was fragmented.
    if (readBuffer === undefined || this.#refusal !== undefined || !Buffer.isBuffer(data)) return
    this.#hasMessage = true
    this.#complete += data.length
    if (readBuffer.refuses(data.length)) this.refuse(tooLong)
    else readBuffer.push(isBinary ? binary : parse(data.toString()), data.length)
  }

  /** Of a chunk there is left what belongs to a message that is not complete. */
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

  /** Why the server closes the connection; undefined while it does not. */
  get refusal(): Refusal | undefined {
    return this.#refusal
  }

  /** Receives nothing more; whoever serves the connection closes it. The first reason counts. */
  refuse(refusal: Refusal): void {
    if (this.#refusal !== undefined) return
    this.#refusal = refusal
    this.#ws.pause()
    this.#readBuffer?.fail(new TransportClosed({ reason: refusal.reason }))
    this.#proceed()
  }

  /** Why nothing more can be written; undefined while something can. */
  get #failure(): TransportClosed | undefined {
    if (this.#refusal !== undefined) return new TransportClosed({ reason: this.#refusal.reason })
    return this.isGone ? new TransportClosed({}) : undefined
  }

  get isGone(): boolean {
    return Deferred.isDoneUnsafe(this.#gone)
  }

  /** Ends when the socket has. */
  get gone(): Effect.Effect<void> {
    return Deferred.await(this.#gone)
  }

  /** True while what was written lies in this process. */
  get isCongested(): boolean {
    return this.#socket.writableNeedDrain && !this.isGone
  }

  /** Waits until the system has taken what was written, or nothing more can be. */
  get #writable(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (!this.isCongested || this.#refusal !== undefined) return resume(Effect.void)
      this.#onWritable = () => resume(Effect.void)
    })
  }

  /** Writes the messages at the client's pace. Waits for nothing where the client keeps up. */
  write(messages: ReadonlyArray<OutboundMessage>, sequenced: boolean): Effect.Effect<void, TransportClosed> {
    return Effect.suspend(() => this.#writeFrom(messages, sequenced, 0))
  }

  #writeFrom(
    messages: ReadonlyArray<OutboundMessage>,
    sequenced: boolean,
    from: number
  ): Effect.Effect<void, TransportClosed> {
    for (let at = from; at < messages.length;) {
      const failure = this.#failure
      if (failure !== undefined) return Effect.fail(failure)
      at = this.#writeBatch(messages, sequenced, at)
      if (this.isCongested) return Effect.flatMap(this.#writable, () => this.#writeFrom(messages, sequenced, at))
    }
    const failure = this.#failure
    return failure === undefined ? Effect.void : Effect.fail(failure)
  }

  /** Writes one batch of the messages; the index of the first that is not in it. */
  #writeBatch(messages: ReadonlyArray<OutboundMessage>, sequenced: boolean, from: number): number {
    const texts: Array<string> = []
    let chars = 0
    let at = from
    while (at < messages.length && chars < MaxBatchChars) {
      const message = messages[at++]
      const text = message === undefined ? "" : encode(message, sequenced)
      if (text === "") continue
      texts.push(text)
      chars += text.length
    }
    // Once a close frame is under way nothing may follow it.
    if (texts.length > 0 && this.#ws.readyState === this.#ws.OPEN) this.#socket.write(this.#frames.encode(texts))
    return at
  }

  /** Asks for a sign of life; false when there was none since the last time. */
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

  /** Ends the socket without waiting for anybody. */
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
