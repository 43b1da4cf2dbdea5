/**
 * The MCP servers of threads: tools, resources and requests of servers that the configuration names.
 *
 * Everything is loaded with the first thread that has a server.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Config } from "../../services/config/Config.ts"
import { graceOf, serversOf } from "../../services/mcp/McpServerConfig.ts"
import type { McpServersRequired } from "../../services/mcp/McpError.ts"
import { McpServers, type McpThread } from "../../services/mcp/McpServers.ts"

/** Options of the MCP servers. */
export interface Options {
  /** The environment of this process, of which a server that is a process receives a few variables. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The begun opening of the servers of a thread. */
type Opening = Fiber.Fiber<Effect.Effect<void>, McpServersRequired>

/** Waits for the servers of a thread where one of them is required; otherwise only its first model request waits. */
const waitFor = Effect.fnUntraced(function* ({ config, registry }: McpThread, opening: Opening) {
  if (serversOf(config).some(({ enabled, required }) => enabled && required)) return yield* Fiber.join(opening)
  yield* registry.addWait(Effect.asVoid(Fiber.await(opening)), graceOf(config))
  // Only required servers fail.
  return Effect.flatMap(Fiber.await(opening), (exit) => (Exit.isSuccess(exit) ? exit.value : Effect.void))
})

/** The servers end with the layer's scope. */
export const layer = ({ environment }: Options): Layer.Layer<McpServers, never, Config> =>
  Layer.effect(
    McpServers,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { home, userFile } = yield* Config
      const openings = new Map<string, Opening>()
      const loaded = yield* Effect.cached(
        Effect.uninterruptible(
          Effect.flatMap(
            Effect.promise(() => import("./mcp/Servers.ts")),
            ({ make }) => Effect.provideService(make({ environment, home, userFile }), Scope.Scope, scope)
          )
        )
      )
      const open: McpServers["Service"]["open"] = Effect.fnUntraced(function* (thread) {
        const { threadId } = thread
        if (serversOf(thread.config).length === 0) return Effect.void
        const opening = yield* Effect.forkScoped(Effect.flatMap(loaded, (servers) => servers.open(thread)))
        openings.set(threadId, opening)
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            if (openings.get(threadId) === opening) openings.delete(threadId)
          })
        )
        return yield* waitFor(thread, opening)
      })
      const servers: McpServers["Service"]["servers"] = (of) => {
        const opening = typeof of === "string" ? openings.get(of) : undefined
        const isEmpty = typeof of === "string" ? opening === undefined : serversOf(of.config).length === 0
        if (isEmpty) return Effect.succeed([])
        const opened = opening === undefined ? Effect.void : Effect.asVoid(Fiber.await(opening))
        return Effect.andThen(
          opened,
          Effect.flatMap(loaded, (servers) => servers.servers(of))
        )
      }
      return McpServers.of({
        open,
        servers,
        login: (login) => Effect.flatMap(loaded, (servers) => servers.login(login)),
        reload: Effect.suspend(() =>
          openings.size === 0 ? Effect.void : Effect.flatMap(loaded, (servers) => servers.reload)
        )
      })
    })
  )
