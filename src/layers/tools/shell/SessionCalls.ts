/**
 * What the model does with a running command: it waits, reads the new output, and types into its terminal.
 *
 * A command without a terminal has no input: it can only be interrupted. An interaction is published before the end of the
 * command that it may have caused, as in the release.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import { failure, type ToolCall, type ToolOutput, type ToolTurn } from "../../../services/tool/Tool.ts"
import { readWriteStdin } from "./Arguments.ts"
import type { CommandSession } from "./CommandSession.ts"
import type { CommandSessions } from "./CommandSessions.ts"
import { DefaultOutputTokens, render } from "./OutputText.ts"
import type { InputClosed } from "./Streams.ts"

/** Control-C. */
const Interrupt = "\u0003"

/** The release's text. */
const NoInput =
  "write_stdin failed: stdin is closed for this session; rerun exec_command with tty=true to keep stdin open"

/** The time in milliseconds that a call waits for a command: exec_command, write_stdin with text, and without. */
export const Waits = {
  start: (wanted: number | null | undefined) => between(wanted, 10_000, 250, 30_000),
  typing: (wanted: number | null | undefined) => between(wanted, 250, 250, 30_000),
  polling: (wanted: number | null | undefined) => between(wanted, 5000, 5000, 300_000)
} as const

const between = (value: number | null | undefined, standard: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value ?? standard))

/** The model's view of a session. The returned output counts as seen. */
export const observe = Effect.fnUntraced(function* (
  sessions: CommandSessions,
  session: CommandSession,
  startedAt: bigint,
  maxTokens: number | null | undefined
): Effect.fn.Return<ToolOutput> {
  const wallSeconds = Number((yield* Clock.currentTimeNanos) - startedAt) / 1e9
  const chunkId = (yield* Random.nextIntBetween(0, 0x100_0000)).toString(16).padStart(6, "0")
  const exitCode = Deferred.isDoneUnsafe(session.finished) ? yield* Deferred.await(session.finished) : undefined
  const text = render({
    chunkId,
    wallSeconds,
    state: exitCode === undefined ? { sessionId: session.id } : { exitCode },
    output: session.unread,
    maxTokens: maxTokens ?? DefaultOutputTokens
  })
  session.unread.clear()
  if (exitCode !== undefined) yield* sessions.forget(session)
  return { content: [{ type: "text", text }], success: exitCode === undefined || exitCode === 0 }
})

/** Waits until the command has ended and its item is completed, or the time is over. */
export const waitForEnd = (session: CommandSession, milliseconds: number): Effect.Effect<unknown> =>
  Effect.timeoutOption(Deferred.await(session.finished), milliseconds)

const publish = (session: CommandSession, turn: ToolTurn, stdin: string): Effect.Effect<void> =>
  turn.notify("item/commandExecution/terminalInteraction", {
    threadId: turn.threadId,
    turnId: turn.turnId,
    itemId: session.shown.itemId,
    processId: String(session.id),
    stdin
  })

/** Types the text, or sends the signal. */
const type = (session: CommandSession, chars: string): Effect.Effect<void, InputClosed> => {
  // A terminal turns the character into the signal, unless its program wants the character.
  if (session.hasTerminal) return session.process.input.write(Buffer.from(chars))
  return chars === Interrupt ? session.interrupt : Effect.void
}

/** Types and waits. Returns the reason for the model when not everything was typed. */
const interact = (session: CommandSession, turn: ToolTurn, chars: string, waitMs: number) =>
  session.interacting(
    Effect.gen(function* () {
      let problem: string | undefined = "the program does not read its input; not all of it was written"
      const typing = Effect.match(type(session, chars), {
        onFailure: () => void (problem = "the terminal of this session is closed"),
        onSuccess: () => void (problem = undefined)
      })
      const ended = Deferred.await(session.ended)
      const waiting = Effect.raceFirst(Effect.andThen(typing, ended), ended)
      const inTime = yield* Effect.timeoutOption(waiting, waitMs)
      if (problem !== undefined && Option.isNone(inTime)) return problem
      yield* publish(session, turn, chars)
      return undefined
    })
  )

/** Runs a call of write_stdin. */
export const writeStdin = Effect.fnUntraced(function* (
  sessions: CommandSessions,
  call: ToolCall,
  turn: ToolTurn
): Effect.fn.Return<ToolOutput> {
  const read = readWriteStdin(call.input)
  if (Result.isFailure(read)) return failure(read.failure)
  const { max_output_tokens, session_id, yield_time_ms } = read.success
  const chars = read.success.chars ?? ""
  const session = sessions.find(session_id)
  if (session === undefined) return failure(`write_stdin failed: Unknown process id ${session_id}`)
  if (!session.hasTerminal && chars !== "" && chars !== Interrupt) return failure(NoInput)
  const startedAt = yield* Clock.currentTimeNanos
  if (!session.hasExited) {
    const waitMs = (chars === "" ? Waits.polling : Waits.typing)(yield_time_ms)
    const problem = yield* sessions.awaiting(session, interact(session, turn, chars, waitMs))
    if (problem !== undefined) return failure(`write_stdin failed: ${problem}`)
  }
  // The item of a command that has ended is completed before the model reads of the end.
  if (Deferred.isDoneUnsafe(session.ended)) yield* Deferred.await(session.finished)
  return yield* observe(sessions, session, startedAt, max_output_tokens)
})
