/**
 * A client of a transport connection without bytes: it offers messages and reads texts.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { classify } from "../../src/protocol/jsonrpc/Envelope.ts"
import { encode } from "../../src/services/routing/OutboundMessage.ts"
import * as MemoryTransport from "./MemoryTransport.ts"
import * as ConnectionLimits from "../../src/layers/transports/ConnectionLimits.ts"
import * as Wire from "../../src/layers/transports/ServeTransport.ts"

/** A received message, with the members that tests inspect. */
export interface ReceivedMessage {
  readonly id?: number | string
  readonly method?: string
  readonly params?: { readonly [key: string]: unknown }
  readonly result?: { readonly [key: string]: unknown }
  readonly error?: { readonly code: number; readonly message: string }
  readonly seq?: number
  readonly extensions?: { readonly [name: string]: { readonly [key: string]: unknown } }
}

/** Connects; the connection ends with the scope. */
export const connect = Effect.fnUntraced(function* (limits: Partial<ConnectionLimits.ConnectionLimits> = {}) {
  const memory = MemoryTransport.make({ origin: "webSocket", evictable: true })
  const served = yield* Effect.acquireRelease(
    Wire.serve(memory.transport, { ...ConnectionLimits.defaultLimits, ...limits }),
    ({ close }) => close({ _tag: "Gone" }, { within: 0 })
  )
  const { connection } = served
  const received: Array<ReceivedMessage> = []
  let read = 0

  const send = (message: object) => Effect.sync(() => void memory.send(classify(message)))

  /** All available messages, at least one. */
  const pull = Effect.map(connection.outgoing.takeAll, (messages) => {
    for (const message of messages)
      received.push(JSON.parse(encode(message, connection.session?.sequenced === true)) as ReceivedMessage)
  })

  /** Reads messages until one matches, and returns it. Earlier messages are consumed. */
  const until = Effect.fnUntraced(function* (matches: (message: ReceivedMessage) => boolean) {
    while (true) {
      while (read < received.length) {
        const message = received[read++]
        if (message !== undefined && matches(message)) return message
      }
      yield* pull
    }
  })

  let nextId = 1
  const request = Effect.fnUntraced(function* (method: string, params: object, extensions?: object) {
    const id = nextId++
    yield* send({ id, method, params, ...(extensions === undefined ? {} : { extensions }) })
    return yield* until((message) => message.id === id && message.method === undefined)
  })

  const initialize = (capabilities: object = {}) =>
    request("initialize", { clientInfo: { name: "peer", version: "1" }, capabilities })

  return { connection, served, received, send, until, request, initialize, position: () => read }
})
