/**
 * The MCP servers of all threads: the loaded part of the adapter (`layers/tools/Mcp`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type McpServerConfig, serversOf } from "../../../services/mcp/McpServerConfig.ts"
import type { McpServerHandle, McpServers } from "../../../services/mcp/McpServers.ts"
import { McpLoginError } from "../../../services/mcp/McpError.ts"
import * as CredentialStore from "./CredentialStore.ts"
import { hasCredentials } from "./HttpTransport.ts"
import * as LastingApproval from "./LastingApproval.ts"
import * as Login from "./Login.ts"
import type { SharedServer } from "./SharedServer.ts"
import { handleOf } from "./ServerHandles.ts"
import * as ServerPool from "./ServerPool.ts"
import * as ThreadServers from "./ThreadServers.ts"

const authStatusOf = (
  { name, transport }: McpServerConfig,
  shared: SharedServer | undefined,
  store: CredentialStore.CredentialStore
): McpServerHandle["authStatus"] => {
  if (transport.type === "stdio") return Effect.succeed("unsupported")
  if (hasCredentials(transport)) return Effect.succeed("bearerToken")
  return Effect.map(Login.stored({ name, server: transport, store }), (provider) => {
    const state = shared?.state()
    if (state?._tag === "Failed" && state.error.needsLogin === true) return "notLoggedIn"
    return provider === null ? "unsupported" : "oAuth"
  })
}

/** Options of the servers. */
export interface Options {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Absolute path of the home folder, where logins are stored. */
  readonly home: string
  /** Absolute path of the user's settings, where lasting approvals are recorded. */
  readonly userFile: string
}

/** Makes the servers. They end with the scope. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<McpServers["Service"], never, Scope.Scope> {
  const scope = yield* Effect.scope
  const store = CredentialStore.make(options.home)
  const pool = yield* ServerPool.make({ environment: options.environment, store })
  const threads = new Map<string, ThreadServers.ThreadServers>()
  const approveAlways = yield* LastingApproval.make(options.userFile)

  const open: McpServers["Service"]["open"] = Effect.fnUntraced(function* (thread) {
    const opened = yield* ThreadServers.open({ pool, thread, approveAlways })
    threads.set(thread.threadId, opened)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (threads.get(thread.threadId) === opened) threads.delete(thread.threadId)
      })
    )
    return opened.begin
  })

  const servers: McpServers["Service"]["servers"] = Effect.fnUntraced(function* (of) {
    if (typeof of === "string") {
      const all = threads.get(of)?.servers() ?? []
      return all.map(({ config, shared }) => handleOf(of, config, shared, authStatusOf(config, shared, store)))
    }
    return yield* Effect.forEach(serversOf(of.config), (config) =>
      Effect.map(config.enabled ? pool.acquire(config, of.cwd) : Effect.undefined, (shared) =>
        handleOf("", config, shared, authStatusOf(config, shared, store))
      )
    )
  })

  const reload = Effect.suspend(() =>
    Effect.forEach([...threads.values()], (thread) => thread.reload, { concurrency: "unbounded", discard: true })
  )
  const login: McpServers["Service"]["login"] = Effect.fnUntraced(function* ({ onCompleted, timeoutMs, ...login }) {
    const own = yield* Scope.fork(scope)
    const started = yield* Scope.provide(Login.start({ ...login, store }), own).pipe(
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
    const late = () => Effect.fail(new McpLoginError({ server: login.name, detail: "timed out waiting for the user" }))
    const completing = Effect.result(
      Effect.timeoutOrElse(started.completed, { duration: timeoutMs, orElse: late })
    ).pipe(
      Effect.tap((result) => (result._tag === "Success" ? reload : Effect.void)),
      Effect.flatMap((result) => onCompleted(result._tag === "Failure" ? result.failure : null)),
      Effect.ensuring(Scope.close(own, Exit.void))
    )
    yield* Effect.forkIn(completing, scope)
    return started.authorizationUrl
  })
  return { open, servers, reload, login }
})
