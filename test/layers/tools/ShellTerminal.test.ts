import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import process from "node:process"
import { done, facts, items, pipes } from "./TestShell.ts"
import { has, shows, terminals } from "./TestTerminal.ts"
import * as TestTurn from "./TestTurn.ts"

const isLinux = process.platform === "linux"

// Most of these wait for the window or the yield time, for which there is no signal.
describe("a command in a terminal", () => {
  it.live("has a terminal of 24 lines and 80 columns on all three streams", () =>
    Effect.gen(function* () {
      const { exec } = yield* terminals
      const cmd =
        'test -t 0 && test -t 1 && test -t 2 && stty size && echo "$TERM" | grep -v dumb >/dev/null && echo yes'
      const output = yield* exec({ cmd, tty: true, yield_time_ms: 30_000 }, TestTurn.make())
      assert.deepStrictEqual(facts(output), done(0, 3, "24 80\r\nyes\r\n"))
    })
  )

  it.live("reports the exit status, and the signal that ended it", () =>
    Effect.gen(function* () {
      const { exec } = yield* terminals
      const run = (cmd: string) => exec({ cmd, tty: true, yield_time_ms: 30_000 }, TestTurn.make())
      assert.deepStrictEqual(facts(yield* run("exit 3")), done(3, 0, ""))
      assert.deepStrictEqual(facts(yield* run("kill -9 $$")), done(137, 0, ""))
    })
  )

  it.live("is typed into, and ends with the end of its input", () =>
    Effect.gen(function* () {
      const { open } = yield* terminals
      const { later, session_id, turn, type } = yield* open("cat")
      yield* type("abc")
      yield* type("\u0015xyz\r")
      yield* shows(turn, "xyz\r\nxyz\r\n")
      const output = yield* type("\u0004", 30_000)
      assert.match(output.text, /Process exited with code 0\n/)
      assert.deepStrictEqual(
        later.published,
        ["abc", "\u0015xyz\r", "\u0004"].map((stdin) => ({
          type: "notified",
          method: "item/commandExecution/terminalInteraction",
          params: {
            threadId: "thread-1",
            turnId: "turn-2",
            itemId: "call-1",
            processId: String(session_id),
            stdin
          }
        }))
      )
      const item = yield* turn.when(TestTurn.completed)
      assert.strictEqual(item.aggregatedOutput, "abc\b \b\b \b\b \bxyz\r\nxyz\r\n")
    })
  )

  it.live("is interrupted by control-C, and the interaction precedes the end of the item", () =>
    Effect.gen(function* () {
      const { exec, write } = yield* terminals
      const turn = TestTurn.make()
      const started = yield* exec({ cmd: "exec sleep 1000", tty: true, yield_time_ms: 0 }, turn)
      const session_id = Number(/session ID (\d+)/.exec(started.text)?.[1])
      const output = yield* write({ session_id, chars: "\u0003", yield_time_ms: 30_000 }, turn)
      assert.deepStrictEqual(facts(output), done(130, 1, "^C"))
      assert.deepStrictEqual(
        turn.published.map((entry) => (entry.type === "notified" ? entry.method.split("/").at(-1) : entry.type)),
        ["started", "outputDelta", "terminalInteraction", "completed"]
      )
      const last = items(turn.published).at(-1)
      assert.deepInclude(JSON.parse(JSON.stringify(last)), { type: "completed" })
    })
  )

  it.live("keeps characters that are split over writes, marks invalid ones, and keeps carriage returns", () =>
    Effect.gen(function* () {
      const { exec } = yield* terminals
      const { cwd, release } = yield* pipes("p")
      const turn = TestTurn.make({ cwd })
      const cmd = "printf '\\r10%%\\r20%%\\342\\202'; read x < p; printf '\\254 \\377\\n'"
      const fiber = yield* Effect.forkChild(exec({ cmd, tty: true, yield_time_ms: 30_000 }, turn))
      yield* shows(turn, "\r10%\r20%")
      yield* release("p")
      assert.deepStrictEqual(facts(yield* Fiber.join(fiber)), done(0, 4, "\r10%\r20%€ \ufffd\r\n"))
      assert.strictEqual(TestTurn.streamed(turn.published), "\r10%\r20%€ \ufffd\r\n")
    })
  )

  it.live("that does not read blocks nothing: the text is refused after the wait", () =>
    Effect.gen(function* () {
      const { exec, open } = yield* terminals
      const { later, type } = yield* open("stty raw -echo; echo ready; exec sleep 1000")
      assert.deepStrictEqual(yield* type("\n".repeat(1_000_000)), {
        text: "write_stdin failed: the program does not read its input; not all of it was written",
        success: false
      })
      assert.deepStrictEqual(later.published, [])
      assert.deepStrictEqual(facts(yield* exec({ cmd: "echo alive" }, TestTurn.make())), done(0, 2, "alive\n"))
    })
  )

  it.live("is not started where its folder does not exist", () =>
    Effect.gen(function* () {
      const { exec } = yield* terminals
      const output = yield* exec({ cmd: "pwd", tty: true, workdir: "/no/such" }, TestTurn.make())
      assert.include(output.text, "No such file or directory (os error 2)")
    })
  )

  it.live.runIf(isLinux)("cannot be reached by other commands", () =>
    Effect.gen(function* () {
      const { exec, open } = yield* terminals
      yield* open("exec sleep 1000")
      const cmd = "ls -l /proc/self/fd | grep -c ptmx"
      assert.deepStrictEqual(facts(yield* exec({ cmd }, TestTurn.make())), done(1, 1, "0\n"))
      const inside = yield* exec({ cmd, tty: true, yield_time_ms: 30_000 }, TestTurn.make())
      assert.deepStrictEqual(facts(inside), done(1, 1, "0\r\n"))
    })
  )
})

describe("the processes of a terminal", () => {
  /** Commands that hold a named pipe until they end. */
  const stubborn: ReadonlyArray<readonly [string, string]> = [
    ["that ignore signals", "trap '' HUP INT QUIT TERM; exec 9> p; echo ready; while :; do sleep 1; done"],
    ["in other process groups", "set -m; (trap '' HUP; exec 9> p; sleep 1000) & sleep 0; echo ready; wait"],
    ...(isLinux
      ? ([
          ["in other sessions", "setsid sh -c 'exec 9> p; echo ready; sleep 1000' & wait"],
          ["that forked twice", "(setsid sh -c '(exec 9> p; echo ready; sleep 1000) &') & sleep 1000"]
        ] as const)
      : [])
  ]
  for (const [name, cmd] of stubborn) {
    it.live(`end with the thread: ${name}`, () =>
      Effect.gen(function* () {
        const { closed, cwd } = yield* pipes("p")
        const scope = yield* Scope.make()
        const { open } = yield* Scope.provide(terminals, scope)
        const gone = yield* Effect.forkChild(closed("p"))
        const { turn } = yield* open(cmd, cwd)
        yield* shows(turn, "ready")
        yield* Scope.close(scope, Exit.void)
        yield* Fiber.join(gone)
      })
    )
  }

  it.live.runIf(isLinux)("end with its command, also the jobs of an interactive shell", () =>
    Effect.gen(function* () {
      const { closed, cwd } = yield* pipes("p")
      const { open } = yield* terminals
      const gone = yield* Effect.forkChild(closed("p"))
      const { turn, type } = yield* open(
        "set -m; (trap '' HUP; exec 9> p; echo ready; sleep 1000) & read x; exit 4",
        cwd
      )
      yield* shows(turn, "ready")
      const output = yield* type("x\n", 30_000)
      assert.match(output.text, /Process exited with code 4\n/)
      yield* Fiber.join(gone)
    })
  )
})

describe("real programs in a terminal", () => {
  it.live.runIf(has("less"))("less pages a file", () =>
    Effect.gen(function* () {
      const { open } = yield* terminals
      const { turn, type } = yield* open("seq 1 500 > /dev/null; seq 1 500 | LESS= less")
      yield* shows(turn, "23\r\n")
      yield* type(" ")
      yield* shows(turn, "46\r\n")
      yield* type("G")
      yield* shows(turn, "500\r\n")
      const output = yield* type("q", 30_000)
      assert.match(output.text, /Process exited with code 0\n/)
    })
  )

  it.live.runIf(has("top"))("top draws its screen and quits", () =>
    Effect.gen(function* () {
      const { open } = yield* terminals
      const { turn, type } = yield* open("TERM=xterm top")
      yield* shows(turn, "PID")
      const output = yield* type("q", 30_000)
      assert.match(output.text, /Process exited with code 0\n/)
    })
  )

  it.live("the REPL of Node calculates, and ends with control-D", () =>
    Effect.gen(function* () {
      const { open } = yield* terminals
      const { turn, type } = yield* open(`NODE_NO_READLINE=1 '${process.execPath}' -i`)
      yield* shows(turn, "> ")
      yield* type("6 * 7 + 0.5\n")
      yield* shows(turn, "42.5\r\n")
      const output = yield* type("\u0004", 30_000)
      assert.match(output.text, /Process exited with code 0\n/)
    })
  )

  it.live.runIf(has("python3"))("the REPL of Python calculates, is interrupted, and exits with a status", () =>
    Effect.gen(function* () {
      const { open } = yield* terminals
      const { turn, type } = yield* open("exec python3 -q")
      yield* shows(turn, ">>> ")
      yield* type("6 * 7 + 0.5\n")
      yield* shows(turn, "42.5")
      yield* type("while True: pass\n\n")
      yield* type("\u0003")
      yield* shows(turn, "KeyboardInterrupt\r\n>>> ")
      const output = yield* type("exit(5)\n", 30_000)
      assert.match(output.text, /Process exited with code 5\n/)
    })
  )
})
