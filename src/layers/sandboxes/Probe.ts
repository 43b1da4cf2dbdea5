/**
 * Tries a sandbox: runs a script in it that attempts what the sandbox must prevent.
 *
 * Owns the script and its folder. The script uses only what is built into `sh`, so that it takes a few milliseconds.
 *
 * @module
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import type { AccessEntry } from "../../services/sandbox/FileAccess.ts"
import type { SandboxedCommand } from "../../services/sandbox/Sandbox.ts"

/** Time limit of a probe. */
const Timeout = 5000

/** Limit on the output of a probe, in bytes. */
const MaxOutput = 64 * 1024

/** What the script reports when it is confined. */
const Expected = [
  "written inside",
  "outside is kept",
  "protected is kept",
  "missing is kept",
  "filter 2",
  "capabilities 0"
]

const script = `
{ true > work/new; } 2>/dev/null && echo "written inside"
{ true > outside; } 2>/dev/null || echo "outside is kept"
{ true > work/.git/config; } 2>/dev/null || echo "protected is kept"
{ true > work/.codex; } 2>/dev/null || echo "missing is kept"
while read -r name value; do
  case $name in
    Seccomp:) echo "filter $value" ;;
    CapEff:) case $value in *[!0]*) echo "capabilities $value" ;; *) echo "capabilities 0" ;; esac ;;
  esac
done < /proc/self/status
`

/** For a sandbox in which processes see those of the machine. The argument is the server's process. */
const processScript = `
{ kill -0 "$1"; } 2>/dev/null || echo "signals are kept"
{ true < "/proc/$1/environ"; } 2>/dev/null || echo "environment is kept"
`
const ExpectedOfProcesses = ["environment is kept", "signals are kept"]

/** How the sandbox under test rewrites a command. */
export type Wrap = (command: SandboxedCommand, entries: ReadonlyArray<AccessEntry>) => SandboxedCommand

/** Options of a probe. */
export interface Options {
  /** Whether processes in the sandbox see those outside. */
  readonly seesProcesses: boolean
}

/** Undefined when the sandbox works, else why it does not. */
export const probe = (wrap: Wrap, options: Options): Effect.Effect<string | undefined> =>
  Effect.acquireUseRelease(
    Effect.promise(prepare),
    (root) => Effect.promise((signal) => attempt(root, wrap, options, signal).catch(textOf)),
    (root) => Effect.promise(() => Fs.promises.rm(root, { recursive: true, force: true }))
  )

const prepare = async (): Promise<string> => {
  const root = await Fs.promises.realpath(await Fs.promises.mkdtemp(Path.join(Os.tmpdir(), "spindle-probe-")))
  await Fs.promises.mkdir(Path.join(root, "work/.git"), { recursive: true })
  await Fs.promises.writeFile(Path.join(root, "outside"), "")
  return root
}

const attempt = async (root: string, wrap: Wrap, { seesProcesses }: Options, signal: AbortSignal) => {
  const work = Path.join(root, "work")
  const entries: ReadonlyArray<AccessEntry> = [
    { path: work, access: "write", kind: "folder" },
    { path: Path.join(work, ".codex"), access: "read", kind: "missing" },
    { path: Path.join(work, ".git"), access: "read", kind: "folder" }
  ]
  const args = ["-c", seesProcesses ? `${script}${processScript}` : script, "sh", String(process.pid)]
  const command = wrap({ executable: "/bin/sh", args, cwd: root, env: { PATH: "/usr/bin:/bin" } }, entries)
  const expected = seesProcesses ? [...Expected, ...ExpectedOfProcesses] : Expected
  const { errors, output } = await run(command, signal)
  const missing = expected.filter((line) => !output.includes(line))
  if (missing.length === 0) return undefined
  const reason = errors.trim().split("\n").at(-1) ?? ""
  return output.length === 0 && reason !== "" ? reason : `it does not enforce: ${missing.join(", ")}`
}

const run = (command: SandboxedCommand, signal: AbortSignal) =>
  new Promise<{ readonly output: ReadonlyArray<string>; readonly errors: string }>((resolve) => {
    const { cwd, env } = command
    const options = { cwd, env, signal, timeout: Timeout, killSignal: "SIGKILL", maxBuffer: MaxOutput } as const
    ChildProcess.execFile(command.executable, [...command.args], options, (error, stdout, stderr) =>
      resolve({ output: stdout.split("\n").slice(0, -1), errors: stderr === "" ? (error?.message ?? "") : stderr })
    )
  })

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
