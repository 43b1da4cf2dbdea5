/**
 * A configured MCP server that threads share: its connection, its tools, and its restarts.
 *
 * ```
 *  starting ──► ready ──connection lost──► starting (after a pause that grows)
 *     └──► failed ◄── lost too often
 *            └──another thread needs it, or a reload──► starting
 * ```
 *
 * Owns when the server is started and which call a request of the server belongs to. The server ends with its scope
 * (`ServerPool`).
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { Table } from "../../../services/config/Table.ts"
import { McpError, McpStartError } from "../../../services/mcp/McpError.ts"
import type { McpRequest, OnElicitation, ServerFacts, Session } from "./Session.ts"

/** The first pause before a restart; it doubles with each restart until the server has been ready for `Steady`. */
const FirstPause = 500

/** The longest pause before a restart, in milliseconds. */
const LongestPause = 30_000

/** A server that was ready for so long starts over without a pause, in milliseconds. */
const Steady = 60_000

/** A server that is lost more often than this in a row is not restarted. */
const MaxRestarts = 6

/** How long notices of changed tools are collected. */
const ToolsPause = "200 millis"

/** A server's connection and tools. */
export interface ReadyServer extends ServerFacts {
  readonly session: Session
  readonly tools: ReadonlyArray<Table>
  readonly toolsMeta: Schema.Json
  /** Why the list of tools may be outdated. */
  readonly toolsProblem: string | null
}

/** The state of a server. */
export type ServerState =
  | { readonly _tag: "Starting" }
  | { readonly _tag: "Ready"; readonly server: ReadyServer }
  | { readonly _tag: "Failed"; readonly error: McpStartError }

/** A call in progress: who it belongs to, and the user whom the server's requests reach through it. */
export interface Caller {
  readonly threadId: string
  readonly elicit: OnElicitation
}

/** A server, shared. */
export interface SharedServer {
  readonly state: () => ServerState
  /** The current state and every later one. */
  readonly changes: Stream.Stream<ServerState>
  /** Waits until the server is ready or has failed. */
  readonly settled: Effect.Effect<Exclude<ServerState, { readonly _tag: "Starting" }>>
  /** Starts a failed server again. */
  readonly retry: Effect.Effect<void>
  /** Sends a request when the server is ready. Requests of the server meanwhile reach the user of `caller`. */
  readonly request: (request: McpRequest, caller: Caller) => Effect.Effect<Table, McpError>
}

/** How a server is started. */
export interface Starting {
  readonly name: string
  readonly startupTimeoutMs: number
  /** Connects; the connection ends with the scope. */
  readonly connect: (
    onElicitation: OnElicitation,
    timeoutMs: number
  ) => Effect.Effect<Session, McpStartError, Scope.Scope>
}

const starting: ServerState = { _tag: "Starting" }

const declined: Table = { action: "decline" }

const startOf = Effect.fnUntraced(function* (
  { connect, name, startupTimeoutMs }: Starting,
  onElicitation: OnElicitation
) {
  const session = yield* connect(onElicitation, startupTimeoutMs)
  const listed = yield* Effect.mapError(
    session.listTools(startupTimeoutMs),
    (error) => new McpStartError({ server: name, detail: error.detail })
  )
  const { capabilities, info, instructions } = session
  return {
    session,
    info,
    capabilities,
    instructions,
    tools: listed.tools,
    toolsMeta: listed.meta,
    toolsProblem: null
  } satisfies ReadyServer
})

/** Reads the tools again when the server says that they have changed. */
const followTools = (
  state: SubscriptionRef.SubscriptionRef<ServerState>,
  server: ReadyServer,
  timeoutMs: number
): Effect.Effect<never> =>
  Effect.gen(function* () {
    yield* Effect.andThen(Queue.take(server.session.toolsChanged), Effect.sleep(ToolsPause))
    yield* Queue.clear(server.session.toolsChanged)
    const listed = yield* Effect.result(server.session.listTools(timeoutMs))
    yield* SubscriptionRef.update(state, (current): ServerState => {
      if (current._tag !== "Ready" || current.server.session !== server.session) return current
      return listed._tag === "Success"
        ? {
            _tag: "Ready",
            server: {
              ...current.server,
              tools: listed.success.tools,
              toolsMeta: listed.success.meta,
              toolsProblem: null
            }
          }
        : { _tag: "Ready", server: { ...current.server, toolsProblem: listed.failure.message } }
    })
  }).pipe(Effect.forever)

/** Runs one connection from its start to its end. The number of milliseconds that it was ready; undefined when it failed. */
const connection = Effect.fnUntraced(
  function* (options: Starting, state: SubscriptionRef.SubscriptionRef<ServerState>, onElicitation: OnElicitation) {
    yield* SubscriptionRef.set(state, starting)
    const started = yield* Effect.timeoutOption(
      Effect.result(startOf(options, onElicitation)),
      options.startupTimeoutMs * 2
    )
    if (Option.isNone(started) || started.value._tag === "Failure") {
      const { name: server, startupTimeoutMs: timeoutMs } = options
      const error = Option.isSome(started) && started.value._tag === "Failure" ? started.value.failure : undefined
      yield* SubscriptionRef.set(state, {
        _tag: "Failed",
        error: error ?? new McpStartError({ server, detail: "timed out", timeoutMs })
      })
      return undefined
    }
    const server = started.value.success
    const readySince = yield* Clock.currentTimeMillis
    yield* SubscriptionRef.set(state, { _tag: "Ready", server })
    yield* Effect.raceFirst(server.session.closed, followTools(state, server, options.startupTimeoutMs))
    return (yield* Clock.currentTimeMillis) - readySince
  },
  (effect) => Effect.scoped(effect)
)

const pauseAfter = (restarts: number): Duration.Duration =>
  Duration.millis(Math.min(LongestPause, FirstPause * 2 ** (restarts - 1)))

/** A request of the server belongs to the thread whose calls it is working on. If that is not clear, nobody is asked. */
const elicitationsOf =
  (name: string, callers: ReadonlySet<Caller>): OnElicitation =>
  (params) =>
    Effect.suspend(() => {
      const threads = new Set(Array.from(callers, ({ threadId }) => threadId))
      const caller = Array.from(callers).at(-1)
      if (caller !== undefined && threads.size === 1) return caller.elicit(params)
      const warning = `declined a request of the MCP server ${name}: it belongs to no single thread`
      return Effect.as(Effect.logWarning(warning), declined)
    })

/** Keeps the server running. A server that has failed waits until it is wanted again. */
const supervise = (
  options: Starting,
  state: SubscriptionRef.SubscriptionRef<ServerState>,
  onElicitation: OnElicitation,
  wanted: Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.gen(function* () {
    let restarts = 0
    for (;;) {
      const lasted = yield* connection(options, state, onElicitation)
      restarts = lasted !== undefined && lasted < Steady ? restarts + 1 : 0
      if (lasted !== undefined && restarts <= MaxRestarts) {
        yield* SubscriptionRef.set(state, starting)
        yield* Effect.logWarning(`the MCP server ${options.name} has ended; it is started again`)
        if (restarts > 0) yield* Effect.sleep(pauseAfter(restarts))
        continue
      }
      if (lasted !== undefined) {
        const error = new McpStartError({ server: options.name, detail: "the server ended again and again" })
        yield* SubscriptionRef.set(state, { _tag: "Failed", error })
      }
      yield* wanted
      restarts = 0
    }
  })

const unavailable = ({ problem }: McpStartError): McpError =>
  new McpError({ reason: "unavailable", detail: `failed to get client: ${problem}` })

/** Starts the server, now and whenever it is lost. It ends with the scope. */
export const make = Effect.fnUntraced(function* (
  options: Starting
): Effect.fn.Return<SharedServer, never, Scope.Scope> {
  const state = yield* SubscriptionRef.make<ServerState>(starting)
  const callers = new Set<Caller>()
  let wanted = Deferred.makeUnsafe<void>()
  const isWanted = Effect.suspend(() => Deferred.await(wanted))
  yield* Effect.forkScoped(supervise(options, state, elicitationsOf(options.name, callers), isWanted))

  const changes = SubscriptionRef.changes(state)
  const settled = changes.pipe(
    Stream.filter((current) => current._tag !== "Starting"),
    Stream.runHead,
    // The stream of states has no end.
    Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: (current) => Effect.succeed(current) }))
  )
  const retry = Effect.suspend(() => {
    if (SubscriptionRef.getUnsafe(state)._tag !== "Failed") return Effect.void
    const before = wanted
    wanted = Deferred.makeUnsafe<void>()
    return Effect.andThen(SubscriptionRef.set(state, starting), Deferred.done(before, Exit.void))
  })
  const request: SharedServer["request"] = (request, caller) =>
    Effect.flatMap(settled, (current) =>
      current._tag === "Failed"
        ? Effect.fail(unavailable(current.error))
        : Effect.acquireUseRelease(
            Effect.sync(() => callers.add(caller)),
            () => current.server.session.request(request),
            () => Effect.sync(() => callers.delete(caller))
          )
    )
  return { state: () => SubscriptionRef.getUnsafe(state), changes, settled, retry, request }
})
