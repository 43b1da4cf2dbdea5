/**
 * The MCP servers of threads: tools, resources and requests of servers that the configuration names.
 *
 * Everything is loaded with the first thread that has a server.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { serversOf } from "../../services/mcp/McpServerConfig.ts"
import { McpServers } from "../../services/mcp/McpServers.ts"

/** Options of the MCP servers. */
export interface Options {
  /** The environment of this process, of which a server that is a process receives a few variables. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Absolute path of the home folder, where logins at servers are stored. */
  readonly home: string
}

/** The servers end with the layer's scope. */
export const layer = (options: Options): Layer.Layer<McpServers> =>
  Layer.effect(
    McpServers,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const loaded = yield* Effect.cached(
        Effect.uninterruptible(
          Effect.flatMap(
            Effect.promise(() => import("./mcp/Servers.ts")),
            ({ make }) => Effect.provideService(make(options), Scope.Scope, scope)
          )
        )
      )
      let isLoaded = false
      const servers = Effect.tap(loaded, () => Effect.sync(() => void (isLoaded = true)))
      return McpServers.of({
        open: (thread) =>
          serversOf(thread.config).length > 0
            ? Effect.flatMap(servers, (servers) => servers.open(thread))
            : Effect.succeed(Effect.void),
        servers: (of) => {
          const isEmpty = typeof of === "string" ? !isLoaded : serversOf(of.config).length === 0
          return isEmpty ? Effect.succeed([]) : Effect.flatMap(servers, (loaded) => loaded.servers(of))
        },
        login: (login) => Effect.flatMap(servers, (loaded) => loaded.login(login)),
        reload: Effect.suspend(() => (isLoaded ? Effect.flatMap(servers, ({ reload }) => reload) : Effect.void))
      })
    })
  )
