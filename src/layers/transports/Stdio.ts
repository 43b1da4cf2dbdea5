/**
 * One client on standard input and output: a JSON document per line, UTF-8. The protocol has stdout to itself.
 *
 * Owns the bytes of the connection. A line that is no message is reported on stderr and skipped, as is one that is too long
 * or no UTF-8; the connection goes on. Everything that is to be written at one time is written at once.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { answersInOrder } from "../../services/Connection.ts"
import { MessageProcessor, type Served } from "../../services/MessageProcessor.ts"
import { encode, type Outbound } from "../../services/Outbound.ts"
import * as Outbox from "../../services/Outbox.ts"
import * as Lines from "./Lines.ts"

export interface StdioOptions {
  /** Messages read and not yet looked at. */
  readonly ingressCapacity: number
  /** Messages not yet written. */
  readonly outboxCapacity: number
  /** Bytes of a line; longer ones are skipped. */
  readonly maxLineBytes: number
}

export const defaults: StdioOptions = {
  ingressCapacity: 1024,
  outboxCapacity: 4096,
  maxLineBytes: 128 * 1024 * 1024
}

const refusals = { full: "Server overloaded; retry later.", closed: "the client is gone" }

const toText = (messages: ReadonlyArray<Outbound>): string => {
  let text = ""
  for (const message of messages) text += `${encode(message)}\n`
  return text
}

/** Reads until the input ends, and then ends the ingress, so that what was read is still served. */
const read = (stdio: Stdio.Stdio, served: Served, options: StdioOptions) => {
  const lines = new Lines.Decoder(options.maxLineBytes)
  const { ingress } = served.connection
  return stdio.stdin.pipe(
    Stream.runForEachArray((chunks) => {
      const incoming = chunks.flatMap((chunk) => lines.push(chunk))
      return incoming.length === 0 ? Effect.void : Effect.asVoid(Queue.offerAll(ingress, incoming))
    }),
    Effect.catchCause((cause) => Effect.logError("reading stdin failed", cause)),
    Effect.ensuring(Queue.end(ingress))
  )
}

/** Writes until the outbox ends. When stdout fails nobody reads any more, and nothing must wait for it. */
const write = (stdio: Stdio.Stdio, outbox: Outbox.Outbox) =>
  Stream.fromPull(Effect.succeed(Effect.map(outbox.takeAll, (messages) => [toText(messages)] as const))).pipe(
    Stream.run(stdio.stdout({ endOnDone: false })),
    Effect.catchCause((cause) =>
      Effect.andThen(Effect.logError("writing stdout failed", cause), outbox.shutdown)
    )
  )

/** Serves the client until the scope closes. `closed` ends with its input; `flush` writes what is left and ends the output. */
export const serve = Effect.fnUntraced(function* (options: StdioOptions = defaults) {
  const stdio = yield* Stdio.Stdio
  const processor = yield* MessageProcessor
  const outbox = yield* Outbox.make({
    capacity: options.outboxCapacity,
    requestGrace: "5 seconds",
    marksLag: false
  })
  const served = yield* processor.serve({
    origin: "stdio",
    capacity: options.ingressCapacity,
    outbox,
    answers: answersInOrder(outbox),
    overloadText: "Server overloaded; retry later.",
    refusals
  })
  const writer = yield* Effect.forkScoped(write(stdio, outbox))
  const reader = yield* Effect.forkScoped(read(stdio, served, options))
  return { served, reader, writer }
})
