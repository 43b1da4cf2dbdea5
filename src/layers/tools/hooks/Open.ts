/**
 * Opens the configured hooks of one thread.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { SmallFiles } from "../../../services/config/SmallFiles.ts"
import type { HookThread } from "../../../services/hook/Hooks.ts"
import { credentialsOf, environmentOf } from "../shell/ShellEnvironment.ts"
import type { Watchdog } from "../shell/Watchdog.ts"
import { discover, mayRun } from "./Discovery.ts"
import * as Engine from "./Engine.ts"
import { runHook } from "./Run.ts"

/** What a thread's hooks need. */
interface Opening {
  readonly thread: HookThread
  readonly files: SmallFiles["Service"]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly watchdog: Effect.Effect<Watchdog>
  readonly now: Engine.Now
}

/** The hooks of the thread that may run. */
export const open = Effect.fnUntraced(function* ({ environment, files, now, thread, watchdog }: Opening) {
  const { config } = thread
  const { hooks, warnings } = yield* discover(files, config.hooks)
  for (const warning of warnings) yield* Effect.logWarning(warning)
  const running = hooks.filter(mayRun)
  const waiting = hooks.filter(({ enabled, trustStatus }) => enabled && !["managed", "trusted"].includes(trustStatus))
  if (waiting.length > 0) yield* Effect.logWarning(`${waiting.length} hooks need review before they can run`)
  if (running.length === 0) return {}
  const marked = yield* (yield* watchdog).thread
  const env = environmentOf({
    policy: config.shellEnvironmentPolicy,
    base: environment,
    credentials: credentialsOf(config.providers)
  })
  const run: Engine.RunCommand = ({ command, timeoutSec }, input, cwd) =>
    runHook({ command, timeoutSec, input, cwd, environment: env, marked })
  return Engine.make(running, run, now, yield* Effect.scope)
})
