/**
 * A child process with its own session and process group, within a scope.
 *
 * Owns the child: its group, and for a terminal its session, is killed when the scope closes. The watchdog kills processes
 * that left them or outlive a killed server. Node's module is used instead of `effect/process`, for three measured or verified
 * reasons: there, a command killed by a signal is only reported by an error's text, without its exit status; closing the scope
 * of a command whose children remain as zombies (any container whose first process does not reap) takes a full second per
 * command; and stdout and stderr are two streams, merged in no fixed order. Here one pipe carries both in order.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Os from "node:os"
import * as Util from "node:util"
import type { SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
import { type CLibrary, cLibrary } from "./CLibrary.ts"
import { type CommandStreams, ofTerminal, prepare, type PreparedStreams } from "./CommandStreams.ts"
import type { Input, Read, Stdio } from "./Streams.ts"
import type { TerminalSize } from "../../../services/tool/HostProcesses.ts"
import type { Terminal, TerminalUnavailable } from "./Terminal.ts"
import type { Marked, Registration } from "./Watchdog.ts"

/** The system could not start the command: no such directory, not executable, arguments too long. */
export class SpawnError extends Schema.TaggedError<SpawnError>()("SpawnError", {
  /** The system's text and error number. */
  reason: Schema.String
}) {
  override get message(): string {
    return `Failed to create unified exec process: ${this.reason}`
  }
}

export type { Stdio }

export interface Process {
  /** The exit status; 128 and the number of the signal when one ended it. */
  readonly exit: Effect.Effect<number>
  /** The output, with that to stderr unless it is separate. */
  readonly read: Read
  /** The output to stderr, if it is separate. */
  readonly readErrors: Read
  readonly input: Input
  /** Changes the size of the terminal, if there is one. */
  readonly resize: (size: TerminalSize) => Effect.Effect<void>
  /** Sends SIGINT, like control-C in a terminal. */
  readonly interrupt: Effect.Effect<void>
  /** Kills every process of the group, and of the session of a terminal. */
  readonly kill: Effect.Effect<void>
  /** Stops reading output, even if a process still holds the pipe. */
  readonly closeOutput: Effect.Effect<void>
}

/**
 * How long the end of a killed command is awaited. Some commands cannot be killed: those that run as another user, or inside
 * a system call that does not end.
 */
const KillTimeout = "5 seconds"

/**
 * Registers the group, connects the outputs and becomes the command: the process id, and with it the group, stays. The command
 * does not get the watchdog's descriptor. A terminal becomes that of the session when its leader opens it.
 */
const wrapped = (registration: Registration, stdio: Stdio, terminal: Terminal | undefined): string => {
  const streams = terminal === undefined ? (stdio.type === "merged" ? "2>&1" : "") : `0<>${terminal.path} 1>&0 2>&0`
  return `${registration.enter}; exec "$0" "$@" ${streams} 3>&-`
}

type Child = ChildProcess.ChildProcess

interface Started {
  readonly child: Child
  readonly exit: Deferred.Deferred<number>
  readonly terminal: Terminal | undefined
  readonly streams: CommandStreams
}

interface Registered extends Started {
  readonly registration: Registration
}

/** Starts the command with only the given environment. */
export const spawn = (
  command: SandboxedCommand,
  marked: Marked,
  stdio: Stdio = { type: "merged" }
): Effect.Effect<Process, SpawnError | TerminalUnavailable, Scope.Scope> =>
  Effect.map(
    Effect.andThen(command.held ?? Effect.void, Effect.acquireRelease(register(command, marked, stdio), end)),
    (started) => ({
      exit: Deferred.await(started.exit),
      ...started.streams,
      resize: (size) => started.terminal?.resize(size) ?? Effect.void,
      interrupt: signal(started.child, "SIGINT"),
      kill: kill(started),
      closeOutput: closeOutput(started)
    })
  )

const register = Effect.fnUntraced(function* (
  command: SandboxedCommand,
  marked: Marked,
  stdio: Stdio
): Effect.fn.Return<Registered, SpawnError | TerminalUnavailable> {
  const terminal = stdio.type === "terminal" ? yield* openTerminal(stdio.size) : undefined
  const library = terminal === undefined ? yield* Effect.option(cLibrary) : Option.none()
  const registration = marked.register()
  const env = { ...command.env, ...marked.environment }
  const started = yield* Effect.onError(
    start({ ...command, env }, registration, stdio, { terminal, library: Option.getOrUndefined(library) }),
    () => Effect.sync(registration.ended)
  )
  return { ...started, registration }
})

const openTerminal = (size: TerminalSize): Effect.Effect<Terminal, TerminalUnavailable> =>
  Effect.flatMap(
    Effect.promise(() => import("./Terminal.ts")),
    ({ open }) => open(size)
  )

/** Kills the processes and waits until the child has exited. */
const end = (started: Registered): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { child, exit, registration } = started
    yield* kill(started)
    const gone = yield* Effect.timeoutOption(Deferred.await(exit), KillTimeout)
    yield* closeOutput(started)
    if (Option.isSome(gone)) return registration.ended()
    // It stays registered with the watchdog, so that its end does not delay the server's.
    child.unref()
    yield* Effect.logWarning(`a command could not be killed and still runs: process ${child.pid}`)
  })

const start = (
  command: SandboxedCommand,
  registration: Registration,
  stdio: Stdio,
  { library, terminal }: { readonly library: CLibrary | undefined; readonly terminal: Terminal | undefined }
): Effect.Effect<Started, SpawnError> =>
  Effect.callback((resume) => {
    let streams: PreparedStreams | undefined
    let connected: CommandStreams | undefined
    const fail = (error: unknown): void => {
      if (connected === undefined) streams?.closeOuter()
      else connected.close()
      resume(Effect.fail(spawnError(error)))
    }
    try {
      streams = terminal === undefined ? prepare(stdio, library) : ofTerminal(terminal)
      const script = wrapped(registration, stdio, terminal)
      const child = ChildProcess.spawn("/bin/sh", ["-c", script, command.executable, ...command.args], {
        cwd: command.cwd,
        env: command.env,
        stdio: [...streams.inner, registration.descriptor],
        detached: true,
        windowsHide: true
      })
      if (child.pid !== undefined) registration.started(child.pid)
      const exit = Deferred.makeUnsafe<number>()
      // Reads from the start, because Node discards unread output when the child exits.
      const own = streams.connect(child)
      connected = own
      child.once("error", fail)
      child.once("exit", (code, name) => {
        Deferred.doneUnsafe(exit, Effect.succeed(code ?? 128 + (name === null ? 0 : Os.constants.signals[name])))
      })
      child.once("spawn", () => resume(Effect.succeed({ child, exit, terminal, streams: own })))
    } catch (error) {
      fail(error)
    } finally {
      // The child has them. While the server has them too, the end of the output is not seen.
      streams?.closeInner()
    }
  })

const kill = ({ child, terminal }: Started): Effect.Effect<void> => {
  const group = signal(child, "SIGKILL")
  if (terminal === undefined || child.pid === undefined) return group
  const { pid } = child
  const session = Effect.flatMap(
    Effect.promise(() => import("./ProcessSession.ts")),
    ({ killSession }) => killSession(pid)
  )
  return Effect.andThen(group, session)
}

/** Also closes the pipe when a process outside of the group holds it, because it would keep this process alive. */
const closeOutput = ({ streams }: Started): Effect.Effect<void> => Effect.sync(streams.close)

/** Signals the whole group. The leader, or every process, may already have exited. */
const signal = (child: Child, name: NodeJS.Signals): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // No such process, which is the desired state.
    }
  })

const spawnError = (error: unknown): SpawnError => {
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined
  if (errno === undefined) return new SpawnError({ reason: "nul byte found in provided data" })
  const text = Util.getSystemErrorMessage(errno) ?? "unknown error"
  return new SpawnError({ reason: `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${-errno})` })
}
