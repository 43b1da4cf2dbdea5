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

/** Writes until the outgoing ends. When stdout fails nobody reads any more, and nothing must wait for it. */
const write = (stdio: Stdio.Stdio, connection: Connection) => {
  const { outgoing } = connection
  const lines = Effect.map(outgoing.takeAll, (messages) => [Wire.toLines(connection, messages)] as const)
  return Stream.fromPull(Effect.succeed(lines)).pipe(
    Stream.run(stdio.stdout({ endOnDone: false })),
    Effect.catchCause((cause) => Effect.andThen(Effect.logError("writing stdout failed", cause), outgoing.shutdown))
  )
}

/** Serves the client until the scope closes. `reader` ends with the input, `writer` once the ended outgoing is written. */
export const serve = Effect.fnUntraced(function* (given?: Wire.ConnectionLimits) {
  const limits = given ?? (yield* Wire.Limits)
  const stdio = yield* Stdio.Stdio
  const { served } = yield* Wire.serve("stdio", limits)
  const writer = yield* Effect.forkScoped(write(stdio, served.connection))
  const reader = yield* Effect.forkScoped(read(stdio, served, limits, yield* Budget))
  return { served, reader, writer }
})
