/**
 * The far end of one WebSocket.
 *
 * Owns the socket: messages in as they come, messages out in batches, signs of life, and the end. The handshake, the
 * reading of frames and the closing handshake are the library's; what is written is framed here (Frames). Does not own the
 * connection it belongs to (PeerSession).
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
import type { Incoming } from "../../protocol/JsonRpc.ts"
import type { Connection } from "../../services/Connection.ts"
import type { Outbound } from "../../services/Outbound.ts"
import type * as Frames from "./Frames.ts"
import type { Inlet } from "./Inlet.ts"
import { parse } from "./Lines.ts"
import { toText } from "./Wire.ts"

/** Why the server closes: the code of the close frame; what it says besides is for people. */
export const CloseCode = { goingAway: 1001, policy: 1008, tooBig: 1009, internal: 1011 } as const

/** What the library says of what it closes for by itself: it has the code only. */
const reasons: Readonly<Record<number, string>> = {
  1002: "malformed frame",
  1007: "text is not UTF-8",
  1008: "too many fragments",
  1009: "message is longer than the server takes"
}

/** Gives a reason with every close frame. */
export class ReasonedWebSocket extends WS.WebSocket {
  /** Whose socket it is: the listeners of all sockets are the same, so that one more costs little. */
  peer: Peer | undefined

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

/** What went wrong is in the close frame; for a reset there is nobody left to tell. */
const ignore = () => {}

export class Peer {
  readonly #ws: ReasonedWebSocket
  readonly #socket: Duplex
  readonly #frames: Frames.Encoder
  #inlet: Inlet | undefined
  /** Something has come since the last ping, or could be written. */
  #isAlive = true
  #onWritable: (() => void) | undefined
  #onGone: (() => void) | undefined
  readonly #gone = Deferred.makeUnsafe<void>()

  /** Reads nothing until it is attached. The peers of a listener share `frames`. */
  constructor(ws: ReasonedWebSocket, socket: Duplex, frames: Frames.Encoder) {
    this.#ws = ws
    this.#socket = socket
    this.#frames = frames
    ws.peer = this
    ws.pause()
    ws.on("message", Peer.#received)
    ws.on("ping", Peer.#lives)
    ws.on("pong", Peer.#lives)
    ws.on("error", ignore)
    ws.on("close", Peer.#closed)
    socket.on("drain", () => this.#drained())
  }

  static #received(this: WS.WebSocket, data: WS.RawData, isBinary: boolean): void {
    const peer = Peer.#of(this)
    if (peer !== undefined) peer.#receive(data, isBinary)
  }

  static #lives(this: WS.WebSocket): void {
    const peer = Peer.#of(this)
    if (peer !== undefined) peer.#isAlive = true
  }

  static #closed(this: WS.WebSocket): void {
    const peer = Peer.#of(this)
    if (peer !== undefined) peer.#end()
  }

  static #of(ws: WS.WebSocket): Peer | undefined {
    return ws instanceof ReasonedWebSocket ? ws.peer : undefined
  }

  /** From now on messages go where they belong. */
  attach(inlet: Inlet): void {
    this.#inlet = inlet
    this.#ws.resume()
  }

  #receive(data: WS.RawData, isBinary: boolean): void {
    this.#isAlive = true
    const inlet = this.#inlet
    // The library hands out one buffer for a message, however it was fragmented.
    if (inlet === undefined || !Buffer.isBuffer(data)) return
    inlet.push(isBinary ? binary : parse(data.toString()), data.length)
    if (inlet.hasRoom || this.#ws.isPaused) return
    this.#ws.pause()
    inlet.whenRoom(() => this.#ws.resume())
  }

  get isGone(): boolean {
    return Deferred.isDoneUnsafe(this.#gone)
  }

  /** Ends when the socket has. */
  get gone(): Effect.Effect<void> {
    return Deferred.await(this.#gone)
  }

  /** Calls back when the socket has ended, in the same turn. */
  onGone(listener: () => void): void {
    this.#onGone = listener
  }

  /** True while what was written lies in this process. */
  get isCongested(): boolean {
    return this.#socket.writableNeedDrain && !this.isGone
  }

  /** Waits until the system has taken what was written, or nobody wants it any more. */
  get writable(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (!this.isCongested) return resume(Effect.void)
      this.#onWritable = () => resume(Effect.void)
    })
  }

  /** Writes one batch of the messages; the index of the first that is not in it. */
  write(connection: Connection, messages: ReadonlyArray<Outbound>, from: number): number {
    const texts: Array<string> = []
    let chars = 0
    let at = from
    while (at < messages.length && chars < MaxBatchChars) {
      const message = messages[at++]
      const text = message === undefined ? "" : toText(connection, message)
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
    this.#onGone?.()
  }
}
