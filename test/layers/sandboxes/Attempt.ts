/**
 * Runs programs in a sandbox of this machine, for tests.
 *
 * @module
 */
import { execFile, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Name } from "../../../src/layers/sandboxes/Adapters.ts"
import * as Platform from "../../../src/layers/sandboxes/Platform.ts"
import type { SandboxPolicy } from "../../../src/protocol/v2/thread/Settings.ts"
import { Sandbox } from "../../../src/services/sandbox/Sandbox.ts"

/** The folders of one test. Only `work` is writable in the sandbox. */
export interface Folders {
  readonly root: string
  readonly work: string
  readonly outside: string
}

/** Below the home folder, because `/tmp` may be writable in a sandbox. */
export const folders: Effect.Effect<Folders, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const below = join(homedir(), ".cache", "spindle-sandbox-tests")
    mkdirSync(below, { recursive: true })
    const root = realpathSync(mkdtempSync(join(below, "run-")))
    for (const name of ["work/.git/hooks", "outside"]) mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, "outside/file"), "kept")
    writeFileSync(join(root, "work/.git/config"), "kept")
    return { root, work: join(root, "work"), outside: join(root, "outside") }
  }),
  ({ root }) => Effect.sync(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))
)

export const workspaceWrite: Extract<SandboxPolicy, { type: "workspaceWrite" }> = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: true,
  excludeSlashTmp: true
}

export const readOnly: SandboxPolicy = { type: "readOnly", networkAccess: false }

/** How a confined program ended. */
export interface Ended {
  readonly status: number
  readonly output: string
}

const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: homedir(), LANG: "C.UTF-8" }

/** What runs in the sandbox. */
export interface Program {
  readonly policy?: SandboxPolicy
  readonly args: readonly [string, ...ReadonlyArray<string>]
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a program in the sandbox with this name, in the folder `work`. */
export const run = (name: Name, { work }: Folders, { args, env = {}, policy = workspaceWrite }: Program) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox
    const [executable, ...rest] = args
    const plain = { executable, args: rest, cwd: work, env: { ...environment, ...env } }
    const command = yield* sandbox.confine(plain, policy, work)
    yield* command.held ?? Effect.void
    return yield* Effect.callback<Ended>((resume) => {
      const options = { cwd: command.cwd, env: command.env, maxBuffer: 1024 * 1024 }
      const child = execFile(command.executable, [...command.args], options, (error, stdout, stderr) =>
        resume(Effect.succeed({ status: error === null ? 0 : Number(error.code ?? 128), output: stdout + stderr }))
      )
      return Effect.sync(() => void child.kill("SIGKILL"))
    })
  }).pipe(Effect.scoped, Effect.provide(Platform.layer({ environment: process.env, names: [name] })))

/** Runs a script of the shell. */
export const sh = (name: Name, at: Folders, script: string, more: Omit<Program, "args"> = {}) =>
  run(name, at, { ...more, args: ["/bin/sh", "-c", script] })

/** Whether a program is installed. */
export const has = (program: string): boolean =>
  spawnSync("/bin/sh", ["-c", `command -v "$0"`, program], { stdio: "ignore" }).status === 0

/** Why a sandbox cannot be tested here; undefined when it can. */
export const obstacle = (name: Name): Promise<string | undefined> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const { findings, used } = yield* (yield* Sandbox).report
      return used === name ? undefined : (findings[0]?.detail ?? "it does not work here")
    }).pipe(Effect.provide(Platform.layer({ environment: process.env, names: [name] })))
  )
