import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Terminal from "effect/Terminal"
import * as TextReporter from "../../../src/program/reporters/TextReporter.ts"
import { display } from "../../../src/layers/tools/shell/CommandLine.ts"
import { layerTest, TerminalConsole, type Written } from "../../../src/program/console/Console.ts"
import type { Item, ThreadItem } from "../../../src/protocol/v2/item/Item.ts"
import type { ServerNotification } from "../../../src/protocol/Methods.ts"
import { agentMessage } from "../../../src/testing/ThreadEvents.ts"
import { completed, place, started, turn } from "../Fixtures.ts"

const begun: ServerNotification = { method: "turn/started", params: { threadId: "thread", turn } }

const ended: ServerNotification = {
  method: "turn/completed",
  params: { threadId: "thread", turn: { ...turn, status: "completed", durationMs: 1500 } }
}

const message = (id: string, text: string, phase: Item<"agentMessage">["phase"] = null): ThreadItem => ({
  ...agentMessage(id, text),
  phase
})

const printed = (itemId: string, delta: string): ServerNotification => ({
  method: "item/agentMessage/delta",
  params: { ...place, itemId, delta }
})

const thought = (itemId: string, delta: string): ServerNotification => ({
  method: "item/reasoning/summaryTextDelta",
  params: { ...place, itemId, delta, summaryIndex: 0 }
})

const command = (id: string, script: string, output: string | null = null): Item<"commandExecution"> => ({
  type: "commandExecution",
  id,
  pluginId: null,
  scriptPath: null,
  command: `/bin/sh -lc ${script}`,
  cwd: "/",
  processId: null,
  source: "agent",
  status: output === null ? "inProgress" : "completed",
  commandActions: [],
  aggregatedOutput: output,
  exitCode: output === null ? null : 0,
  durationMs: output === null ? null : 20
})

const used = (turnId: string, inputTokens: number, outputTokens: number): ServerNotification => {
  const tokens = {
    totalTokens: inputTokens + outputTokens,
    inputTokens,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens,
    reasoningOutputTokens: 0
  }
  return {
    method: "thread/tokenUsage/updated",
    params: { threadId: "thread", turnId, tokenUsage: { total: tokens, last: tokens, modelContextWindow: null } }
  }
}

const nobody = Terminal.make({
  columns: Effect.succeed(80),
  rows: Effect.succeed(24),
  size: Effect.die("not asked for"),
  readInput: Effect.die("not asked for"),
  readLine: Effect.die("not asked for"),
  display: () => Effect.void
})

const renderOn = (terminals: ReadonlyArray<"err" | "out">, written: Array<Written>) =>
  Effect.gen(function* () {
    return yield* TextReporter.make(yield* TerminalConsole, nobody)
  }).pipe(Effect.provide(layerTest({ written, terminals })))

/** The output of a turn, on one terminal or on two separate streams. */
const read = (notifications: ReadonlyArray<ServerNotification>) =>
  Effect.gen(function* () {
    const apart: Array<Written> = []
    const one: Array<Written> = []
    for (const [terminals, written] of [
      [[], apart],
      [["err", "out"], one]
    ] as const) {
      const render = yield* renderOn(terminals, written)
      yield* Effect.forEach(notifications, render.notified, { discard: true })
    }
    const text = (pieces: ReadonlyArray<Written>) => pieces.map((piece) => piece.text).join("")
    return {
      terminal: text(one),
      out: text(apart.filter(({ stream }) => stream === "out")),
      err: text(apart.filter(({ stream }) => stream === "err"))
    }
  }).pipe(Effect.scoped)

describe("TextReporter", () => {
  it.effect("streams the agent's messages, and prints a message that was not streamed", () =>
    Effect.gen(function* () {
      const shown = yield* read([
        begun,
        started(message("a", "")),
        printed("a", "One, "),
        printed("a", "two."),
        completed(message("a", "One, two.")),
        completed(message("b", "Three.")),
        completed(message("c", "")),
        ended
      ])
      assert.deepStrictEqual(shown, {
        terminal: "One, two.\n\nThree.\n\n1.5 s\n",
        out: "One, two.\n\nThree.\n",
        err: "1.5 s\n"
      })
    })
  )

  it.effect("keeps reasoning and commentary out of stdout", () =>
    Effect.gen(function* () {
      const reasoning: ThreadItem = { type: "reasoning", id: "r", summary: ["Hm, why?"], content: [] }
      const { err, out, terminal } = yield* read([
        begun,
        thought("r", "Hm, "),
        thought("r", "why?"),
        completed(reasoning),
        started(message("a", "", "commentary")),
        printed("a", "I look."),
        completed(message("a", "I look.", "commentary")),
        completed(message("b", "Because.", "final_answer")),
        ended
      ])
      assert.deepStrictEqual(
        { err, out, terminal },
        {
          terminal: "Hm, why?\n\nI look.\n\nBecause.\n\n1.5 s\n",
          out: "Because.\n",
          err: "Hm, why?\n\nI look.\n\n1.5 s\n"
        }
      )
    })
  )

  it.effect("repeats the command line when its end does not directly follow its start", () =>
    Effect.gen(function* () {
      const { err } = yield* read([
        begun,
        started(command("1", "one")),
        started(command("2", "two")),
        completed(command("2", "two", "out of two\n")),
        completed(command("1", "one", "")),
        ended
      ])
      assert.strictEqual(err, "$ one\n\n$ two\n│ out of two\n└ exit 0, 20 ms\n\n$ one\n└ exit 0, 20 ms\n\n1.5 s\n")
    })
  )

  it.effect("prints a warning once, even if it is sent twice", () =>
    Effect.gen(function* () {
      const { err } = yield* read([
        { method: "configWarning", params: { summary: "odd", details: "line 1\nline 2" } },
        { method: "warning", params: { threadId: "thread", message: "odd" } },
        { method: "warning", params: { threadId: "thread", message: "even" } }
      ])
      assert.strictEqual(err, "warning: odd\nline 1\nline 2\n\nwarning: even\n")
    })
  )

  it.effect("reports a retry, and of a failure only the turn's own error", () =>
    Effect.gen(function* () {
      const error = { message: "stream lost", additionalDetails: null, codexErrorInfo: null, misalignment: null }
      const { err } = yield* read([
        begun,
        { method: "error", params: { ...place, error: { ...error, message: "Reconnecting... 1/5" }, willRetry: true } },
        { method: "error", params: { ...place, error, willRetry: false } },
        {
          method: "turn/completed",
          params: { threadId: "thread", turn: { ...turn, status: "failed", error, durationMs: 10 } }
        }
      ])
      assert.strictEqual(err, "warning: Reconnecting... 1/5\n\nerror: stream lost\n10 ms\n")
    })
  )

  it.effect("counts the tokens of this turn only", () =>
    Effect.gen(function* () {
      const { err } = yield* read([
        used("earlier", 1000, 500),
        begun,
        used("turn", 1010, 503),
        used("turn", 1200, 520),
        ended
      ])
      assert.strictEqual(err, "tokens: 200 in, 20 out · 1.5 s\n")
    })
  )

  it.effect("makes text safe for a terminal, and does not change piped text", () =>
    Effect.gen(function* () {
      const { err, out, terminal } = yield* read([
        begun,
        printed("a", "\u001B[2Jred"),
        completed(message("a", "")),
        completed(command("1", "one", "\u001B]0;title\u0007out\r\n")),
        ended
      ])
      assert.deepStrictEqual(
        { err, out, terminal },
        {
          terminal: "red\n\n$ one\n│ out\n└ exit 0, 20 ms\n\n1.5 s\n",
          out: "\u001B[2Jred\n",
          err: "$ one\n│ out\n└ exit 0, 20 ms\n\n1.5 s\n"
        }
      )
    })
  )

  it.effect("shows the complete command in runs and questions, with its reason and folder", () =>
    Effect.gen(function* () {
      const written: Array<Written> = []
      const answering = Terminal.make({ ...nobody, readLine: Effect.succeed("y") })
      const render = yield* Effect.provide(
        Effect.flatMap(TerminalConsole, (screen) => TextReporter.make(screen, answering)),
        layerTest({ written, canAsk: true })
      )
      const script = "echo hi \u001B]0; touch HIDDEN #\u0007"
      yield* render.notified(started(command("1", display([script]))))
      const decision = yield* render.asked({
        itemId: "2",
        subject: `/bin/sh -lc ${display([`echo a\rb\u202E\n  in /safe`])}`,
        question: "Run this command?",
        always: "this one",
        reason: "why\u001B[2J\nnot",
        cwd: "/a\u2028b"
      })
      assert.deepStrictEqual(
        [decision, written.map(({ text }) => text).join("")],
        [
          "accept",
          [
            "$ (with escapes) echo hi \\x1b]0; touch HIDDEN #\\x07",
            "",
            "$ (with escapes) echo a\\rb\\u202e",
            ">   in /safe",
            "  (with escapes) why\\x1b[2J\\nnot",
            "  (with escapes) in /a\\u2028b",
            "? Run this command? [y]es, [n]o, [a]lways in this run: this one, [s]top the turn: "
          ].join("\n")
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("shows on a terminal that an idle turn still runs, until the next event", () =>
    Effect.gen(function* () {
      const written: Array<Written> = []
      const render = yield* renderOn(["err", "out"], written)
      yield* TestClock.adjust("5 seconds")
      yield* render.notified(begun)
      yield* TestClock.adjust("900 millis")
      assert.deepStrictEqual(written, [])
      yield* TestClock.adjust("1200 millis")
      yield* render.notified(completed(message("a", "Done.")))
      yield* render.notified(ended)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(
        written.map(({ text }) => text).join(""),
        "\r\u001B[2K… working, 1 s (Ctrl-C stops)\r\u001B[2K… working, 1 s (Ctrl-C stops)\r\u001B[2K… working, 2 s (Ctrl-C stops)" +
          "\r\u001B[2KDone.\n\n1.5 s\n"
      )
    }).pipe(Effect.scoped)
  )

  it.effect("reports without a terminal that nothing arrives, less and less often, until the turn ends", () =>
    Effect.gen(function* () {
      const written: Array<Written> = []
      const render = yield* renderOn([], written)
      yield* TestClock.adjust("5 minutes")
      yield* render.notified(begun)
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(written, [])
      yield* TestClock.adjust("100 seconds")
      yield* render.notified(completed(message("a", "Done.")))
      yield* TestClock.adjust("31 seconds")
      yield* render.notified(ended)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(
        written.filter(({ stream }) => stream === "err").map(({ text }) => text.trim()),
        [
          "Still waiting: nothing has arrived for 30 s.",
          "Still waiting: nothing has arrived for 1 min 0 s.",
          "Still waiting: nothing has arrived for 2 min 0 s.",
          "Still waiting: nothing has arrived for 30 s.",
          "1.5 s"
        ]
      )
    }).pipe(Effect.scoped)
  )
})
