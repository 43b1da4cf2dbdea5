/**
 * Commands that a user runs by hand in a thread: `thread/shellCommand`.
 *
 * The command needs no approval and runs without a sandbox, because the user requested it. The request is refused when the
 * requirements do not permit full access.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { Config } from "../../services/config/Config.ts"
import { PermittedSettings } from "../../services/config/Permitted.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import { Threads } from "../../services/thread/Threads.ts"

/** Default time limit: one hour. */
const DefaultTimeoutMs = 3_600_000

export const make: Effect.Effect<HandlersFor<"thread/shellCommand">, never, Config | Threads> = Effect.gen(
  function* () {
    const config = yield* Config
    const threads = yield* Threads

    const shellCommand: Handler<"thread/shellCommand"> = Effect.fnUntraced(function* (params) {
      const command = params.command.trim()
      if (command === "") return yield* invalidRequest("command must not be empty")
      const timeoutMs = params.timeoutMs ?? DefaultTimeoutMs
      if (timeoutMs < 0) {
        const message = `thread/shellCommand timeoutMs must be non-negative, got ${timeoutMs}`
        return yield* new RequestError({ code: ErrorCode.InvalidParams, message })
      }
      const thread = yield* threads.get(params.threadId)
      const { violations } = PermittedSettings.settle(yield* config.bounds, {
        ...thread.settings,
        sandboxPolicy: { type: "dangerFullAccess" },
        activePermissionProfile: null
      })
      const violation = violations.find(({ field }) => field === "sandboxPolicy")
      if (violation !== undefined) return yield* invalidRequest(violation.refusal)
      const accepted = yield* thread.acceptCommand({ command, timeoutMs })
      return Reply.withCommit({}, thread.beginCommand(accepted))
    })

    return { "thread/shellCommand": shellCommand }
  }
)
