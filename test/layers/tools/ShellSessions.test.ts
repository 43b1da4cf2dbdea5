import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ThreadShell } from "../../../src/services/tool/ShellSessions.ts"
import type { ToolTurn } from "../../../src/services/tool/Tool.ts"
import { pipes, shellWith, toolsWith } from "./TestShell.ts"
import * as TestTurn from "./TestTurn.ts"

const opened = shellWith(toolsWith({ shell: "/bin/sh" }))

const exec = ({ tools }: ThreadShell, args: unknown, turn: ToolTurn) => {
  const [tool] = tools
  assert(tool !== undefined)
  return tool.run({ callId: "call-1", name: "exec_command", namespace: null, input: JSON.stringify(args) }, turn)
}

describe("the commands of a thread", () => {
  it.effect("are empty before the first, when none can be ended", () =>
    Effect.gen(function* () {
      const shell = yield* opened
      assert.deepStrictEqual([yield* shell.sessions, yield* shell.terminate("1000")], [[], false])
    })
  )

  it.live("are listed while they run, and ended by their process id", () =>
    Effect.gen(function* () {
      const shell = yield* opened
      const { cwd } = yield* pipes("p")
      const turn = TestTurn.make({ cwd })
      yield* exec(shell, { cmd: "cat p", yield_time_ms: 0 }, turn)
      const [session, ...others] = yield* shell.sessions
      assert(session !== undefined)
      const { processId, startedAtMs, ...rest } = session
      assert.deepStrictEqual(rest, { itemId: "call-1", turnId: "turn-1", command: "cat p", cwd })
      assert.deepStrictEqual(others, [])
      assert.isAbove(startedAtMs, 0)
      assert.isFalse(yield* shell.terminate(`${processId}0`))
      assert.isTrue(yield* shell.terminate(processId))
      const item = yield* turn.when(TestTurn.completed)
      assert.deepStrictEqual([item.processId, item.status, item.exitCode], [processId, "failed", -1])
      assert.deepStrictEqual(yield* shell.sessions, [])
    })
  )

  it.effect("of the user are not the model's: they are neither listed nor ended, and take no input", () =>
    Effect.gen(function* () {
      const shell = yield* opened
      const { cwd, release } = yield* pipes("p")
      const turn = TestTurn.make({ cwd })
      const { result } = yield* shell.startUserCommand({ itemId: "i", command: "cat p", timeoutMs: 60_000 }, turn)
      assert.deepStrictEqual(yield* shell.sessions, [])
      yield* release("p")
      const { durationMs, ...rest } = yield* result
      assert.deepStrictEqual(rest, { exitCode: 0, output: "" })
      assert.isAtLeast(durationMs, 0)
    })
  )
})
