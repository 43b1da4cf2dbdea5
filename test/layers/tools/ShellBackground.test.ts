import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { ToolTurn } from "../../../src/services/Tool.ts"
import { done, facts, opened, pipes, running, sessionOf } from "./TestShell.ts"
import * as TestTurn from "./TestTurn.ts"

// These wait for the window or the yield time to pass: there is no signal that could stand in for it.
describe("a command that takes its time", () => {
  it.live("is announced, and its output streams from the first byte on", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release } = yield* pipes("p", "q")
      const turn = TestTurn.make({ cwd })
      const cmd = "printf 'one \\342\\202'; cat p; printf '\\254'; cat q; echo two"
      const fiber = yield* Effect.forkChild(exec({ cmd }, turn))
      assert.strictEqual(yield* turn.when(TestTurn.deltaOf), "one ")
      yield* release("p")
      yield* turn.when((entry) => (TestTurn.deltaOf(entry) === "€" ? true : undefined))
      yield* release("q")
      const output = yield* Fiber.join(fiber)
      assert.deepStrictEqual(facts(output), done(0, 3, "one €two\n"))
      assert.deepStrictEqual(
        turn.told.map((entry) => TestTurn.deltaOf(entry) ?? entry.type),
        ["started", "one ", "€", "two\n", "completed"]
      )
    })
  )

  it.live("streams both ends of what it printed before it was announced, and all of the rest", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const turn = TestTurn.make({ cwd })
      const cmd = "head -c 3000000 /dev/zero | tr '\\0' y; cat p; echo end"
      const fiber = yield* Effect.forkChild(exec({ cmd }, turn))
      yield* turn.when(TestTurn.deltaOf)
      yield* release("p")
      yield* Fiber.join(fiber)
      const half = "y".repeat(512 * 1024)
      assert.strictEqual(TestTurn.streamed(turn.told), `${half}\n... 1951424 bytes omitted ...\n${half}end\n`)
    })
  )

  it.live("goes on in the background and ends with the id of its own turn", () =>
    Effect.gen(function* () {
      const { exec, write } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const first = TestTurn.make({ cwd })
      const output = yield* exec({ cmd: "echo start; cat p; echo end", yield_time_ms: 0 }, first)
      assert.deepStrictEqual(facts(output), running(2, "start\n"))
      yield* release("p")
      const item = yield* first.when(TestTurn.completed)
      assert.strictEqual(item.aggregatedOutput, "start\nend\n")

      const second = TestTurn.make({ cwd, turnId: "turn-2" })
      const rest = yield* write({ session_id: sessionOf(output) }, second)
      assert.deepStrictEqual(facts(rest), done(0, 1, "end\n"))
      assert.deepStrictEqual(second.told, [])
      assert.deepStrictEqual(yield* write({ session_id: sessionOf(output) }, second), {
        text: `write_stdin failed: Unknown process id ${sessionOf(output)}`,
        success: false
      })
    })
  )

  it.live("is waited for by write_stdin, which tells the client", () =>
    Effect.gen(function* () {
      const { exec, write } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const session_id = sessionOf(yield* exec({ cmd: "cat p; echo end", yield_time_ms: 0 }, TestTurn.make({ cwd })))
      const second = TestTurn.make({ cwd, turnId: "turn-2" })
      const fiber = yield* Effect.forkChild(write({ session_id, chars: "" }, second))
      yield* release("p")
      assert.deepStrictEqual(facts(yield* Fiber.join(fiber)), done(0, 1, "end\n"))
      assert.deepStrictEqual(second.told, [
        {
          type: "notified",
          method: "item/commandExecution/terminalInteraction",
          params: { threadId: "thread-1", turnId: "turn-2", itemId: "call-1", processId: String(session_id), stdin: "" }
        }
      ])
    })
  )

  it.live("can be interrupted but not typed into", () =>
    Effect.gen(function* () {
      const { exec, write } = yield* opened
      const { cwd } = yield* pipes("p")
      const turn = TestTurn.make({ cwd })
      const session_id = sessionOf(yield* exec({ cmd: "exec cat p", yield_time_ms: 0 }, turn))
      assert.deepStrictEqual(yield* write({ session_id, chars: "hello\n" }, turn), {
        text: "write_stdin failed: stdin is closed for this session",
        success: false
      })
      assert.deepStrictEqual(
        facts(yield* write({ session_id, chars: "\u0003", yield_time_ms: 30_000 }, turn)),
        done(130, 0, "")
      )
    })
  )

  it.live("survives the interruption of its call", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const turn = TestTurn.make({ cwd })
      const fiber = yield* Effect.forkChild(exec({ cmd: "echo begin; cat p; echo end" }, turn))
      yield* turn.when(TestTurn.deltaOf)
      yield* Fiber.interrupt(fiber)
      assert.isFalse(turn.told.some((entry) => entry.type === "completed"))
      yield* release("p")
      const item = yield* turn.when(TestTurn.completed)
      assert.deepStrictEqual([item.aggregatedOutput, item.status], ["begin\nend\n", "completed"])
    })
  )

  it.live("waits for a client that does not take its output, and loses none of it", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const taking = yield* Deferred.make<void>()
      const told = TestTurn.make({ cwd })
      const turn: ToolTurn = {
        ...told,
        notify: (method, params) => Effect.andThen(Deferred.await(taking), told.notify(method, params))
      }
      const fiber = yield* Effect.forkChild(exec({ cmd: "echo first; cat p; seq 1 100000" }, turn))
      yield* told.when((entry) => (entry.type === "started" ? true : undefined))
      yield* release("p")
      yield* Deferred.succeed(taking, undefined)
      yield* Fiber.join(fiber)
      const item = yield* told.when(TestTurn.completed)
      assert.strictEqual(TestTurn.streamed(told.told), item.aggregatedOutput)
    })
  )
})

describe("a command that is gone before the client took its output", () => {
  /** Time passes, and the event loop turns once. */
  const pass = Effect.andThen(
    TestClock.adjust("50 millis"),
    Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
  )
  const passUntil = <A>(happening: Effect.Effect<A>): Effect.Effect<A> =>
    Effect.raceFirst(happening, Effect.forever(pass))

  it.effect("is not done before all of it was read", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release, closed } = yield* pipes("p", "q", "x")
      const taking = yield* Deferred.make<void>()
      const told = TestTurn.make({ cwd })
      const turn: ToolTurn = {
        ...told,
        notify: (method, params) => Effect.andThen(Deferred.await(taking), told.notify(method, params))
      }
      const gone = yield* Effect.forkChild(closed("x"))
      yield* Effect.forkChild(exec({ cmd: "exec 9> x; echo first; cat p; echo second; cat q; seq 1 20000" }, turn))
      yield* passUntil(told.when((entry) => (entry.type === "started" ? true : undefined)))
      yield* release("p")
      yield* release("q")
      yield* Fiber.join(gone)
      yield* Effect.repeat(pass, { times: 200 })
      yield* Deferred.succeed(taking, undefined)
      const item = yield* passUntil(told.when(TestTurn.completed))
      // More than is read ahead, less than fits into what is read ahead and the pipe.
      const numbers = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("")
      const all = `first\nsecond\n${numbers}`
      assert.deepStrictEqual([TestTurn.streamed(told.told), item.aggregatedOutput], [all, all])
    })
  )
})

describe("the commands of a thread", () => {
  it.live("are 64 at most: for one more, the one that was looked at longest ago is ended", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd } = yield* pipes("p")
      const start = (id: string, turn: ToolTurn) => exec({ cmd: "exec cat p", yield_time_ms: 0 }, turn, id)
      const first = TestTurn.make({ cwd })
      yield* start("first", first)
      const others = TestTurn.make({ cwd })
      const ids = Array.from({ length: 64 }, (_, index) => `call-${index}`)
      yield* Effect.forEach(ids, (id) => start(id, others), { concurrency: "unbounded" })
      const item = yield* first.when(TestTurn.completed)
      assert.deepStrictEqual([item.status, item.exitCode], ["failed", -1])
      assert.deepStrictEqual(
        others.told.filter((entry) => entry.type === "completed"),
        []
      )
    })
  )
})

describe("the end of a thread", () => {
  it.live("is the end of its commands and of all that they started", () =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const scope = yield* Scope.make()
      const { exec } = yield* Scope.provide(opened, scope)
      const turn = TestTurn.make({ cwd })
      // Every process holds the pipe: it closes when the last of them is gone.
      const cmd = "exec 9> p; (trap '' TERM HUP; sleep 1000) & sleep 1000 & echo ready; wait"
      const gone = yield* Effect.forkChild(closed("p"))
      const fiber = yield* Effect.forkChild(exec({ cmd }, turn))
      yield* turn.when(TestTurn.deltaOf)
      yield* Fiber.interrupt(fiber)
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(gone)
      assert.isFalse(turn.told.some((entry) => entry.type === "completed"))
    })
  )

  it.live("is not the only end of what a command leaves behind: its own end is", () =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const { exec } = yield* opened
      const gone = yield* Effect.forkChild(closed("p"))
      const cmd = "exec 9> p; sleep 1000 > /dev/null 2>&1 & sleep 1000 & echo hi"
      assert.deepStrictEqual(facts(yield* exec({ cmd }, TestTurn.make({ cwd }))), done(0, 1, "hi\n"))
      yield* Fiber.join(gone)
    })
  )
})
