/**
 * The connection of `spindle mcp-server` to its MCP client: JSON-RPC, one document per line, on standard input and output.
 *
 * Owns the limits: a line of at most 16 MiB, at most 32 calls at once, and input that is not read while the client does not
 * read. Does not own what the calls do (`Sessions`).
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Readable, Writable } from "node:stream"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { isTooDeep } from "../../protocol/jsonrpc/JsonText.ts"
import { LineSplitter } from "../../protocol/jsonrpc/Lines.ts"

const MaxLine = 16 * 1024 * 1024
const MaxCalls = 32
const MaxUnread = 4 * 1024 * 1024

/** The code of a text that is not JSON. */
const ParseError = -32_700

type Fields = Readonly<Record<string, unknown>>

/** An error for the client. */
export class PeerError extends Schema.TaggedError<PeerError>()("PeerError", {
  code: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** A request of the client. */
export interface PeerRequest {
  readonly id: string | number
  readonly method: string
  readonly params: Fields
}

/** The connection. */
export interface Peer {
  /** Asks the client and waits for its answer. */
  readonly ask: (method: string, params: Fields) => Effect.Effect<Fields, PeerError>
  /** Completes at the end of the input. */
  readonly closed: Effect.Effect<void>
}

/** Standard input and output, or others in tests. */
export interface Streams {
  readonly input: Readable
  readonly output: Writable
}

/** Serves a request; the result is the answer. Interrupted when the client cancels it. */
export type Serve = (request: PeerRequest, peer: Peer) => Effect.Effect<Fields, PeerError>

const isRecord = (value: unknown): value is Fields => Predicate.isObject(value) && !Array.isArray(value)

const isId = (value: unknown): value is string | number => typeof value === "string" || typeof value === "number"

const decoder = new TextDecoder()

/** The value of a line; undefined for one that is not JSON. */
const parsed = (line: Uint8Array): unknown => {
  const text = decoder.decode(line)
  if (isTooDeep(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Starts a call of the client, and finds one that is in progress. */
interface Calls {
  readonly start: (id: string | number, call: Effect.Effect<void>) => void
  readonly count: () => number
  readonly isRunning: (id: string | number) => boolean
  readonly cancel: (id: string | number) => void
}

class Connection implements Peer {
  readonly #streams: Streams
  readonly #serve: Serve
  readonly #calls: Calls
  readonly #lines = new LineSplitter(MaxLine)
  readonly #pending = new Map<number, Deferred.Deferred<Fields, PeerError>>()
  readonly #closed = Deferred.makeUnsafe<void>()
  #nextId = 1

  constructor(streams: Streams, serve: Serve, calls: Calls) {
    this.#streams = streams
    this.#serve = serve
    this.#calls = calls
  }

  get closed(): Effect.Effect<void> {
    return Deferred.await(this.#closed)
  }

  readonly ask: Peer["ask"] = (method, params) =>
    Effect.suspend(() => {
      const id = this.#nextId++
      const answer = Deferred.makeUnsafe<Fields, PeerError>()
      this.#pending.set(id, answer)
      this.#write({ id, method, params })
      return Effect.ensuring(
        Deferred.await(answer),
        Effect.sync(() => void this.#pending.delete(id))
      )
    })

  readonly onData = (chunk: Buffer): void => {
    for (const line of this.#lines.push(chunk)) {
      if ("overlong" in line) this.#refuse(null, ErrorCode.InvalidRequest, `a message has at most ${MaxLine} bytes`)
      else if (line.length > 0) this.#receive(parsed(line))
    }
  }

  readonly onEnd = (): void => {
    Deferred.doneUnsafe(this.#closed, Exit.void)
  }

  readonly onDrain = (): void => void this.#streams.input.resume()

  #write(message: Fields): void {
    const { input, output } = this.#streams
    if (output.writable) output.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
    if (output.writableLength > MaxUnread) input.pause()
  }

  #refuse(id: unknown, code: number, message: string): void {
    this.#write({ id: isId(id) ? id : null, error: { code, message } })
  }

  #receive(value: unknown): void {
    if (!isRecord(value)) return this.#refuse(null, ParseError, "Parse error")
    const { id, method, params } = value
    if (typeof method !== "string") return this.#answered(value)
    const fields = isRecord(params) ? params : {}
    if (isId(id)) return this.#requested({ id, method, params: fields })
    if (id !== undefined) return this.#refuse(null, ErrorCode.InvalidRequest, "Invalid Request")
    const cancelled = fields["requestId"]
    if (method === "notifications/cancelled" && isId(cancelled)) this.#calls.cancel(cancelled)
  }

  #answered({ error, id, result }: Fields): void {
    const answer = typeof id === "number" ? this.#pending.get(id) : undefined
    if (answer === undefined) return
    const text = isRecord(error) && typeof error["message"] === "string" ? error["message"].slice(0, 2000) : "no result"
    const failed = new PeerError({ code: ErrorCode.Internal, detail: text })
    Deferred.doneUnsafe(answer, isRecord(result) ? Exit.succeed(result) : Exit.fail(failed))
  }

  #requested(request: PeerRequest): void {
    const { id } = request
    if (this.#calls.isRunning(id)) return this.#refuse(id, ErrorCode.InvalidRequest, "the id is in use")
    if (this.#calls.count() >= MaxCalls) return this.#refuse(id, ErrorCode.Overloaded, "too many requests at once")
    const served = Effect.exit(Effect.suspend(() => this.#serve(request, this)))
    this.#calls.start(
      id,
      Effect.map(served, (exit) => this.#finish(id, exit))
    )
  }

  #finish(id: string | number, exit: Exit.Exit<Fields, PeerError>): void {
    if (Exit.isSuccess(exit)) return this.#write({ id, result: exit.value })
    const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
    if (failure !== undefined) return this.#refuse(id, failure.error.code, failure.error.message)
    // A cancelled call is not answered.
    if (!Exit.hasInterrupts(exit)) this.#refuse(id, ErrorCode.Internal, "internal error")
  }
}

/** Serves the client until its input ends. */
export const make = Effect.fnUntraced(function* (
  streams: Streams,
  serve: Serve
): Effect.fn.Return<Peer, never, Scope.Scope> {
  const fibers = yield* FiberMap.make<string | number>()
  const run = yield* FiberMap.runtime(fibers)<never>()
  const peer = new Connection(streams, serve, {
    start: (id, call) => void run(id, call),
    count: () => [...fibers].length,
    isRunning: (id) => FiberMap.hasUnsafe(fibers, id),
    cancel: (id) => {
      const fiber = FiberMap.getUnsafe(fibers, id)
      if (fiber._tag === "Some") fiber.value.interruptUnsafe()
    }
  })
  const { input, output } = streams
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      input.on("data", peer.onData).once("end", peer.onEnd).once("close", peer.onEnd).once("error", peer.onEnd)
      output.on("drain", peer.onDrain).once("error", peer.onEnd)
    }),
    () =>
      Effect.sync(() => {
        input.off("data", peer.onData).off("end", peer.onEnd).off("close", peer.onEnd).off("error", peer.onEnd).pause()
        output.off("drain", peer.onDrain).off("error", peer.onEnd)
      })
  )
  return peer
})
