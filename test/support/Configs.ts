/**
 * Configurations from files in memory, and helpers for tests.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Config from "../../src/services/config/Config.ts"
import * as MemoryFiles from "./MemoryFiles.ts"

export const home = "/home/ada/.spindle"
export const userFile = `${home}/config.toml`
export const project = "/srv/project"
export const user = { type: "user", file: userFile, profile: null } as const
export const system = { type: "system", file: "/etc/codex/config.toml" } as const
export const emptyVersion = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

export const trust = (level: string, folder = project) => `[projects."${folder}"]\ntrust_level = "${level}"\n`

export type Use<A, E> = (config: Config.Config["Service"]) => Effect.Effect<A, E>

/** Runs `use` with a server's configuration from files that may change. */
export const overFiles = <A, E>(
  files: MemoryFiles.MemoryFiles,
  use: Use<A, E>,
  options: Partial<Config.ConfigOptions> = {}
): Effect.Effect<A, E | Config.ConfigError> =>
  Config.Config.use(use).pipe(
    Effect.provide(Config.layer({ home, cwd: project, environment: { HOME: "/home/ada" }, ...options })),
    Effect.provide(files.layer)
  )

/** Runs `use` with a server's configuration from these files. */
export const over = <A, E>(
  files: Readonly<Record<string, string>>,
  use: Use<A, E>,
  options: Partial<Config.ConfigOptions> = {}
) => overFiles(MemoryFiles.make(files), use, options)

export const effective =
  (cwd: string | null = null, overrides: Readonly<Record<string, unknown>> = {}) =>
  (config: Config.Config["Service"]) =>
    config.effective({ cwd, overrides })

/** The parts of an effective configuration that define where and under which policies commands run. */
export const rules = ({ activePermissionProfile, approvalPolicy, sandboxPolicy }: Config.EffectiveConfig) => ({
  activePermissionProfile,
  approvalPolicy,
  sandbox: sandboxPolicy.type
})

export const failure = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.result(effect), (result) => (Result.isFailure(result) ? result.failure : undefined))

export const workspace = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false
} as const
