import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { ToolTurn } from "../../../src/services/tool/Tool.ts"
import { done, facts, opened, pipes, running, sessionOf } from "./TestShell.ts"
import * as TestTurn from "./TestTurn.ts"

/** Advances the clock and the event loop by one step. */
const pass = Effect.andThen(
  TestClock.adjust("50 millis"),
  Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
)
const passUntil = <A, E>(happening: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.raceFirst(happening, Effect.forever(pass))

// These wait for the window or the yield time, for which there is no signal.
describe("a long command", () => {
  it.live("is announced, and its output streams from the first byte", () =>
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
        turn.published.map((entry) => TestTurn.deltaOf(entry) ?? entry.type),
        ["started", "one ", "€", "two\n", "completed"]
      )
    })
  )

  it.live("streams both ends of its output before the announcement, and all later output", () =>
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
      assert.strictEqual(TestTurn.streamed(turn.published), `${half}\n... 1951424 bytes omitted ...\n${half}end\n`)
    })
  )

  it.live("continues in the background and ends with the id of its turn", () =>
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
      assert.deepStrictEqual(second.published, [])
      assert.deepStrictEqual(yield* write({ session_id: sessionOf(output) }, second), {
        text: `write_stdin failed: Unknown process id ${sessionOf(output)}`,
        success: false
      })
    })
  )

  it.live("is awaited by write_stdin, which notifies the client", () =>
    Effect.gen(function* () {
      const { exec, write } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const session_id = sessionOf(yield* exec({ cmd: "cat p; echo end", yield_time_ms: 0 }, TestTurn.make({ cwd })))
      const second = TestTurn.make({ cwd, turnId: "turn-2" })
      const fiber = yield* Effect.forkChild(write({ session_id, chars: "" }, second))
      yield* release("p")
      assert.deepStrictEqual(facts(yield* Fiber.join(fiber)), done(0, 1, "end\n"))
      assert.deepStrictEqual(second.published, [
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
        text: "write_stdin failed: stdin is closed for this session; rerun exec_command with tty=true to keep stdin open",
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
      assert.isFalse(turn.published.some((entry) => entry.type === "completed"))
      yield* release("p")
      const item = yield* turn.when(TestTurn.completed)
      assert.deepStrictEqual([item.aggregatedOutput, item.status], ["begin\nend\n", "completed"])
    })
  )

  it.live("waits for a client that does not read its output, and loses none of it", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release } = yield* pipes("p")
      const taking = yield* Deferred.make<void>()
      const published = TestTurn.make({ cwd })
      const turn: ToolTurn = {
        ...published,
        notify: (method, params) => Effect.andThen(Deferred.await(taking), published.notify(method, params))
      }
      const fiber = yield* Effect.forkChild(exec({ cmd: "echo first; cat p; seq 1 100000" }, turn))
      yield* published.when((entry) => (entry.type === "started" ? true : undefined))
      yield* release("p")
      yield* Deferred.succeed(taking, undefined)
      yield* Fiber.join(fiber)
      const item = yield* published.when(TestTurn.completed)
      assert.strictEqual(TestTurn.streamed(published.published), item.aggregatedOutput)
    })
  )
})

describe("a command that exits before the client has read its output", () => {
  it.effect("completes only after all of it was read", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, release, closed } = yield* pipes("p", "q", "x")
      const taking = yield* Deferred.make<void>()
      const published = TestTurn.make({ cwd })
      const turn: ToolTurn = {
        ...published,
        notify: (method, params) => Effect.andThen(Deferred.await(taking), published.notify(method, params))
      }
      const gone = yield* Effect.forkChild(closed("x"))
      yield* Effect.forkChild(exec({ cmd: "exec 9> x; echo first; cat p; echo second; cat q; seq 1 10000" }, turn))
      yield* passUntil(published.when((entry) => (entry.type === "started" ? true : undefined)))
      yield* release("p")
      yield* release("q")
      yield* Fiber.join(gone)
      yield* Effect.repeat(pass, { times: 200 })
      yield* Deferred.succeed(taking, undefined)
      const item = yield* passUntil(published.when(TestTurn.completed))
      // Less than a pipe holds, so the command exits while its output is not read.
      const numbers = Array.from({ length: 10_000 }, (_, index) => `${index + 1}\n`).join("")
      const all = `first\nsecond\n${numbers}`
      assert.deepStrictEqual([TestTurn.streamed(published.published), item.aggregatedOutput], [all, all])
    })
  )
})

describe("the commands of a thread", () => {
  const all = { concurrency: "unbounded" } as const
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `call-${index}`)
  /** A command that ends with the next line of the gate. */
  const cmd = "read line < gate; echo done"
  const gate = Effect.gen(function* () {
    const { cwd } = yield* pipes("gate")
    const file = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.openSync(Path.join(cwd, "gate"), "r+")),
      (descriptor) => Effect.sync(() => Fs.closeSync(descriptor))
    )
    /** Lets this number of commands end. */
    const open = (count: number) => Effect.sync(() => void Fs.writeSync(file, "\n".repeat(count)))
    return { cwd, open }
  })
  const count = (turn: TestTurn.TestTurn, type: "started" | "completed") =>
    turn.published.filter((entry) => entry.type === type).length
  const until = (turn: TestTurn.TestTurn, type: "started" | "completed", wanted: number) =>
    turn.when(() => (count(turn, type) >= wanted ? true : undefined))
  const background = Effect.fnUntraced(function* (
    exec: Effect.Success<typeof opened>["exec"],
    turn: TestTurn.TestTurn
  ) {
    yield* exec({ cmd, yield_time_ms: 0 }, turn, "first")
    yield* Effect.forEach(ids(63), (id) => exec({ cmd, yield_time_ms: 0 }, turn, id), all)
  })

  it.live("are at most 64: the others of an answer wait, and none is ended to make room", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, open } = yield* gate
      const turn = TestTurn.make({ cwd })
      const calls = Effect.forEach(ids(70), (id) => exec({ cmd, yield_time_ms: 30_000 }, turn, id), all)
      const fiber = yield* Effect.forkChild(calls)
      yield* until(turn, "started", 64)
      assert.strictEqual(count(turn, "completed"), 0)
      yield* open(6)
      yield* until(turn, "started", 70)
      yield* until(turn, "completed", 6)
      assert.strictEqual(count(turn, "completed"), 6)
      yield* open(64)
      assert.deepStrictEqual(
        (yield* Fiber.join(fiber)).map(facts),
        ids(70).map(() => done(0, 2, "done\n"))
      )
    })
  )

  it.live("make room for a later turn: the least recently used one is ended, with the reason in its item", () =>
    Effect.gen(function* () {
      const { exec, write } = yield* opened
      const { cwd, open } = yield* gate
      const turn = TestTurn.make({ cwd })
      yield* background(exec, turn)
      const later = TestTurn.make({ cwd, turnId: "turn-2" })
      assert.deepStrictEqual(facts(yield* exec({ cmd: "echo hi" }, later)), done(0, 1, "hi\n"))
      yield* until(turn, "completed", 1)
      const [item] = turn.published.flatMap((entry) => TestTurn.completed(entry) ?? [])
      assert.deepStrictEqual(
        [item?.id, item?.status, item?.exitCode, item?.aggregatedOutput],
        ["first", "failed", -1, "[ended to make room: 64 commands of this thread were running]\n"]
      )
      assert.deepStrictEqual(yield* write({ session_id: Number(item?.processId) }, later), {
        text: `write_stdin failed: Unknown process id ${item?.processId}`,
        success: false
      })
      // A finished, unread command is removed before another one is ended.
      yield* exec({ cmd, yield_time_ms: 0 }, later, "again")
      yield* open(1)
      yield* Effect.raceFirst(until(turn, "completed", 2), until(later, "completed", 2))
      yield* exec({ cmd: "true" }, later)
      assert.strictEqual(count(turn, "completed") + count(later, "completed"), 4)
    })
  )

  it.live("are not ended for a command of the same turn, whose call can be interrupted", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd, open } = yield* gate
      const turn = TestTurn.make({ cwd })
      yield* background(exec, turn)
      const waiting = yield* Effect.forkChild(exec({ cmd: "echo never" }, turn, "waiting"), { startImmediately: true })
      const next = yield* Effect.forkChild(exec({ cmd: "echo next" }, turn, "next"), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(count(turn, "completed"), 0)
      yield* open(1)
      assert.deepStrictEqual(facts(yield* Fiber.join(next)), done(0, 2, "next\n"))
      assert.isFalse(turn.published.some((entry) => "item" in entry && entry.item.id === "waiting"))
    })
  )

  it.effect("refuse another command of their turn when none ends within five minutes", () =>
    Effect.gen(function* () {
      const { exec } = yield* opened
      const { cwd } = yield* gate
      const turn = TestTurn.make({ cwd })
      yield* passUntil(background(exec, turn))
      const call = yield* Effect.forkChild(exec({ cmd: "echo never" }, turn, "late"), { startImmediately: true })
      yield* TestClock.adjust("299 seconds")
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const reason = "64 commands of this thread are running. End one of them, or wait for its end, with write_stdin"
      assert.deepStrictEqual(yield* Fiber.join(call), {
        text: `exec_command failed: CreateProcess { message: "Rejected(\\"Failed to create unified exec process: ${reason}\\")" }`,
        success: false
      })
      assert.strictEqual(count(turn, "completed"), 1)
    })
  )
})

describe("the end of a thread", () => {
  it.live("ends its commands and all processes that they started", () =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const scope = yield* Scope.make()
      const { exec } = yield* Scope.provide(opened, scope)
      const turn = TestTurn.make({ cwd })
      // Every process holds the pipe: it closes when the last of them has exited.
      const cmd = "exec 9> p; (trap '' TERM HUP; sleep 1000) & sleep 1000 & echo ready; wait"
      const gone = yield* Effect.forkChild(closed("p"))
      const fiber = yield* Effect.forkChild(exec({ cmd }, turn))
      yield* turn.when(TestTurn.deltaOf)
      yield* Fiber.interrupt(fiber)
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(gone)
      assert.isFalse(turn.published.some((entry) => entry.type === "completed"))
    })
  )

  it.live("is not needed to end the remaining processes of a finished command", () =>
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
