/**
 * Starts processes for clients (`HostProcesses`).
 *
 * A program that cannot be started is reported before the start where that is possible, because the process is started
 * through a shell, which would report it as output.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Sandbox, SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
import {
  type HostCommand,
  type HostLauncher,
  type HostProcess,
  HostProcessError
} from "../../../services/tool/HostProcesses.ts"
import * as Process from "./Process.ts"
import * as ShellEnvironment from "./ShellEnvironment.ts"
import type { Marked } from "./Watchdog.ts"

/** The folders that a shell searches without a `PATH`. */
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const NotFound = "No such file or directory (os error 2)"
const Denied = "Permission denied (os error 13)"

const fail = (reason: string) => Effect.fail(new HostProcessError({ reason }))

/** Undefined when the file can be executed, else the system's reason. */
const problemOf = (file: string): string | undefined => {
  try {
    if (!Fs.statSync(file).isFile()) return Denied
    Fs.accessSync(file, Fs.constants.X_OK)
    return undefined
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EACCES" ? Denied : NotFound
  }
}

/** The program as it is started: as given, except for a name that a shell would read as an option. */
const programOf = (name: string, cwd: string, path: string): Effect.Effect<string, HostProcessError> => {
  if (name === "") return fail("missing program for pipe spawn")
  if (name.includes("\0")) return fail("nul byte found in provided data")
  if (name.includes("/")) {
    const problem = problemOf(Path.resolve(cwd, name))
    return problem === undefined ? Effect.succeed(name.startsWith("-") ? `./${name}` : name) : fail(problem)
  }
  let problem = NotFound
  for (const folder of path.split(":")) {
    const file = Path.resolve(cwd, folder, name)
    const found = problemOf(file)
    if (found === undefined) return Effect.succeed(name.startsWith("-") ? file : name)
    if (found === Denied) problem = Denied
  }
  return fail(problem)
}

const environmentOf = (command: HostCommand, base: ShellEnvironment.Environment): Readonly<Record<string, string>> => {
  const { providers, shellEnvironmentPolicy: policy } = command.config
  const inherited = ShellEnvironment.environmentOf({
    policy,
    base,
    credentials: ShellEnvironment.credentialsOf(providers)
  })
  const named: Record<string, string | null> = { ...inherited, ...command.environment }
  if (command.terminal !== null && !Object.hasOwn(command.environment, "TERM")) {
    named["TERM"] = ShellEnvironment.terminalName(inherited)
  }
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, value]): Array<[string, string]> => (value === null ? [] : [[name, value]]))
  )
}

/** Whether the folder exists: the start reports one that does not. */
const isFolder = (path: string): boolean => {
  try {
    return Fs.statSync(path).isDirectory()
  } catch {
    return false
  }
}

const toHostProcess = (process: Process.Process): HostProcess => ({
  exit: process.exit,
  stdout: process.read,
  stderr: process.readErrors,
  write: (bytes) => Effect.ignore(process.input.write(bytes)),
  endInput: Effect.ignore(process.input.end),
  resize: process.resize,
  kill: process.kill,
  closeOutput: process.closeOutput
})

const prepared = Effect.fnUntraced(function* (
  command: HostCommand,
  base: ShellEnvironment.Environment
): Effect.fn.Return<SandboxedCommand, HostProcessError> {
  const env = environmentOf(command, base)
  const [name = "", ...args] = command.command
  const { cwd } = command
  const executable = isFolder(cwd) ? yield* programOf(name, cwd, env["PATH"] ?? DefaultPath) : name
  return { executable, args, cwd, env, ...(command.terminal === null ? {} : { terminal: true }) }
})

/** Starts processes with this base environment, in this sandbox. */
export const launcher =
  (
    sandbox: Sandbox["Service"],
    base: ShellEnvironment.Environment,
    marked: Effect.Effect<Marked, never, Scope.Scope>
  ): HostLauncher =>
  (command) =>
    Effect.gen(function* () {
      const plain = yield* prepared(command, base)
      const confined = yield* sandbox.confine(plain, command.policy, command.cwd)
      const stdio: Process.Stdio =
        command.terminal === null
          ? { type: "separate", input: command.input }
          : { type: "terminal", size: command.terminal }
      return toHostProcess(yield* Process.spawn(confined, yield* marked, stdio))
    }).pipe(
      Effect.catchTags({
        SandboxUnavailable: ({ message }) => fail(message),
        SpawnError: ({ reason }) => fail(reason),
        TerminalUnavailable: ({ message }) => fail(message)
      })
    )
