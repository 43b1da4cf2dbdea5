/**
 * The running processes of each connection, by the ids that the client chose.
 *
 * An id is taken when its request begins, before the process has started: input that follows immediately is kept for it.
 * Input that the process has not read is bounded.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { InvalidParams } from "../../../protocol/jsonrpc/ErrorCode.ts"
import type { Connection } from "../../../services/connection/Connection.ts"
import { invalidRequest, RequestError } from "../../../services/routing/RequestError.ts"
import type { HostProcess, TerminalSize } from "../../../services/tool/HostProcesses.ts"
import * as Base64 from "../Base64.ts"

/** Maximum number of processes of a connection. */
export const MaxProcesses = 64

/** Maximum number of bytes of input that a process has not read. */
export const MaxUnreadInput = 16 * 1024 * 1024

/** The names in the errors of a method. */
export interface Names {
  /** As in `no active command/exec for process id "p"`. */
  readonly what: string
  /** As in `process id`. */
  readonly id: string
  /** As in `duplicate active command/exec process id: "p"`. */
  readonly duplicate: string
  /** The prefix of an error about a size. */
  readonly size: string
  /** The method that writes to the input. */
  readonly write: string
}

export const invalidParams = (message: string): RequestError => new RequestError({ code: InvalidParams, message })

/** Fails when the size of a terminal is not positive. */
export const checkSize = ({ cols, rows }: TerminalSize, names: Names): Effect.Effect<void, RequestError> =>
  rows > 0 && cols > 0
    ? Effect.void
    : Effect.fail(invalidParams(`${names.size} size rows and cols must be greater than 0`))

/** Parameters that write to an input. */
export interface InputParams {
  readonly deltaBase64?: string | null
  readonly closeStdin?: boolean
}

/** A process that runs or is being started. */
export class Entry {
  /** Set when it runs; never, when it could not be started. */
  readonly started = Deferred.makeUnsafe<HostProcess>()
  readonly hasInput: boolean
  readonly hasTerminal: boolean
  readonly scope: Scope.Scope
  readonly #order = Semaphore.makeUnsafe(1)
  #unread = 0
  #closed = false

  constructor(options: { readonly hasInput: boolean; readonly hasTerminal: boolean; readonly scope: Scope.Scope }) {
    this.hasInput = options.hasInput
    this.hasTerminal = options.hasTerminal
    this.scope = options.scope
  }

  /** Runs the effect when the process runs, without waiting for it. */
  later(use: (process: HostProcess) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.asVoid(
      Effect.forkIn(Effect.flatMap(Deferred.await(this.started), use), this.scope, { startImmediately: true })
    )
  }

  /** Writes to the input, in the order of the calls, and does not wait until the process has read it. */
  write(bytes: Uint8Array | null, close: boolean): Effect.Effect<void, RequestError> {
    return Effect.suspend(() => {
      if (bytes !== null && this.#closed) return Effect.fail(invalidRequest("stdin is already closed"))
      const size = bytes?.length ?? 0
      if (this.#unread + size > MaxUnreadInput) {
        const problem = `stdin is full: the process has not read ${this.#unread} bytes, and at most ${MaxUnreadInput} are kept`
        return Effect.fail(invalidRequest(problem))
      }
      this.#unread += size
      const ends = close && !this.#closed
      if (close) this.#closed = true
      return this.later((process) =>
        this.#order.withPermit(
          Effect.gen({ self: this }, function* () {
            if (bytes !== null && size > 0) yield* process.write(bytes)
            this.#unread -= size
            if (ends) yield* process.endInput
          })
        )
      )
    })
  }
}

/** By the ids of the client. */
type Entries = Map<string | symbol, Entry>

/** The processes of all connections. */
export class ProcessTable {
  readonly #byConnection = new WeakMap<Connection, Entries>()
  readonly #names: Names

  constructor(names: Names) {
    this.#names = names
  }

  #of(connection: Connection): Entries {
    const known = this.#byConnection.get(connection)
    if (known !== undefined) return known
    const made: Entries = new Map()
    this.#byConnection.set(connection, made)
    return made
  }

  /** Takes the id in this step, until the scope of the entry closes. Null is no id: nobody can refer to the process. */
  take(
    connection: Connection,
    id: string | null,
    options: { readonly hasInput: boolean; readonly hasTerminal: boolean }
  ): Effect.Effect<{ readonly entry: Entry; readonly scope: Scope.Closeable }, RequestError> {
    return Effect.suspend(() => {
      const entries = this.#of(connection)
      if (id !== null && entries.has(id)) {
        return Effect.fail(invalidRequest(`${this.#names.duplicate}: ${JSON.stringify(id)}`))
      }
      if (entries.size >= MaxProcesses) {
        return Effect.fail(
          invalidRequest(`this connection runs ${MaxProcesses} processes; wait for one to end, or end one`)
        )
      }
      const scope = Scope.forkUnsafe(connection.resources)
      const entry = new Entry({ ...options, scope })
      const key = id ?? Symbol("unnamed")
      entries.set(key, entry)
      const removed = Effect.sync(() => void entries.delete(key))
      return Effect.as(Scope.addFinalizer(scope, removed), { entry, scope })
    })
  }

  #find(connection: Connection, id: string): Effect.Effect<Entry, RequestError> {
    return Effect.suspend(() => {
      const entry = this.#of(connection).get(id)
      if (entry !== undefined) return Effect.succeed(entry)
      return Effect.fail(invalidRequest(`no active ${this.#names.what} for ${this.#names.id} ${JSON.stringify(id)}`))
    })
  }

  /** Writes to the input of a process. */
  readonly write = Effect.fnUntraced(function* (
    this: ProcessTable,
    connection: Connection,
    id: string,
    params: InputParams
  ): Effect.fn.Return<void, RequestError> {
    const delta = params.deltaBase64 ?? null
    const close = params.closeStdin === true
    if (delta === null && !close) {
      return yield* invalidParams(`${this.#names.write} requires deltaBase64 or closeStdin`)
    }
    const decoded = delta === null ? undefined : Base64.decode(delta)
    if (decoded !== undefined && Result.isFailure(decoded)) {
      return yield* invalidParams(`invalid deltaBase64: ${decoded.failure}`)
    }
    const entry = yield* this.#find(connection, id)
    if (!entry.hasInput) return yield* invalidRequest(`stdin streaming is not enabled for this ${this.#names.what}`)
    yield* entry.write(decoded?.success ?? null, close)
  }).bind(this)

  /** Kills a process. Does not wait for its end. */
  kill(connection: Connection, id: string): Effect.Effect<void, RequestError> {
    return Effect.flatMap(this.#find(connection, id), (entry) => entry.later((process) => process.kill))
  }

  /** Changes the size of the terminal of a process. */
  readonly resize = Effect.fnUntraced(function* (
    this: ProcessTable,
    connection: Connection,
    id: string,
    size: TerminalSize
  ): Effect.fn.Return<void, RequestError> {
    yield* checkSize(size, this.#names)
    const entry = yield* this.#find(connection, id)
    if (!entry.hasTerminal) {
      return yield* invalidRequest("failed to resize PTY: process is not attached to a PTY")
    }
    yield* entry.later((process) => process.resize(size))
  }).bind(this)
}
