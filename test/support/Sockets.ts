/**
 * Clients of listening transports: a WebSocket client that counts and waits, and raw bytes for messages that no library
 * sends.
 *
 * @module
 */
import * as Net from "node:net"
import { type ClientOptions, WebSocket } from "@effect/platform-node/NodeWS"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type { ReceivedMessage } from "./WirePeer.ts"

/** A port of this machine, or a path. */
export type Where = number | string

const open = (where: Where): Net.Socket =>
  typeof where === "number" ? Net.connect(where, "127.0.0.1") : Net.connect(where)

/** How a connection ended: the close frame's code and reason, 1006 without one. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

/** The response when the server did not upgrade; status 0 when there was none. */
export interface Refused {
  readonly status: number
  readonly text: string
}

/** Connects, or returns the refusal. */
export const tryConnect = Effect.fnUntraced(function* (where: Where, options: ClientOptions = {}) {
  const url = typeof where === "number" ? `ws://127.0.0.1:${where}` : `ws+unix://${where}:/`
  const received = yield* Queue.unbounded<ReceivedMessage>()
  const closed = yield* Deferred.make<Closed>()
  const pongs = yield* Queue.unbounded<string>()
  const pings = yield* Queue.unbounded<string>()
  const ws = yield* Effect.acquireRelease(
    Effect.sync(() => new WebSocket(url, { perMessageDeflate: false, ...options })),
    (ws) => Effect.sync(() => ws.terminate())
  )
  ws.on("message", (data) => void Queue.offerUnsafe(received, JSON.parse(String(data)) as ReceivedMessage))
  ws.on("pong", (data) => void Queue.offerUnsafe(pongs, data.toString()))
  ws.on("ping", (data) => void Queue.offerUnsafe(pings, data.toString()))
  ws.on("error", () => {})
  ws.on("close", (code, reason) => Deferred.doneUnsafe(closed, Exit.succeed({ code, reason: reason.toString() })))
  const refused = yield* Effect.callback<Refused | undefined>((resume) => {
    ws.once("open", () => resume(Effect.undefined))
    ws.once("error", () => resume(Effect.succeed({ status: 0, text: "" })))
    ws.once("unexpected-response", (_, response) => {
      let text = ""
      response.on("data", (chunk) => (text += String(chunk)))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
    })
  })

  const send = (message: unknown) => Effect.sync(() => ws.send(JSON.stringify(message)))
  const next = Queue.take(received)
  const until = Effect.fnUntraced(function* (matches: (message: ReceivedMessage) => boolean) {
    while (true) {
      const message = yield* next
      if (matches(message)) return message
    }
  })
  let nextId = 1
  const request = Effect.fnUntraced(function* (method: string, params: unknown = {}) {
    const id = nextId++
    yield* send({ id, method, params })
    return yield* until((message) => message.id === id && message.method === undefined)
  })
  return {
    refused,
    ws,
    send,
    /** The next message. */
    next,
    /** Reads messages until one matches. */
    until,
    /** Sends a request and reads messages until its response. */
    request,
    /** Reads messages until this notification. */
    notified: (method: string) => until((message) => message.method === method && message.id === undefined),
    initialize: request("initialize", { clientInfo: { name: "socket", version: "1" } }),
    closed: Deferred.await(closed),
    pong: Queue.take(pongs),
    ping: Queue.take(pings),
    close: Effect.andThen(
      Effect.sync(() => ws.close(1000)),
      Deferred.await(closed)
    )
  }
})

/** Connects and does the handshake. */
export const connect = Effect.fnUntraced(function* (where: Where, options?: ClientOptions) {
  const client = yield* tryConnect(where, options)
  yield* client.initialize
  return client
})

export type SocketClient = Effect.Success<ReturnType<typeof tryConnect>>

/** Sends bytes and collects the response until the server ends, or until `enough` returns true. */
export const exchange = (where: Where, bytes: string | Uint8Array, enough: (text: string) => boolean = () => false) =>
  Effect.callback<string>((resume) => {
    const socket = open(where)
    let text = ""
    const done = () => {
      socket.destroy()
      resume(Effect.succeed(text))
    }
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (enough(text)) done()
    })
    socket.on("error", done)
    socket.on("close", done)
    socket.write(bytes)
    return Effect.sync(() => socket.destroy())
  })

/** The headers of an upgrade request. */
export const upgradeHeaders =
  "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/** A masked client frame. */
export const frame = (
  opcode: number,
  payload: string | Uint8Array,
  options: { readonly fin?: boolean } = {}
): Buffer => {
  const body = Buffer.from(payload)
  const header = Buffer.alloc(body.length <= 125 ? 2 : body.length <= 65_535 ? 4 : 10)
  header[0] = (options.fin === false ? 0 : 0x80) | opcode
  header[1] = 0x80 | (body.length <= 125 ? body.length : body.length <= 65_535 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(body.length, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(body.length), 2)
  // A mask of zeros leaves the payload unchanged.
  return Buffer.concat([header, Buffer.alloc(4), body])
}

/** A raw connection whose incoming bytes are parsed into frames. */
export const connectRaw = Effect.fnUntraced(function* (where: Where) {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => open(where)),
    (socket) => Effect.sync(() => socket.destroy())
  )
  const ended = yield* Deferred.make<void>()
  const upgraded = yield* Deferred.make<void>()
  const frames = yield* Queue.unbounded<{ readonly opcode: number; readonly payload: Buffer }>()
  let bytes = Buffer.alloc(0)
  let isOpen = false
  socket.on("error", () => {})
  socket.on("close", () => Deferred.doneUnsafe(ended, Exit.void))
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    if (!isOpen) {
      const end = bytes.indexOf("\r\n\r\n")
      if (end === -1) return
      bytes = bytes.subarray(end + 4)
      isOpen = true
      Deferred.doneUnsafe(upgraded, Exit.void)
    }
    while (bytes.length >= 2) {
      const short = (bytes[1] ?? 0) & 0x7f
      const header = short === 126 ? 4 : short === 127 ? 10 : 2
      if (bytes.length < header) return
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
      if (bytes.length < header + length) return
      const payload = Buffer.from(bytes.subarray(header, header + length))
      Queue.offerUnsafe(frames, { opcode: (bytes[0] ?? 0) & 0x0f, payload })
      bytes = bytes.subarray(header + length)
    }
  })
  socket.write(`GET / HTTP/1.1\r\n${upgradeHeaders}\r\n`)
  yield* Deferred.await(upgraded)
  return {
    socket,
    write: (bytes: Uint8Array) => Effect.sync(() => void socket.write(bytes)),
    /** The next frame. */
    next: Queue.take(frames),
    ended: Deferred.await(ended)
  }
})
