/**
 * A child process with a process group of its own, for a scope.
 *
 * Owns the child: the group is gone when the scope is closed. What left the group, and what a killed server leaves, is
 * the watchdog's. Node's own module is used rather than `effect/process`, for three things that were measured or read there: a command killed by a signal is only reported by the text of an error,
 * where its exit status is wanted; closing the scope of a command whose own children remain as zombies (any container
 * whose first process does not reap) takes a full second per command; and stdout and stderr are two streams, merged in
 * no certain order. Here one pipe carries both, in the order they were written.
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

/** The system did not start the command: no such directory, not executable, arguments too long. */
export class SpawnError extends Schema.TaggedError<SpawnError>()("SpawnError", {
  /** In the system's words, with its number. */
  reason: Schema.String
}) {
  override get message(): string {
    return `Failed to create unified exec process: ${this.reason}`
  }
}

export interface Process {
  /** The exit status; 128 and the number of the signal when one ended it. */
  readonly exit: Effect.Effect<number>
  /** The next piece of output, stdout and stderr alike; undefined at the end. One reader at a time. */
  readonly read: Effect.Effect<Uint8Array | undefined>
  /** What control-C in a terminal does. */
  readonly interrupt: Effect.Effect<void>
  /** Ends every process of the group, without asking. */
  readonly kill: Effect.Effect<void>
  /** Takes no more output, whoever still holds the pipe. */
  readonly closeOutput: Effect.Effect<void>
}

/**
 * How long a killed command is waited for. It matters for one that cannot be killed: it runs as another user, or is inside
 * a system call that does not end.
 */
const KillTimeout = "5 seconds"

/**
 * Registers the group, puts stderr on the pipe of stdout and becomes the command: the process id stays, and with it the
 * group. The command does not get the watchdog's descriptor.
 */
const wrapped = (registration: Registration): string => `${registration.enter}; exec "$0" "$@" 2>&1 3>&-`

/** Starts the command, with its own environment and nothing of the server's, and an empty standard input. */
export const spawn = (command: SandboxedCommand, marked: Marked): Effect.Effect<Process, SpawnError, Scope.Scope> =>
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

/** Kills the group and waits until the child is gone. */
const end = ({ child, exit, registration }: Started & { readonly registration: Registration }): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* signal(child, "SIGKILL")
    const gone = yield* Effect.timeoutOption(Deferred.await(exit), KillTimeout)
    yield* closeOutput(child)
    if (Option.isSome(gone)) return registration.ended()
    // It stays registered: its end must not hold up the server's.
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
      // Listens from the first moment: Node throws away what nobody listens for when the child exits.
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

/** What is in the pipe, piece by piece. Nothing is taken out of it while nobody asks. */
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

/** Also lets go of the pipe where a process that left the group still holds it: it would keep this one alive. */
const closeOutput = (child: Child): Effect.Effect<void> => Effect.sync(() => void child.stdout?.destroy())

/** To the whole group. The leader may be gone while others of the group live, or everybody may be. */
const signal = (child: Child, name: NodeJS.Signals): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // No such process: what was wanted.
    }
  })

const spawnError = (error: unknown): SpawnError => {
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined
  if (errno === undefined) return new SpawnError({ reason: "nul byte found in provided data" })
  const text = Util.getSystemErrorMessage(errno) ?? "unknown error"
  return new SpawnError({ reason: `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${-errno})` })
}
