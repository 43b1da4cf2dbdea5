/**
 * One client on standard input and output: a JSON document per line, UTF-8. Stdout carries nothing but the protocol.
 *
 * Owns the bytes of the connection. A line that is not a message, not UTF-8, or too long (with a lower limit before
 * `initialize`) is reported on stderr and skipped; the connection continues. Messages that leave together are written in one
 * call.
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { Incoming } from "../../protocol/jsonrpc/Envelope.ts"
import * as Lines from "../../protocol/jsonrpc/Lines.ts"
import { DefaultDeadline } from "../../services/connection/Deadline.ts"
import { type Transport, TransportClosed } from "../../services/connection/Transport.ts"
import { encode, type OutboundMessage } from "../../services/routing/OutboundMessage.ts"
import { Budget, type ReadAccount } from "./ReadBudget.ts"
import * as ConnectionLimits from "./ConnectionLimits.ts"
import * as ServeTransport from "./ServeTransport.ts"

/** Reads a chunk after the messages of the previous one have been handled. */
const reader = Effect.fnUntraced(function* (limits: ConnectionLimits.ConnectionLimits, isInitialized: () => boolean) {
  const { stdin } = yield* Stdio.Stdio
  const pull = yield* Stream.toPull(stdin)
  const account = (yield* Budget).open()
  yield* Effect.addFinalizer(() => Effect.sync(() => account.close()))
  const lines = new Lines.Decoder(limits.maxMessageBytes)
  /** Skips a line that is too long before `initialize`. Earlier messages have been handled. */
  const skipLong = () => {
    if (lines.partialBytes <= limits.uninitializedBytes || isInitialized()) return
    lines.skip(limits.uninitializedBytes)
  }
  let isEnded = false
  /** The last line may have no line ending. */
  const ended = Effect.suspend(() => {
    if (isEnded) return Cause.done()
    isEnded = true
    const messages = lines.end()
    return messages.length === 0 ? Cause.done() : Effect.succeed(messages)
  })
  const next = Effect.gen(function* () {
    while (true) {
      skipLong()
      account.remove(account.held - lines.partialBytes)
      if (!account.hasRoom) yield* room(account)
      const messages: Array<Incoming> = []
      for (const chunk of yield* pull) {
        account.add(chunk.length)
        for (const message of lines.push(chunk)) messages.push(message)
        if (messages.length === 0) skipLong()
      }
      if (messages.length > 0) return messages
    }
  }).pipe(
    Effect.catch((error) =>
      Cause.isDone(error)
        ? ended
        : Effect.andThen(Effect.logError("reading stdin failed", Cause.fail(error)), Cause.done())
    )
  )
  return Effect.suspend(() => (isEnded ? Cause.done() : next))
})

const room = (account: ReadAccount): Effect.Effect<void> =>
  Effect.callback((resume) => account.whenRoom(() => resume(Effect.void)))

const toLines = (messages: ReadonlyArray<OutboundMessage>, sequenced: boolean): string => {
  let text = ""
  for (const message of messages) text += `${encode(message, sequenced)}\n`
  return text
}

/** Writes texts to stdout one at a time. A write completes when stdout requests the next text. */
class Handoff {
  /** Stdout waits for a text. */
  #ask: ((text: Effect.Effect<readonly [string]>) => void) | undefined
  /** A text waits for stdout. */
  #text: string | undefined
  #onWritten: ((exit: Exit.Exit<void, TransportClosed>) => void) | undefined
  #isClosed = false

  readonly next = Effect.callback<readonly [string]>((resume) => {
    const text = this.#text
    this.#text = undefined
    if (text !== undefined) return resume(Effect.succeed([text]))
    this.#ask = resume
    this.#finish(Exit.void)
  })

  write(text: string): Effect.Effect<void, TransportClosed> {
    return Effect.callback((resume) => {
      if (this.#isClosed) return resume(Exit.fail(new TransportClosed({})))
      this.#onWritten = resume
      const ask = this.#ask
      this.#ask = undefined
      if (ask === undefined) this.#text = text
      else ask(Effect.succeed([text]))
    })
  }

  close(): void {
    this.#isClosed = true
    this.#finish(Exit.fail(new TransportClosed({})))
  }

  #finish(exit: Exit.Exit<void, TransportClosed>): void {
    const onWritten = this.#onWritten
    this.#onWritten = undefined
    onWritten?.(exit)
  }
}

/** The messages as lines, without the first response if it was already written. */
const omitting = (answered: string | undefined) => {
  let omit = answered
  return (messages: ReadonlyArray<OutboundMessage>, sequenced: boolean): string => {
    const [first] = messages
    const isWritten = omit !== undefined && first?._tag === "Answer" && first.text === omit
    if (first !== undefined) omit = undefined
    return toLines(isWritten ? messages.slice(1) : messages, sequenced)
  }
}

const writer = Effect.fnUntraced(function* (answered: string | undefined) {
  const toText = omitting(answered)
  const stdio = yield* Stdio.Stdio
  const handoff = new Handoff()
  const writing = Stream.fromPull(Effect.succeed(handoff.next)).pipe(
    Stream.run(stdio.stdout({ endOnDone: false })),
    Effect.catch((error) => Effect.logError("writing stdout failed", Cause.fail(error))),
    Effect.ensuring(Effect.sync(() => handoff.close()))
  )
  yield* Effect.forkScoped(writing, { startImmediately: true })
  return (messages: ReadonlyArray<OutboundMessage>, sequenced: boolean) =>
    Effect.suspend(() => handoff.write(toText(messages, sequenced)))
})

/** Standard input and output of the process as a transport, within the scope. */
export const make = Effect.fnUntraced(function* (
  limits: ConnectionLimits.ConnectionLimits,
  answered?: string
): Effect.fn.Return<Transport, never, Scope.Scope | Stdio.Stdio> {
  let isInitialized = false
  return {
    origin: "stdio",
    // The only client of stdio is not evicted: producers wait for it.
    evictable: false,
    read: yield* reader(limits, () => isInitialized),
    write: yield* writer(answered),
    close: () => Effect.void,
    onInitialized: () => {
      isInitialized = true
    }
  }
})

/** Options of the one client of standard input and output. */
export interface StdioOptions {
  /** Default: `Limits`. */
  readonly limits?: ConnectionLimits.ConnectionLimits
  /** The response to the first request if it was already written. It is not written again. */
  readonly answered?: string | undefined
}

/** Serves the client on standard input and output until the scope or its connection closes. */
export const serve = Effect.fnUntraced(function* (options: StdioOptions = {}) {
  const limits = options.limits ?? (yield* ConnectionLimits.Limits)
  const transport = yield* make(limits, options.answered)
  return yield* Effect.acquireRelease(ServeTransport.serve(transport, limits), (served) =>
    served.close({ _tag: "Stopping", message: "the server is going away" }, { within: DefaultDeadline })
  )
})
