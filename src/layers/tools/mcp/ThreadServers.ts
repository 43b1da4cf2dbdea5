/**
 * The MCP servers of one thread: which of the shared servers it uses, their tools in its registry, and their states for its
 * clients.
 *
 * ```
 *  open ─► servers acquired ─┬─ state changes ─► mcpServer/startupStatus/updated
 *                            └─ ready ─────────► tools of the registry
 * ```
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { graceOf, type McpServerConfig, serversOf } from "../../../services/mcp/McpServerConfig.ts"
import { McpServersRequired } from "../../../services/mcp/McpError.ts"
import type { McpThread } from "../../../services/mcp/McpServers.ts"
import * as McpTools from "./McpTools.ts"
import * as ResourceTools from "./ResourceTools.ts"
import type { ServerPool } from "./ServerPool.ts"
import type { ServerState, SharedServer } from "./SharedServer.ts"
import { namespacesOf } from "./ToolNames.ts"

/** A server that a thread uses. */
interface Attached {
  readonly server: McpTools.ThreadServer
  /** The configuration as JSON, by which a reload finds changes. */
  readonly identity: string
  /** Ends the use of the server. */
  readonly scope: Scope.Closeable
  /** The scope of the tools that are in the registry. */
  tools: Scope.Closeable | undefined
}

/** The servers of a thread. */
export interface ThreadServers {
  readonly threadId: string
  readonly cwd: string
  /** All configured servers, disabled ones among them, with the shared server of the enabled ones. */
  readonly servers: () => ReadonlyArray<{ readonly config: McpServerConfig; readonly shared: SharedServer | undefined }>
  /** The shared server with this name, if it is enabled. */
  readonly find: (name: string) => { readonly config: McpServerConfig; readonly shared: SharedServer } | undefined
  /** Publishes the states of the servers, now and when they change. */
  readonly begin: Effect.Effect<void>
  /** Reads the configuration again: changed servers are replaced, failed ones are started again. */
  readonly reload: Effect.Effect<void>
}

/** Dependencies of a thread's servers. */
export interface ThreadServersOptions {
  readonly pool: ServerPool
  readonly thread: McpThread
  /** Records in the user's settings that calls of the tool need no approval. */
  readonly approveAlways: (server: string, tool: string) => Effect.Effect<boolean>
}

/** Puts the tools of a ready server into the registry, in the place of its former ones. */
const register = Effect.fnUntraced(function* (attached: Attached, state: ServerState, { registry }: McpThread) {
  const former = attached.tools
  if (state._tag !== "Ready") return
  const scope = yield* Scope.fork(attached.scope)
  attached.tools = scope
  if (former !== undefined) yield* Scope.close(former, Exit.void)
  yield* Scope.provide(registry.add(McpTools.toolsOf(attached.server, state.server)), scope)
}, Effect.uninterruptible)

const publish = ({ notify, threadId }: McpThread, name: string, state: ServerState): Effect.Effect<void> =>
  notify("mcpServer/startupStatus/updated", {
    threadId,
    name,
    status: state._tag === "Starting" ? "starting" : state._tag === "Ready" ? "ready" : "failed",
    error: state._tag === "Failed" ? state.error.message : null,
    failureReason: state._tag === "Failed" && state.error.needsLogin === true ? "reauthenticationRequired" : null
  })

const identityOf = (config: McpServerConfig): string =>
  JSON.stringify({ ...config, toolApproval: [...config.toolApproval] })

/** Fails when a required server has not started. */
const checkRequired = Effect.fnUntraced(function* (attached: ReadonlyArray<Attached>) {
  const states = yield* Effect.forEach(
    attached.filter(({ server }) => server.config.required),
    ({ server }) => Effect.map(server.shared.settled, (state) => ({ name: server.config.name, state })),
    { concurrency: "unbounded" }
  )
  const problems = states.flatMap(({ name, state }) => {
    if (state._tag !== "Failed") return []
    return [`${name}: ${state.error.timeoutMs === undefined ? state.error.detail : state.error.message}`]
  })
  if (problems.length > 0) return yield* new McpServersRequired({ detail: problems.join("; ") })
})

/** The servers of a thread while it is loaded. */
interface Opened {
  readonly options: ThreadServersOptions
  readonly scope: Scope.Scope
  readonly attached: Map<string, Attached>
  configured: ReadonlyArray<McpServerConfig>
  /** Whether the thread has subscribers who see the states. */
  isShown: boolean
}

/** Registers the tools of a server, and publishes its states once they are shown. */
const follow = (opened: Opened, one: Attached): Effect.Effect<void> => {
  const { thread } = opened.options
  let status: ServerState["_tag"] | undefined
  return Stream.runForEach(one.server.shared.changes, (state) =>
    Effect.gen(function* () {
      yield* register(one, state, thread)
      const isNew = state._tag !== status
      status = state._tag
      if (opened.isShown && isNew) yield* publish(thread, one.server.config.name, state)
    })
  )
}

const attach = Effect.fnUntraced(function* (opened: Opened, config: McpServerConfig, namespace: string) {
  const { approveAlways, pool, thread } = opened.options
  const own = yield* Scope.fork(opened.scope)
  const shared = yield* Scope.provide(pool.acquire(config, thread.cwd), own)
  const server: McpTools.ThreadServer = {
    threadId: thread.threadId,
    config,
    shared,
    namespace,
    approved: new Set(),
    approveAlways: (tool) => approveAlways(config.name, tool)
  }
  const one: Attached = { server, identity: identityOf(config), scope: own, tools: undefined }
  opened.attached.set(config.name, one)
  yield* Effect.forkIn(follow(opened, one), own, { startImmediately: true })
}, Effect.uninterruptible)

/** Acquires the configured servers, and releases those that are not configured any more. */
const attachAll = Effect.fnUntraced(function* (opened: Opened) {
  const { attached, configured, options } = opened
  const enabled = configured.filter((config) => config.enabled)
  const namespaces = namespacesOf(enabled.map(({ name }) => name))
  for (const config of enabled) {
    const former = attached.get(config.name)
    if (former?.identity === identityOf(config)) {
      const { shared } = former.server
      const before = shared.state()._tag
      yield* shared.retry
      if (opened.isShown && before === "Ready") yield* publish(options.thread, config.name, shared.state())
      continue
    }
    if (former !== undefined) yield* Scope.close(former.scope, Exit.void)
    yield* attach(opened, config, namespaces.get(config.name) ?? config.name)
  }
  const names = new Set(enabled.map(({ name }) => name))
  for (const [name, former] of attached) {
    if (names.has(name)) continue
    attached.delete(name)
    yield* Scope.close(former.scope, Exit.void)
  }
})

/** Publishes that every server starts, then what has become of it. */
const begin = Effect.fnUntraced(function* (opened: Opened) {
  const { thread } = opened.options
  const servers = [...opened.attached.values()].map(({ server }) => server)
  for (const { config } of servers) yield* publish(thread, config.name, { _tag: "Starting" })
  opened.isShown = true
  // The next state of a server would replace this one in the queue of a client.
  yield* Effect.sleep(0)
  for (const { config, shared } of servers) {
    const state = shared.state()
    if (state._tag !== "Starting") yield* publish(thread, config.name, state)
  }
})

/** Adds the tools for resources, and lets the first model request wait for the servers. */
const addTools = Effect.fnUntraced(function* ({ attached, options: { thread } }: Opened) {
  if (attached.size === 0) return
  const servers = () => [...attached.values()].map(({ server }) => server)
  yield* thread.registry.add(ResourceTools.make({ servers }))
  const settled = Effect.forEach(servers(), ({ shared }) => shared.settled, { concurrency: "unbounded", discard: true })
  // The tools are registered in the step after the server is ready.
  yield* thread.registry.addWait(Effect.andThen(settled, Effect.yieldNow), graceOf(thread.config))
})

/** Connects the thread to its servers. They are released with the scope. */
export const open = Effect.fnUntraced(function* (
  options: ThreadServersOptions
): Effect.fn.Return<ThreadServers, McpServersRequired, Scope.Scope> {
  const { thread } = options
  const scope = yield* Effect.scope
  const attached = new Map<string, Attached>()
  const opened: Opened = { options, scope, attached, configured: serversOf(thread.config), isShown: false }
  yield* attachAll(opened)
  yield* addTools(opened)
  yield* checkRequired([...attached.values()])
  const find: ThreadServers["find"] = (name) => {
    const one = attached.get(name)
    return one === undefined ? undefined : { config: one.server.config, shared: one.server.shared }
  }
  return {
    threadId: thread.threadId,
    cwd: thread.cwd,
    servers: () => opened.configured.map((config) => ({ config, shared: find(config.name)?.shared })),
    find,
    begin: begin(opened),
    reload: Effect.gen(function* () {
      const config = yield* Effect.result(thread.reread)
      // An invalid configuration changes nothing.
      if (config._tag === "Failure") return
      opened.configured = serversOf(config.success)
      yield* attachAll(opened)
    })
  }
})
