/**
 * Commands that a user runs by hand (`thread/shellCommand`): a separate turn, or part of the running turn.
 *
 * Owns what the model reads of such a command, and when. A separate turn records it at the end of the command. A command
 * that joined a turn is recorded before the next model request of that turn, or at its end if the turn ended first.
 * Interrupting a turn ends the commands that joined it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { UserCommand, UserCommandResult } from "../../tool/ShellSessions.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { supervised } from "./Supervised.ts"
import { toolTurn } from "./ToolCalls.ts"
import { noOpening, TaskFailed, type TurnTask } from "./TurnTask.ts"

/** The release's text for a thread without an environment. */
export const noShell = "shell is unavailable in this session"

/** Whether the thread has an environment for commands. */
export const hasShell = (context: ThreadContext): boolean => context.state.settings.environments?.length !== 0

const entryOf = (command: string, { durationMs, exitCode, output }: UserCommandResult): ResponseItem => {
  const duration = (durationMs / 1000).toFixed(4)
  const result = `<result>\nExit code: ${exitCode}\nDuration: ${duration} seconds\nOutput:\n${output}\n</result>`
  const text = `<user_shell_command>\n<command>\n${command}\n</command>\n${result}\n</user_shell_command>`
  return { type: "message", role: "user", content: [{ type: "input_text", text }] }
}

/** Runs the command to its end. Interrupting it ends the command; the result is still recorded. */
const run = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  command: Omit<UserCommand, "itemId">,
  record: (entry: ResponseItem) => Effect.Effect<void>
) {
  const itemId = yield* context.services.random.uuidV7()
  const gate = { open: true, stopping: false }
  // Once only: the gate closes with the result, so that nothing is published after it.
  const recorded = (result: UserCommandResult) =>
    Effect.suspend(() => {
      if (!gate.open) return Effect.void
      gate.open = false
      return record(entryOf(command.command, result))
    })
  const started = context.shell.startUserCommand({ ...command, itemId }, toolTurn(context, turn, itemId, gate))
  const course = Effect.flatMap(started, ({ abort, result }) => {
    const done = Effect.flatMap(result, recorded)
    return Effect.onInterrupt(done, () => Effect.andThen(abort, done))
  })
  yield* supervised(course, {
    name: "a command of the user",
    scope: context.scope,
    onAbandoned: () => void (gate.open = false)
  })
})

/** The task of a command that runs in a separate turn. */
export const shellTask = (command: Omit<UserCommand, "itemId">): TurnTask => ({
  kind: "shell",
  steerable: true,
  message: null,
  opening: noOpening,
  run: ({ context, turn }) =>
    hasShell(context)
      ? run(context, turn, command, (entry) => context.commit([context.entry(entry)]))
      : new TaskFailed({ message: noShell })
})

/** Runs the command as part of a turn. Its fiber may outlive the turn and ends with the thread. */
export const joinTurn = Effect.fnUntraced(function* (
  context: ThreadContext,
  turn: ActiveTurn,
  command: Omit<UserCommand, "itemId">
): Effect.fn.Return<void> {
  const record = (entry: ResponseItem) =>
    Effect.suspend(() => (turn.inject(entry) ? Effect.void : context.commit([context.entry(entry)])))
  const running = run(context, turn, command, record).pipe(
    Effect.catchDefect((defect) => Effect.logError("a command of the user died", defect)),
    Effect.annotateLogs({ thread: context.id, turn: turn.id })
  )
  const fiber = yield* Effect.forkIn(running, context.scope, { startImmediately: true })
  turn.joined.add(fiber)
  fiber.addObserver(() => void turn.joined.delete(fiber))
})

/** Ends the commands that joined the turn, and waits for that. */
export const endJoined = (turn: ActiveTurn): Effect.Effect<void> => Fiber.interruptAll(turn.joined)
