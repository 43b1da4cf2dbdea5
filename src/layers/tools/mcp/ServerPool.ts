/**
 * The MCP servers that run: one per configuration, shared and reference-counted.
 *
 * A server is started with its first user and stopped when it had no user for `IdleTime`. When the pool's scope closes, all
 * servers end at the same time.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import * as NodePath from "node:path"
import type { McpServerConfig } from "../../../services/mcp/McpServerConfig.ts"
import { type McpError, McpStartError } from "../../../services/mcp/McpError.ts"
import * as HttpTransport from "./HttpTransport.ts"
import type { CredentialStore } from "./CredentialStore.ts"
import * as Login from "./Login.ts"
import { environmentOf } from "./ServerEnvironment.ts"
import * as Session from "./Session.ts"
import * as SharedServer from "./SharedServer.ts"
import * as StdioTransport from "./StdioTransport.ts"

/** How long a server without users is kept. */
export const IdleTime = Context.Reference("spindle/McpIdleTime", { defaultValue: () => Duration.seconds(60) })

/** What distinguishes one server from another. It is the key of the pool, as JSON. */
type Identity = Pick<McpServerConfig, "name" | "transport" | "startupTimeoutMs"> & {
  /** The folder in which the process starts; empty for servers that are not processes. */
  readonly cwd: string
}

/** The running servers. */
export interface ServerPool {
  /** The server, until the scope closes. `cwd` is the thread's folder. */
  readonly acquire: (
    config: McpServerConfig,
    cwd: string
  ) => Effect.Effect<SharedServer.SharedServer, never, Scope.Scope>
}

/** Dependencies of the pool. */
export interface PoolOptions {
  /** The environment of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The logins at servers. */
  readonly store: CredentialStore
}

const names = /^[a-zA-Z0-9_:@/.-]+$/

const startError =
  (server: string, stage: "spawn" | "handshake", timeoutMs: number, errorText?: () => string) => (error: McpError) => {
    if (error.reason === "unauthorized") {
      const detail = `The ${server} MCP server is not logged in.`
      return new McpStartError({ server, detail, needsLogin: true })
    }
    if (error.reason === "timeout") return new McpStartError({ server, detail: "timed out", timeoutMs })
    const text = errorText?.() ?? ""
    const hint = text === "" ? "" : `; its last error output: ${text.slice(-500)}`
    const detail = stage === "spawn" ? error.detail : `handshaking with MCP server failed: ${problemOf(error)}${hint}`
    return new McpStartError({ server, detail })
  }

const problemOf = (error: McpError): string => {
  if (error.reason === "closed") return "connection closed: initialize response"
  if (error.reason === "refused") return `JSON-RPC error: ${error.code}: ${error.serverMessage}`
  return error.detail
}

const connectorOf =
  ({ cwd, name, transport }: Identity, { environment, store }: PoolOptions): SharedServer.Starting["connect"] =>
  (onElicitation, timeoutMs) =>
    Effect.gen(function* () {
      if (!names.test(name)) {
        const detail = `Invalid MCP server name '${name}': must match pattern ${names.source}`
        return yield* new McpStartError({ server: name, detail })
      }
      const failed = (stage: "spawn" | "handshake", errorText?: () => string) =>
        Effect.mapError(startError(name, stage, timeoutMs, errorText))
      if (transport.type === "http") {
        const login = HttpTransport.hasCredentials(transport)
          ? null
          : yield* Login.stored({ name, server: transport, store })
        const connection = yield* HttpTransport.connect(name, transport, environment, login).pipe(failed("spawn"))
        return yield* Session.open(connection, onElicitation, timeoutMs).pipe(failed("handshake"))
      }
      const { args, command } = transport
      const program = { command, args, cwd, env: environmentOf(transport, environment) }
      const connection = yield* StdioTransport.connect(program).pipe(failed("spawn"))
      return yield* Session.open(connection.transport, onElicitation, timeoutMs).pipe(
        failed("handshake", connection.errorText)
      )
    })

/** The pool of a server. */
export const make = Effect.fnUntraced(function* (
  options: PoolOptions
): Effect.fn.Return<ServerPool, never, Scope.Scope> {
  const idleTimeToLive = yield* IdleTime
  const scope = yield* Effect.scope
  let isClosing = false
  const lookup = (key: string) =>
    Effect.gen(function* () {
      // The key is the identity as JSON.
      const identity = JSON.parse(key) as Identity
      const own = yield* Scope.fork(running)
      yield* Effect.addFinalizer(() => (isClosing ? Effect.void : Scope.close(own, Exit.void)))
      const { name, startupTimeoutMs } = identity
      return yield* Scope.provide(
        SharedServer.make({ name, startupTimeoutMs, connect: connectorOf(identity, options) }),
        own
      )
    })
  const servers = yield* RcMap.make({ lookup, idleTimeToLive })
  // Closed before the map, which would close one server after the other.
  const running = yield* Scope.fork(scope, "parallel")
  yield* Scope.addFinalizer(
    scope,
    Effect.sync(() => void (isClosing = true))
  )
  return {
    acquire: ({ name, startupTimeoutMs, transport }, cwd) => {
      const folder = transport.type === "stdio" ? NodePath.resolve(cwd, transport.cwd ?? ".") : ""
      const identity: Identity = { name, transport, startupTimeoutMs, cwd: folder }
      return Effect.tap(RcMap.get(servers, JSON.stringify(identity)), (server) => server.retry)
    }
  }
})
