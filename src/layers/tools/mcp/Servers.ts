/**
 * The MCP servers of all threads: the loaded part of the adapter (`layers/tools/Mcp`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { McpServers } from "../../../services/mcp/McpServers.ts"
import * as ServerPool from "./ServerPool.ts"
import * as ThreadServers from "./ThreadServers.ts"

/** Makes the servers. They end with the scope. */
export const make = Effect.fnUntraced(function* (
  options: ServerPool.PoolOptions
): Effect.fn.Return<McpServers["Service"], never, Scope.Scope> {
  const pool = yield* ServerPool.make(options)
  const threads = new Map<string, ThreadServers.ThreadServers>()
  const open: McpServers["Service"]["open"] = Effect.fnUntraced(function* (thread) {
    const approveAlways = () => Effect.succeed(false)
    const opened = yield* ThreadServers.open({ pool, thread, approveAlways })
    threads.set(thread.threadId, opened)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (threads.get(thread.threadId) === opened) threads.delete(thread.threadId)
      })
    )
    return opened.begin
  })
  return { open }
})
