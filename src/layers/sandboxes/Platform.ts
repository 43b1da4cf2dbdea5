/**
 * The sandbox of the machine: bubblewrap, else Landlock, else none.
 *
 * Owns when the sandboxes are tried: once, with the first command that needs one, so that the start takes no longer.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Config } from "../../services/config/Config.ts"
import { Sandbox, SandboxUnavailable } from "../../services/sandbox/Sandbox.ts"
import type { Found, Name } from "./Adapters.ts"
import { files } from "./Files.ts"

export { files, type FilesOptions } from "./Files.ts"
export type { Name } from "./Adapters.ts"

/** Options of the machine's sandbox. */
export interface Options {
  /** The environment of the server: `PATH` finds the programs, `TMPDIR` is a writable folder of commands. Default: empty. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Absolute paths that stay read-only in every writable folder, such as the server's home. Default: none. */
  readonly protect?: ReadonlyArray<string>
  /** The sandboxes that may be used, in order of preference. Default: `bubblewrap`, then `landlock`. */
  readonly names?: ReadonlyArray<Name> | Effect.Effect<ReadonlyArray<Name>>
}

const every: ReadonlyArray<Name> = ["bubblewrap", "landlock"]

/** The sandboxes that `sandbox` in the table `spindle` of the user's configuration permits. The project has no say in it. */
const permitted = Effect.fnUntraced(
  function* (config: Config["Service"]) {
    const { settings } = yield* config.effective({ cwd: null, overrides: {} })
    const own = settings["spindle"]
    const choice: unknown = typeof own === "object" && own !== null ? Reflect.get(own, "sandbox") : undefined
    return choice === undefined || choice === "auto" ? every : every.filter((name) => name === choice)
  },
  Effect.orElseSucceed(() => [])
)

const reasonOf = (findings: Found["findings"]): string =>
  findings.length === 0
    ? "the configuration permits none"
    : findings.map(({ detail, name }) => `${name}: ${detail}`).join("; ")

const noticeOf = ({ adapter, findings }: Found): Effect.Effect<void> => {
  const details = findings.map(({ detail, name, works }) => `${name} ${works ? "works" : "is not used"}: ${detail}`)
  return adapter === undefined
    ? Effect.logWarning(`no sandbox: commands that a policy would confine need approval. ${details.join("; ")}`)
    : Effect.logDebug(`commands are confined by ${adapter.name}. ${details.join("; ")}`)
}

/** The best sandbox that works on this machine. Where none does, `confine` fails with the reasons. */
export const layer = (options: Options = {}): Layer.Layer<Sandbox> =>
  Layer.effect(
    Sandbox,
    Effect.gen(function* () {
      const { environment = {}, names = every, protect = [] } = options
      const scope = yield* Effect.scope
      const found = yield* Effect.cached(
        Effect.promise(() => import("./Adapters.ts")).pipe(
          Effect.flatMap(({ find }) =>
            Effect.flatMap(Effect.isEffect(names) ? names : Effect.succeed(names), (names) =>
              find({ names, searchPath: environment["PATH"] })
            )
          ),
          Scope.provide(scope),
          Effect.tap(noticeOf),
          Effect.uninterruptible
        )
      )
      const filesOf = files({ protect, tmpdir: environment["TMPDIR"] })
      return Sandbox.of({
        files: filesOf,
        report: Effect.map(found, ({ adapter, findings }) => ({ used: adapter?.name ?? "none", findings })),
        confine: (command, policy, cwd) => {
          if (policy.type !== "readOnly" && policy.type !== "workspaceWrite") return Effect.succeed(command)
          const unavailable = (reason: string) => new SandboxUnavailable({ policy: policy.type, reason })
          return Effect.flatMap(Effect.all([found, filesOf(policy, cwd)]), ([{ adapter, findings }, access]) =>
            adapter === undefined
              ? Effect.fail(unavailable(reasonOf(findings)))
              : Effect.mapError(adapter.confine(command, access, policy.networkAccess), unavailable)
          )
        }
      })
    })
  )

/** As `layer`, with the sandboxes that the user's configuration permits. It is read with the first command that needs one. */
export const configured = (options: Omit<Options, "names">): Layer.Layer<Sandbox, never, Config> =>
  Layer.unwrap(Effect.map(Config, (config) => layer({ ...options, names: permitted(config) })))
