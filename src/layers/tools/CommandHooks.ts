/**
 * The hooks of the configuration: commands of the user, of a trusted project, or of the organisation.
 *
 * Owns how they are found for a thread, and the environment of their commands. What they decide is in `hooks/`, which is loaded
 * for the first thread with hooks.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { EffectiveConfig } from "../../services/config/Config.ts"
import { SmallFiles } from "../../services/config/SmallFiles.ts"
import { Hooks, type HookThread, type ThreadHooks } from "../../services/hook/Hooks.ts"

/** Whether the configuration turns hooks off. */
const isOff = ({ settings }: EffectiveConfig): boolean => {
  const features = settings["features"]
  if (typeof features !== "object" || features === null) return false
  const flag = (name: string): unknown => Object.getOwnPropertyDescriptor(features, name)?.value
  return (flag("hooks") ?? flag("codex_hooks")) === false
}

/** Whether there is any place with hooks. */
const hasAny = Effect.fnUntraced(function* (files: SmallFiles["Service"], { hooks }: EffectiveConfig) {
  if (hooks.sources.some(({ table }) => table !== undefined)) return true
  const found = yield* files.exist(hooks.sources.map(({ path }) => path))
  return found.includes(true)
})

/** Options of `make`. */
export interface Options {
  /** The server's environment; hooks get what `shell_environment_policy` leaves of it. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The port for the configured hooks. */
export const make = Effect.fnUntraced(function* ({
  environment
}: Options): Effect.fn.Return<Hooks["Service"], never, Scope.Scope | SmallFiles> {
  const files = yield* SmallFiles
  const clock = yield* Clock.Clock
  const serverScope = yield* Effect.scope
  const watchdog = yield* Effect.cached(
    Effect.promise(() => import("./shell/Watchdog.ts")).pipe(
      Effect.flatMap(({ make }) => Scope.provide(make, serverScope)),
      Effect.uninterruptible
    )
  )
  const none: ThreadHooks = {}
  return Hooks.of({
    open: Effect.fnUntraced(function* (thread: HookThread) {
      if (isOff(thread.config) || !(yield* hasAny(files, thread.config))) return none
      const { open } = yield* Effect.promise(() => import("./hooks/Open.ts"))
      return yield* open({ thread, files, environment, watchdog, now: () => clock.currentTimeMillisUnsafe() })
    })
  })
})
