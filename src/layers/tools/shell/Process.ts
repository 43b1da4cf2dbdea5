/**
 * A child process with its own process group, within a scope.
 *
 * Owns the child: its group is killed when the scope closes. The watchdog kills processes that left the group or outlive a killed server. Node's module is used instead of `effect/process`, for
 * three measured or verified reasons: there, a command killed by a signal is only reported by an error's text, without its exit status; closing the scope of a command whose children remain as
 * zombies (any container whose first process does not reap) takes a full second per command; and stdout and stderr are two streams, merged in no fixed order. Here one pipe carries both in order.
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
import type { Readable } from "node:stream"
import * as Util from "node:util"
import type { SandboxedCommand } from "../../../services/sandbox/Sandbox.ts"
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

export interface Process {
  /** The exit status; 128 and the number of the signal when one ended it. */
  readonly exit: Effect.Effect<number>
  /** The next piece of output, from stdout or stderr; undefined at the end. One reader at a time. */
  readonly read: Effect.Effect<Uint8Array | undefined>
  /** Sends SIGINT, like control-C in a terminal. */
  readonly interrupt: Effect.Effect<void>
  /** Kills every process of the group. */
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
 * Registers the group, redirects stderr to the pipe of stdout and becomes the command: the process id, and with it the
 * group, stays. The command does not get the watchdog's descriptor.
 */
const wrapped = (registration: Registration): string => `${registration.enter}; exec "$0" "$@" 2>&1 3>&-`

/** Starts the command with only the given environment and an empty standard input. */
export const spawn = (command: SandboxedCommand, marked: Marked): Effect.Effect<Process, SpawnError, Scope.Scope> =>
  Effect.andThen(command.held ?? Effect.void, spawned(command, marked))

const spawned = (command: SandboxedCommand, marked: Marked): Effect.Effect<Process, SpawnError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const registration = marked.register()
        const env = { ...command.env, ...marked.environment }
        return start({ ...command, env }, registration).pipe(
          Effect.map((started) => ({ ...started, registration })),
          Effect.onError(() => Effect.sync(registration.ended))
        )
      }),
      end
    ),
    ({ child, exit, read }) => ({
      exit: Deferred.await(exit),
      read,
      interrupt: signal(child, "SIGINT"),
      kill: signal(child, "SIGKILL"),
      closeOutput: closeOutput(child)
    })
  )

type Child = ChildProcess.ChildProcess

interface Started {
  readonly child: Child
  readonly exit: Deferred.Deferred<number>
  readonly read: Process["read"]
}

/** Kills the group and waits until the child has exited. */
const end = ({ child, exit, registration }: Started & { readonly registration: Registration }): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* signal(child, "SIGKILL")
    const gone = yield* Effect.timeoutOption(Deferred.await(exit), KillTimeout)
    yield* closeOutput(child)
    if (Option.isSome(gone)) return registration.ended()
    // It stays registered with the watchdog, so that its end does not delay the server's.
    child.unref()
    yield* Effect.logWarning(`a command could not be killed and still runs: process ${child.pid}`)
  })

const start = (command: SandboxedCommand, registration: Registration): Effect.Effect<Started, SpawnError> =>
  Effect.callback((resume) => {
    try {
      const child = ChildProcess.spawn("/bin/sh", ["-c", wrapped(registration), command.executable, ...command.args], {
        cwd: command.cwd,
        env: command.env,
        stdio: ["ignore", "pipe", "ignore", registration.descriptor],
        detached: true,
        windowsHide: true
      })
      if (child.pid !== undefined) registration.started(child.pid)
      const exit = Deferred.makeUnsafe<number>()
      // Reads from the start, because Node discards unread output when the child exits.
      const read = child.stdout === null ? Effect.undefined : chunksOf(child.stdout)
      child.once("error", (error) => resume(Effect.fail(spawnError(error))))
      child.once("exit", (code, name) => {
        Deferred.doneUnsafe(exit, Effect.succeed(code ?? 128 + (name === null ? 0 : Os.constants.signals[name])))
      })
      child.once("spawn", () => resume(Effect.succeed({ child, exit, read })))
    } catch (error) {
      resume(Effect.fail(spawnError(error)))
    }
  })

/** Reads the pipe in pieces, on demand only. */
const chunksOf = (stream: Readable): Process["read"] => {
  let deliver: (() => void) | undefined
  let ended = false
  const end = (): void => {
    ended = true
    deliver?.()
  }
  stream.on("readable", () => deliver?.())
  // A failed read is the end of the output.
  stream.on("end", end).on("close", end).on("error", end)
  return Effect.callback((resume) => {
    deliver = () => {
      // A stream of bytes without an encoding gives buffers.
      const chunk = stream.read() as Buffer | null
      if (chunk === null && !ended) return
      deliver = undefined
      resume(Effect.succeed(chunk ?? undefined))
    }
    deliver()
    return Effect.sync(() => {
      deliver = undefined
    })
  })
}

/** Also closes the pipe when a process outside of the group holds it, because it would keep this process alive. */
const closeOutput = (child: Child): Effect.Effect<void> => Effect.sync(() => void child.stdout?.destroy())

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
