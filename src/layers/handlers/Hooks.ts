/**
 * The configured hooks: `hooks/list`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { Config } from "../../services/config/Config.ts"
import { ServerInfo } from "../../services/config/ServerInfo.ts"
import { SmallFiles } from "../../services/config/SmallFiles.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { discover } from "../tools/hooks/Discovery.ts"

export const make: Effect.Effect<
  HandlersFor<"hooks/list">,
  never,
  Config | ServerInfo | SmallFiles | Threads
> = Effect.gen(function* () {
  const config = yield* Config
  const files = yield* SmallFiles
  const info = yield* ServerInfo
  const threads = yield* Threads

  /** The hooks of a folder. A configuration that cannot be used is an error of its entry. */
  const entryOf = Effect.fnUntraced(function* (cwd: string) {
    const effective = yield* Effect.result(config.effective({ cwd, overrides: {} }))
    if (effective._tag === "Failure") {
      const { file, message } = effective.failure
      return { cwd, hooks: [], warnings: [], errors: [{ path: file ?? config.userFile, message }] }
    }
    const { hooks, warnings } = yield* discover(files, effective.success.hooks)
    return { cwd, hooks, warnings, errors: [] }
  })

  const list: Handler<"hooks/list"> = Effect.fnUntraced(function* ({ cwds, threadId }) {
    if (threadId != null) {
      const thread = yield* threads.get(threadId)
      return { data: [yield* entryOf(thread.settings.cwd)] }
    }
    const folders = cwds === undefined || cwds.length === 0 ? [info.cwd] : cwds
    return { data: yield* Effect.forEach(folders, entryOf) }
  })

  return { "hooks/list": list }
})
