/**
 * One client on standard input and output: a JSON document per line, UTF-8. The protocol has stdout to itself.
 *
 * Owns the bytes of the connection. A line that is no message is reported on stderr and skipped, as is one that is too long,
 * before `initialize` sooner than after it, or no UTF-8; the connection goes on. Everything that is to be written at one time is written at once.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { Connection } from "../../services/connection/Connection.ts"
import type { Served } from "../../services/connection/MessageProcessor.ts"
import type { OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import { ReadBuffer } from "./ReadBuffer.ts"
import * as Lines from "../../protocol/jsonrpc/Lines.ts"
import { Budget, type ReadBudget } from "./ReadBudget.ts"
import * as Wire from "./StreamTransport.ts"

/** Reads until the input ends, and then ends the ingress, so that what was read is still served. */
const read = (stdio: Stdio.Stdio, { connection }: Served, limits: Wire.ConnectionLimits, reads: ReadBudget) => {
  const lines = new Lines.Decoder(limits.maxMessageBytes)
  const readBuffer = new ReadBuffer(connection, limits, reads.open())
  let bytes = 0
  const readOn = (): void => {
    if (!readBuffer.refuses()) return
    lines.skip(limits.uninitializedBytes)
    readBuffer.arriving(0)
  }
  return stdio.stdin.pipe(
    Stream.runForEachArray((chunks) => {
      for (const chunk of chunks) {
        bytes += chunk.length
        for (const incoming of lines.push(chunk)) {
          readBuffer.push(incoming, bytes)
          bytes = 0
        }
        readBuffer.arriving(lines.partialBytes)
        readOn()
      }
      return readBuffer.hasRoom ? Effect.void : Effect.map(readBuffer.room, readOn)
    }),
    Effect.catchCause((cause) => Effect.logError("reading stdin failed", cause)),
    Effect.ensuring(
      Effect.andThen(
        Queue.end(connection.ingress),
        Effect.sync(() => readBuffer.close())
      )
    )
  )
}

/** The messages as lines, without the first answer when it has been written already. */
const omitting = (answered: string | undefined, connection: Connection) => {
  let omit = answered
  return (messages: ReadonlyArray<OutboundMessage>): string => {
    const [first] = messages
    const isWritten = omit !== undefined && first?._tag === "Answer" && first.text === omit
    if (first !== undefined) omit = undefined
    return Wire.toLines(connection, isWritten ? messages.slice(1) : messages)
  }
}

/** Writes until the outgoing ends. When stdout fails nobody reads any more, and nothing must wait for it. */
const write = (stdio: Stdio.Stdio, connection: Connection, answered: string | undefined) => {
  const { outgoing } = connection
  const toLines = omitting(answered, connection)
  const lines = Effect.map(outgoing.takeAll, (messages) => [toLines(messages)] as const)
  return Stream.fromPull(Effect.succeed(lines)).pipe(
    Stream.run(stdio.stdout({ endOnDone: false })),
    Effect.catchCause((cause) => Effect.andThen(Effect.logError("writing stdout failed", cause), outgoing.shutdown))
  )
}

export interface StdioOptions {
  /** Default: `Limits`. */
  readonly limits?: Wire.ConnectionLimits
  /** The text of an answer to the first request that has been written already. It is not written again. */
  readonly answered?: string | undefined
}

/** Serves the client until the scope closes. `reader` ends with the input, `writer` once the ended outgoing is written. */
export const serve = Effect.fnUntraced(function* (options: StdioOptions = {}) {
  const limits = options.limits ?? (yield* Wire.Limits)
  const stdio = yield* Stdio.Stdio
  const { served } = yield* Wire.serve("stdio", limits)
  const writer = yield* Effect.forkScoped(write(stdio, served.connection, options.answered))
  const reader = yield* Effect.forkScoped(read(stdio, served, limits, yield* Budget))
  return { served, reader, writer }
})
