/**
 * A transport in memory that breaks at one of its steps, in one of the ways in which foreign code breaks.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { classify } from "../../src/protocol/jsonrpc/Envelope.ts"
import { type Transport, TransportClosed } from "../../src/services/connection/Transport.ts"
import { encode } from "../../src/services/routing/OutboundMessage.ts"
import * as MemoryTransport from "./MemoryTransport.ts"
import type { ReceivedMessage } from "./WirePeer.ts"

export const steps = ["read", "write", "close"] as const

export const faults = ["fails", "dies", "never ends", "cannot be interrupted"] as const

export type Step = (typeof steps)[number]

export type Fault = (typeof faults)[number]

const effectOf = (fault: Fault): Effect.Effect<never, TransportClosed> => {
  switch (fault) {
    case "fails":
      return Effect.fail(new TransportClosed({ reason: "broken" }))
    case "dies":
      return Effect.die(new Error("broken"))
    case "never ends":
      return Effect.never
    case "cannot be interrupted":
      return Effect.uninterruptible(Effect.never)
  }
}

/** It works until `breakNow`; from then on the step misbehaves. */
export const make = (step: Step, fault: Fault, evictable: boolean) => {
  const received: Array<ReceivedMessage> = []
  const arrived = Effect.runSync(Queue.unbounded<ReceivedMessage>())
  let isBroken = false
  const at = <A, E>(here: Step, working: Effect.Effect<A, E>) =>
    Effect.suspend((): Effect.Effect<A, E | TransportClosed> => (isBroken && here === step ? effectOf(fault) : working))
  const memory = MemoryTransport.make({ evictable })
  const write: Transport["write"] = (messages, sequenced) =>
    at(
      "write",
      Effect.sync(() => {
        for (const message of messages) {
          const parsed = JSON.parse(encode(message, sequenced)) as ReceivedMessage
          received.push(parsed)
          Queue.offerUnsafe(arrived, parsed)
        }
      })
    )
  const transport: Transport = {
    ...memory.transport,
    read: at("read", memory.transport.read),
    write,
    close: (reason) => Effect.orDie(at("close", memory.transport.close(reason)))
  }
  return {
    transport,
    /** Everything that was written, in order. */
    received,
    next: Queue.take(arrived),
    send: (message: object) => memory.send(classify(message)),
    leave: memory.leave,
    breakNow: () => {
      isBroken = true
    }
  }
}
