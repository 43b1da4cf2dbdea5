import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { facts, openedWith, sessionOf, toolsWith } from "./TestShell.ts"
import * as TestTurn from "./TestTurn.ts"

/** Whether the machine has the program. */
export const has = (program: string): boolean => {
  try {
    execFileSync("/bin/sh", ["-c", 'command -v "$0"', program], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** Waits until the streamed output of the turn contains the text. */
export const shows = (turn: TestTurn.TestTurn, text: string): Effect.Effect<true> =>
  turn.when(() => (TestTurn.streamed(turn.published).includes(text) ? true : undefined))

/** The tools of a thread with `/bin/sh`, and a program in a terminal, typed into from another turn. */
export const terminals = Effect.map(openedWith(toolsWith({ shell: "/bin/sh" })), ({ exec, write }) => ({
  exec,
  write,
  open: Effect.fnUntraced(function* (cmd: string, cwd = "/") {
    const turn = TestTurn.make({ cwd })
    const output = yield* exec({ cmd, tty: true, yield_time_ms: 0 }, turn)
    const session_id = sessionOf(output)
    assert.isTrue(Number.isInteger(session_id), output.text)
    const later = TestTurn.make({ cwd, turnId: "turn-2" })
    return {
      turn,
      later,
      session_id,
      type: (chars: string, yield_time_ms = 0) => Effect.map(write({ session_id, chars, yield_time_ms }, later), facts)
    }
  })
}))
