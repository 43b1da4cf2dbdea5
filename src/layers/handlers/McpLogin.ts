/**
 * Logins at MCP servers: `mcpServer/oauth/login` and its notification.
 *
 * @module
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { Config } from "../../services/config/Config.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { serversOf } from "../../services/mcp/McpServerConfig.ts"
import { McpServers } from "../../services/mcp/McpServers.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest } from "../../services/routing/RequestError.ts"
import { Threads } from "../../services/thread/Threads.ts"

/** Default of `timeoutSecs`, in milliseconds. */
const DefaultTimeout = 300_000

/** The longest time that a user may take, in milliseconds: an hour. */
const MaxTimeout = 3_600_000

export const make: Effect.Effect<
  HandlersFor<"mcpServer/oauth/login">,
  never,
  Config | McpServers | OutboundRouter | SecureRandom.SecureRandom | Threads
> = Effect.gen(function* () {
  const config = yield* Config
  const mcp = yield* McpServers
  const random = yield* SecureRandom.SecureRandom
  const router = yield* OutboundRouter
  const threads = yield* Threads

  const login: Handler<"mcpServer/oauth/login"> = Effect.fnUntraced(function* (params) {
    const { name, scopes, threadId, timeoutSecs } = params
    const cwd = threadId == null ? null : (yield* threads.get(threadId)).settings.cwd
    const effective = yield* config.effective({ cwd, overrides: {} })
    const server = serversOf(effective).find((one) => one.name === name)
    if (server === undefined) return yield* invalidRequest(`No MCP server named '${name.slice(0, 128)}' found.`)
    const { transport } = server
    if (transport.type !== "http") {
      return yield* invalidRequest("OAuth login is only supported for streamable HTTP servers.")
    }
    const port = effective.settings["mcp_oauth_callback_port"]
    const loginId = yield* random.uuidV7()
    const started = mcp.login({
      name,
      server: transport,
      scopes: scopes ?? transport.scopes,
      callbackPort: typeof port === "number" ? port : 0,
      timeoutMs: Math.min(timeoutSecs == null ? DefaultTimeout : Math.max(0, timeoutSecs * 1000), MaxTimeout),
      onCompleted: (error) => {
        const outcome = error === null ? { success: true } : { success: false, error: error.detail }
        const completed = { name, threadId: threadId ?? null, loginId, ...outcome }
        return router.notify("mcpServer/oauthLogin/completed", completed, null)
      }
    })
    const authorizationUrl = yield* Effect.mapError(started, (error) => internal(error.message))
    return { authorizationUrl, loginId }
  })

  return { "mcpServer/oauth/login": login }
})
