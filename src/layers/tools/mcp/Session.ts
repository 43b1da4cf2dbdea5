/**
 * One connection to an MCP server, from `initialize` to its end, as Effects over the SDK's client.
 *
 * Owns the translation between the SDK's promises and typed errors, the requests of the server, and the limits on lists.
 * Does not own when a connection is made, nor what a call means (`McpTools`).
 *
 * @module
 */
import {
  Client,
  ProtocolError,
  SdkError,
  SdkHttpError,
  type Transport,
  UnauthorizedError
} from "@modelcontextprotocol/client"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { get, getText, isTable, type Table } from "../../../services/config/Table.ts"
import { Version } from "../../../services/config/ServerIdentity.ts"
import { durationText, echo, McpError } from "../../../services/mcp/McpError.ts"

/** Maximum number of requests of a server that are served at once. */
const MaxServerRequests = 16

/** Maximum number of pages that are read of a list. */
const MaxPages = 100

/** Maximum number of entries of a list. */
const MaxEntries = 2000

/** A request to the server. */
export interface McpRequest {
  readonly method: string
  readonly params?: Table
  readonly timeoutMs: number
  /** Called for each progress notification. */
  readonly onProgress?: (message: string) => void
}

/** The server's tools, and the metadata of the list. */
export interface ToolList {
  readonly tools: ReadonlyArray<Table>
  readonly meta: Schema.Json
}

/** What the server said about itself. */
export interface ServerFacts {
  readonly info: Table
  readonly capabilities: Table
  readonly instructions: string | null
}

/** A connection that is ready. */
export interface Session extends ServerFacts {
  /** Completes when the connection has ended. */
  readonly closed: Effect.Effect<void>
  /** The notices that the list of tools has changed; at most one waits. */
  readonly toolsChanged: Queue.Dequeue<void>
  /** Sends a request. Interruption cancels it at the server. */
  readonly request: (request: McpRequest) => Effect.Effect<Table, McpError>
  readonly listTools: (timeoutMs: number) => Effect.Effect<ToolList, McpError>
  /** All pages of a list, up to a limit. */
  readonly listAll: (method: string, member: string, timeoutMs: number) => Effect.Effect<ReadonlyArray<Table>, McpError>
}

/** Serves a request of the server for the user. */
export type OnElicitation = (params: Table) => Effect.Effect<Table, McpError>

/** Accepts any result: a server that deviates from the schema is used as far as possible. */
const anyResult = {
  "~standard": { version: 1, vendor: "spindle", validate: (value: unknown) => ({ value }) }
} as const

const toJson = (value: unknown): Schema.Json | undefined => {
  // Data of an error was read from JSON.
  const json = value as Schema.Json | undefined
  return json === undefined || JSON.stringify(json).length > 4096 ? undefined : json
}

const refused = (error: ProtocolError): McpError => {
  const data = toJson(error.data)
  const text = data === undefined ? "" : `(${JSON.stringify(data)})`
  return new McpError({
    reason: "refused",
    detail: `Mcp error: ${error.code}: ${echo(error.message)}${text}`,
    code: error.code,
    serverMessage: echo(error.message),
    ...(data === undefined ? {} : { data })
  })
}

const isUnauthorized = (error: unknown): boolean =>
  error instanceof UnauthorizedError || (error instanceof SdkHttpError && error.status === 401)

/** The connection ended while something was sent. */
const isBroken = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED"].includes(String(error.code))

/** The text of an error and of its cause, which `fetch` hides. */
const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "the request could not be sent"
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

const failureOf = (error: unknown, method: string, timeoutMs: number): McpError => {
  if (error instanceof ProtocolError) return refused(error)
  if (isUnauthorized(error)) return new McpError({ reason: "unauthorized", detail: "Auth required" })
  if (isBroken(error)) return new McpError({ reason: "closed", detail: "Transport closed" })
  const code = error instanceof SdkError ? error.code : undefined
  switch (code) {
    case "REQUEST_TIMEOUT":
      return new McpError({
        reason: "timeout",
        detail: `timed out awaiting ${method} after ${durationText(timeoutMs)}`
      })
    case "CONNECTION_CLOSED":
    case "NOT_CONNECTED":
      return new McpError({ reason: "closed", detail: "Transport closed" })
    case "INVALID_RESULT":
    case "UNSUPPORTED_RESULT_TYPE":
      return new McpError({ reason: "invalid", detail: "Unexpected response type" })
    default:
      return new McpError({
        reason: "unavailable",
        detail: echo(textOf(error))
      })
  }
}

const requestWith =
  (client: Client): Session["request"] =>
  ({ method, onProgress, params, timeoutMs }) =>
    Effect.tryPromise({
      try: (signal) =>
        client.request({ method, ...(params === undefined ? {} : { params }) }, anyResult, {
          signal,
          timeout: timeoutMs,
          ...(onProgress === undefined
            ? {}
            : {
                onprogress: ({ message, progress, total }) =>
                  onProgress(message ?? (total === undefined ? `${progress}` : `${progress}/${total}`))
              })
        }),
      catch: (error) => failureOf(error, method, timeoutMs)
    }).pipe(
      Effect.flatMap((result) =>
        isTable(result)
          ? Effect.succeed(result)
          : Effect.fail(new McpError({ reason: "invalid", detail: "Unexpected response type" }))
      )
    )

/** Reads the pages of a list until there is none, or a limit is reached. */
const pages = Effect.fnUntraced(function* (
  request: Session["request"],
  method: string,
  member: string,
  timeoutMs: number
) {
  const entries: Array<Table> = []
  let cursor: string | undefined
  let first: Table | undefined
  for (let page = 0; page < MaxPages && entries.length < MaxEntries; page++) {
    const result = yield* request({ method, timeoutMs, ...(cursor === undefined ? {} : { params: { cursor } }) })
    first ??= result
    const list = get(result, member)
    if (!Array.isArray(list)) return yield* new McpError({ reason: "invalid", detail: "Unexpected response type" })
    entries.push(...list.filter((entry) => isTable(entry)))
    const next = getText(result, "nextCursor")
    if (next === undefined || next === cursor) break
    cursor = next
  }
  return { entries: entries.slice(0, MaxEntries), first: first ?? {} }
})

/** The answers to the requests of the server. Those that are not served get the error of an unknown method. */
const serveRequests = (
  client: Client,
  run: (effect: Effect.Effect<Table, McpError>) => Promise<Table>,
  onElicitation: OnElicitation
) => {
  let serving = 0
  client.fallbackRequestHandler = async ({ method, params }) => {
    if (method === "roots/list") return { roots: [] }
    if (method !== "elicitation/create") throw new ProtocolError(-32601, method)
    if (serving >= MaxServerRequests) throw new ProtocolError(-32603, "too many requests")
    serving++
    try {
      return await run(onElicitation(isTable(params) ? params : {}))
    } catch (error) {
      throw new ProtocolError(-32603, error instanceof McpError ? error.message : "internal error")
    } finally {
      serving--
    }
  }
}

/**
 * Connects over the transport and waits until the server is ready. The connection ends with the scope. `timeoutMs` limits
 * `initialize`.
 */
export const open = Effect.fnUntraced(function* (
  transport: Transport,
  onElicitation: OnElicitation,
  timeoutMs: number
): Effect.fn.Return<Session, McpError, Scope.Scope> {
  const closed = Deferred.makeUnsafe<void>()
  const toolsChanged = yield* Queue.dropping<void>(1)
  const run = yield* FiberSet.makeRuntimePromise<never, Table, McpError>()
  const client = new Client(
    { name: "spindle-mcp-client", title: "Spindle", version: Version },
    { capabilities: { elicitation: { form: {}, url: {} } } }
  )
  serveRequests(client, run, onElicitation)
  client.setNotificationHandler(
    "notifications/tools/list_changed",
    () => void Queue.offerUnsafe(toolsChanged, undefined)
  )
  Object.assign(client, {
    onclose: () => Deferred.doneUnsafe(closed, Exit.void),
    // Errors of single messages; the requests that they concern fail or time out.
    onerror: () => undefined
  } satisfies Pick<Client, "onclose" | "onerror">)
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.tryPromise(() => client.close())))
  yield* Effect.tryPromise({
    try: (signal) => client.connect(transport, { timeout: timeoutMs, signal }),
    catch: (error) => failureOf(error, "initialize", timeoutMs)
  })
  const request = requestWith(client)
  const capabilities = client.getServerCapabilities() ?? {}
  return {
    // They were read from JSON.
    info: (client.getServerVersion() ?? {}) as Table,
    capabilities: capabilities as Table,
    instructions: client.getInstructions() ?? null,
    closed: Deferred.await(closed),
    toolsChanged,
    request,
    listTools: (timeoutMs) =>
      capabilities.tools === undefined
        ? Effect.succeed({ tools: [], meta: null })
        : Effect.map(pages(request, "tools/list", "tools", timeoutMs), ({ entries, first }) => ({
            tools: entries,
            meta: get(first, "_meta") ?? null
          })),
    listAll: (method, member, timeoutMs) =>
      Effect.map(pages(request, method, member, timeoutMs), ({ entries }) => entries)
  }
})
