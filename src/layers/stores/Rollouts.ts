/**
 * The store of the program: the rollout files of the home, which the release shares.
 *
 * The store and its settings are loaded with the first operation, not at start. The settings are a table of `config.toml`:
 *
 * ```toml
 * [spindle]
 * store = "files"   # or "memory": threads are lost with the process
 * fsync = "never"   # or "turn", "always"
 * retention_days = 90        # remove threads that have not changed for so long
 * retention_threads = 5000   # keep at most so many threads
 * retention_size_mb = 2048   # keep at most so many MiB of files
 * ```
 *
 * Without a limit, or with 0, threads are kept. The limits apply while a server runs (`RetentionService`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Config, type ConfigError } from "../../services/config/Config.ts"
import { ownSetting } from "../../services/config/OwnSettings.ts"
import { ThreadStore, type ThreadSummary } from "../../services/thread/ThreadStore.ts"
import * as Memory from "./Memory.ts"
import type { RetentionPolicy } from "./rollouts/RetentionPolicy.ts"
import type { FsyncPolicy } from "./rollouts/Store.ts"

type Store = ThreadStore["Service"]

const policies: ReadonlyArray<string> = ["never", "turn", "always"] satisfies ReadonlyArray<FsyncPolicy>

const isPolicy = (value: unknown): value is FsyncPolicy => typeof value === "string" && policies.includes(value)

type Settings = Readonly<Record<string, unknown>>

/** The limits on the stored threads. */
const limitsIn = (settings: Settings): RetentionPolicy => {
  const limit = (name: string): number | null => {
    const value = ownSetting(settings, name)
    return typeof value === "number" && value > 0 ? value : null
  }
  const size = limit("retention_size_mb")
  return {
    days: limit("retention_days"),
    threads: limit("retention_threads"),
    bytes: size === null ? null : size * 1024 * 1024
  }
}

/**
 * The limits on the stored threads, as configured. Fails for a configuration that cannot be read.
 *
 * @internal
 */
export const retention: Effect.Effect<RetentionPolicy, ConfigError, Config> = Effect.gen(function* () {
  const { effective } = yield* Config
  const { settings } = yield* effective({ cwd: null, overrides: {} })
  return limitsIn(settings)
})

/** A configuration that cannot be read has warned already; the defaults apply. */
const settings = Effect.gen(function* () {
  const { effective } = yield* Config
  const all: Settings = yield* Effect.orElseSucceed(
    Effect.map(effective({ cwd: null, overrides: {} }), ({ settings }) => settings),
    () => ({})
  )
  const fsync = ownSetting(all, "fsync")
  return {
    isMemory: ownSetting(all, "store") === "memory",
    fsync: isPolicy(fsync) ? fsync : "never",
    limits: limitsIn(all)
  } as const
})

const load = Effect.gen(function* () {
  const { home } = yield* Config
  const { fsync, isMemory, limits } = yield* settings
  if (isMemory) return yield* Memory.make
  const rollouts = yield* Effect.promise(() => import("./rollouts/Store.ts"))
  if (Object.values(limits).some((limit) => limit !== null)) {
    const service = yield* Effect.promise(() => import("./rollouts/RetentionService.ts"))
    yield* Effect.forkScoped(service.keep({ home, policy: limits }))
  }
  return yield* rollouts.make({ home, fsync })
})

const make = Effect.gen(function* () {
  const services = yield* Effect.context<Config>()
  const scope = yield* Effect.scope
  let loaded: Store | undefined
  const loading = yield* load.pipe(
    Effect.tap((store) => Effect.sync(() => (loaded = store))),
    Effect.provideContext(services),
    Effect.provideService(Scope.Scope, scope),
    Effect.uninterruptible,
    Effect.cached
  )
  /** The store, without a step once it is loaded. */
  const using = <A, E>(run: (store: Store) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => (loaded === undefined ? Effect.flatMap(loading, run) : run(loaded)))

  return ThreadStore.of({
    append: (...args) => using((store) => store.append(...args)),
    read: (...args) => using((store) => store.read(...args)),
    summary: (...args) => using((store) => store.summary(...args)),
    list: (...args) => using((store) => store.list(...args)),
    search: (...args) => using((store) => store.search(...args)),
    readTurns: (...args) => using((store) => store.readTurns?.(...args) ?? Effect.succeed(null)),
    readItems: (...args) => using((store) => store.readItems?.(...args) ?? Effect.succeed(null)),
    claim: (...args) => using((store) => store.claim?.(...args) ?? Effect.succeed(Effect.void)),
    fork: (...args) => using((store) => store.fork(...args)),
    delete: (...args) => using((store) => store.delete(...args)),
    volatile: Effect.map(Effect.provideContext(settings, services), ({ isMemory }) => isMemory),
    pathOf: (thread: ThreadSummary) => loaded?.pathOf?.(thread) ?? null,
    threadAt: (path) => using((store) => store.threadAt?.(path) ?? Effect.succeed(null)),
    sections: {
      load: using((store) => store.sections?.load ?? Effect.succeed([])),
      save: (sections) => using((store) => store.sections?.save(sections) ?? Effect.void)
    }
  })
})

/** The store that `[spindle] store` selects: rollout files by default. */
export const layer: Layer.Layer<ThreadStore, never, Config> = Layer.effect(ThreadStore, make)
