/**
 * Executes the command line, and maps the program's end to an exit code.
 *
 * The plain service starts without the command-line parser, which costs more than the rest of the start. All other command
 * lines use the parser.
 *
 * @module
 */
import process from "node:process"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Teardown } from "effect/Runtime"
import type { EarlyAnswer } from "./EarlyAnswer.ts"
import { isPlainService } from "./PlainService.ts"
import * as ServeStdio from "./ServeStdio.ts"
import * as Stderr from "./console/Stderr.ts"

/** A signal ends a service normally, so it is not a failure. A run that was interrupted sets `process.exitCode`. */
const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return typeof exit.value === "number" ? exit.value : 0
  if (!Cause.hasInterruptsOnly(exit.cause)) return 1
  return typeof process.exitCode === "number" ? process.exitCode : 0
}

const teardown: Teardown = (exit, onExit) => Stderr.finish(codeOf(exit), onExit)

const program = (args: ReadonlyArray<string>, early: EarlyAnswer | undefined): Effect.Effect<number> =>
  isPlainService(args, process.stdin.isTTY)
    ? ServeStdio.run({ cliOverrides: [] }, early)
    : Effect.flatMap(
        Effect.promise(() => import("./commands/Commands.ts")),
        (commands) => commands.run(args)
      )

/**
 * Closing a terminal ends the program like SIGTERM: by default its commands would keep running. A server that listens on
 * sockets handles the signal itself (Signals).
 */
const onHangUp = (): void => {
  if (process.listenerCount("SIGHUP") === 1) process.kill(process.pid, "SIGTERM")
}

export const main = (args: ReadonlyArray<string>, early: EarlyAnswer | undefined): void => {
  process.on("SIGHUP", onHangUp)
  NodeRuntime.runMain(program(args, early), { teardown, disableErrorReporting: true })
}
