/**
 * A message channel to a child process: one message per line on its standard input and output.
 *
 * Owns the child: it is started without a shell, and its stderr is always drained. When the scope closes, its input ends;
 * then its process group gets a signal; then it is killed.
 *
 * @module
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import type * as Pull from "effect/Pull"
import * as ChildProcess from "effect/process/ChildProcess"
import { type ChildProcessHandle, ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LineSplitter } from "../../../protocol/jsonrpc/Lines.ts"
import {
  bounded,
  ConnectError,
  ConnectionLost,
  connectFailed,
  type MessageChannel
} from "../../../services/client/MessageChannel.ts"

export interface Target {
  readonly label: string
  readonly command: readonly [program: string, ...args: ReadonlyArray<string>]
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly extendEnv: boolean
  readonly exitGrace: Duration.Input
  readonly stderr: (line: string) => Effect.Effect<void>
}

/** Size limit of one message in bytes. */
const MaxLineBytes = 128 * 1024 * 1024

/** Maximum number of characters of a stderr line that is reported. */
const MaxStderrLine = 16 * 1024

/** Maximum number of messages that wait while the child does not read its input. */
const WriteCapacity = 256

/** Time between the signal and the kill. */
const KillGrace = "1 second"

const lost = (tag: ConnectionLost["reason"]["_tag"], detail: string) =>
  new ConnectionLost({ reason: { _tag: tag }, detail: bounded(detail) })

/** Pulls complete lines. Fails with `overlong` when a line is too long, and with `Done` at the end. */
const linesOf = (pull: Pull.Pull<NonEmptyReadonlyArray<Uint8Array>, PlatformError>, maxBytes: number) => {
  const lines = new LineSplitter(maxBytes)
  const utf8 = new TextDecoder()
  const next: Effect.Effect<NonEmptyReadonlyArray<string>, PlatformError | Cause.Done | "overlong"> = Effect.flatMap(
    pull,
    (chunks) => {
      const complete: Array<string> = []
      for (const chunk of chunks) {
        for (const line of lines.push(chunk)) {
          if ("overlong" in line) return Effect.fail("overlong" as const)
          const text = utf8.decode(line)
          if (text.trim() !== "") complete.push(text)
        }
        if (lines.isOverlong) return Effect.fail("overlong" as const)
      }
      const [first, ...rest] = complete
      return first === undefined ? next : Effect.succeed([first, ...rest] as const)
    }
  )
  return next
}

/** Why the child's output ended. */
const endOf = (child: ChildProcessHandle, grace: Duration.Input): Effect.Effect<ConnectionLost> =>
  Effect.map(Effect.timeoutOption(Effect.result(child.exitCode), grace), (exit) => {
    const code = Option.isSome(exit) && exit.value._tag === "Success" ? ` (exit code ${exit.value.success})` : ""
    return lost("EndOfStream", `closed the connection${code}`)
  })

/** Reads stderr to its end: a child would block on a full pipe. */
const drain = (child: ChildProcessHandle, report: Target["stderr"]) =>
  child.stderr.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => report(line.slice(0, MaxStderrLine))),
    Effect.ignore
  )

const spawn = Effect.fnUntraced(function* (target: Target) {
  const spawner = yield* ChildProcessSpawner
  const [program, ...args]: ReadonlyArray<string> = target.command
  if (program === undefined || program === "") {
    return yield* new ConnectError({ reason: { _tag: "InvalidOptions" }, message: "the command has no program" })
  }
  const command = ChildProcess.make(program, args, {
    cwd: target.cwd,
    env: target.env,
    extendEnv: target.extendEnv,
    killSignal: "SIGTERM",
    forceKillAfter: KillGrace
  })
  return yield* Effect.mapError(spawner.spawn(command), (error) =>
    connectFailed(target.label, "InvalidOptions", error.message)
  )
})

export const open = Effect.fnUntraced(function* (
  target: Target
): Effect.fn.Return<MessageChannel, ConnectError, ChildProcessSpawner | Scope.Scope> {
  const child = yield* spawn(target)
  const stderr = yield* Effect.forkScoped(drain(child, target.stderr))
  const written = yield* Queue.bounded<string, Cause.Done>(WriteCapacity)
  const input = Stream.fromPull(
    Effect.succeed(Effect.map(Queue.takeAll(written), (lines) => [Buffer.from(lines.join(""))] as const))
  )
  yield* Effect.forkScoped(Effect.ensuring(Stream.run(input, child.stdin), Queue.shutdown(written)))
  const output = yield* Stream.toPull(child.stdout)

  // A server exits when its input ends. Until then its output is read, because it would block otherwise. The rest of its
  // stderr is reported too, unless a process that it left behind keeps the pipe open.
  const exited = Effect.raceFirst(
    Effect.exit(child.exitCode),
    Effect.andThen(Effect.ignore(Effect.forever(output)), Effect.never)
  )
  yield* Effect.addFinalizer(() =>
    Queue.end(written).pipe(
      Effect.andThen(Effect.timeoutOption(exited, target.exitGrace)),
      Effect.andThen((exit) =>
        Option.isNone(exit) ? Effect.void : Effect.timeoutOption(Fiber.await(stderr), KillGrace)
      ),
      // Finalizers are not interruptible, but a wait with a deadline must be.
      Effect.interruptible
    )
  )

  const lines = linesOf(output, MaxLineBytes)
  const pull: MessageChannel["pull"] = Effect.catch(lines, (error) => {
    if (error === "overlong")
      return Effect.fail(lost("ProtocolViolation", `sent a line longer than ${MaxLineBytes} bytes`))
    return Cause.isDone(error)
      ? Effect.flatMap(endOf(child, KillGrace), Effect.fail)
      : Effect.fail(lost("ProtocolViolation", `transport failed: ${error.message}`))
  })
  const write = (line: string) =>
    Effect.flatMap(Queue.offer(written, line), (taken) =>
      taken ? Effect.void : Effect.fail(lost("WriteFailed", "write failed: the input of the process is closed"))
    )
  return {
    pull,
    write: (text) => {
      const line = `${text}\n`
      return Queue.offerUnsafe(written, line) ? undefined : write(line)
    }
  }
})
