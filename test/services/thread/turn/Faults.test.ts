import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { ModelError, ModelEvent } from "../../../../src/services/model/ModelProvider.ts"
import { files } from "../../../../src/layers/sandboxes/Files.ts"
import { Sandbox } from "../../../../src/services/sandbox/Sandbox.ts"
import { fine, modelEnds, modelOf, modelSteps, sandboxes, stuck, toolOf, toolRuns } from "../../../support/Faults.ts"
import { completed } from "../../../support/ScriptedModel.ts"
import { type Client, cwd, makeServer, nameOf, userInput, type ServerOptions } from "../../../support/Server.ts"
import { paramsOf } from "../../../support/Threads.ts"

/** The time within which a turn ends when it is interrupted (milliseconds): shorter than the deadline of a stop. */
const Deadline = 5000

type Status = "completed" | "failed" | "interrupted"

const text = (value: unknown): string => (value instanceof Error ? value.message : String(value))

/** A server with a thread and a captured log. */
const setUp = Effect.fnUntraced(function* (options: ServerOptions) {
  const log: Array<string> = []
  const feedback = Logger.make<unknown, void>(({ message }) => {
    log.push((Array.isArray(message) ? message : [message]).map(text).join(" "))
  })
  const server = yield* makeServer({ feedback, ...options })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  return { ...server, client, log, threadId: thread.id }
})

/** Advances the clock by seconds until the effect has ended, and returns the milliseconds. */
const passing = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
  const began = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  for (let seconds = 0; seconds < 30 && fiber.pollUnsafe() === undefined; seconds++) {
    for (let turns = 0; turns < 50 && fiber.pollUnsafe() === undefined; turns++) yield* Effect.yieldNow
    if (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
  }
  const value = yield* Fiber.join(fiber)
  return { value, millis: (yield* Clock.currentTimeMillis) - began }
})

/** The ends of turns among the client's messages up to the end of one more turn. */
const endsUntil = Effect.fnUntraced(function* (client: Client, turnId: string) {
  const events = yield* client.until(
    (event) => nameOf(event) === "turn/completed" && JSON.stringify(paramsOf(event)).includes(turnId)
  )
  return events.flatMap((event) => {
    if (nameOf(event) !== "turn/completed") return []
    const { turn } = paramsOf(event) as { readonly turn: { readonly id: string; readonly status: Status } }
    return [[turn.id, turn.status] as const]
  })
})

/**
 * Runs a turn with a faulty port, and interrupts it if `interrupts` is given. For every port: the turn ends exactly once for
 * clients and in the thread; the request to interrupt is answered in time; and the next turn is correct.
 */
const faultyTurn = Effect.fnUntraced(function* (
  { client, threadId }: { readonly client: Client; readonly threadId: string },
  interrupts: Effect.Effect<void> | undefined
) {
  const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go") })
  if (interrupts !== undefined) {
    yield* interrupts
    const { millis, value } = yield* passing(client.request("turn/interrupt", { threadId, turnId: turn.id }))
    assert.deepStrictEqual(value, {})
    assert.isAtMost(millis, Deadline)
  }
  const { value: ends } = yield* passing(endsUntil(client, turn.id))
  const { turn: next } = yield* client.request("turn/start", { threadId, input: userInput("again") })
  const { value: nextEnds } = yield* passing(endsUntil(client, next.id))
  const { thread } = yield* client.request("thread/read", { threadId, includeTurns: true })
  const kept = thread.turns.map(({ id, status }) => [id, status] as const)
  assert.deepStrictEqual(nextEnds, [[next.id, "completed"]])
  assert.strictEqual(ends.length, 1)
  assert.deepStrictEqual(kept, [...ends, ...nextEnds])
  assert.deepStrictEqual(thread.status, { type: "idle" })
  return ends[0]?.[1]
})

/** The outcome of a turn with a faulty model: the status, and whether an interrupt is needed. */
const modelOutcomes: Readonly<Record<keyof typeof modelEnds, readonly [Status, interrupted: boolean, log: string]>> = {
  fails: ["failed", false, ""],
  "fails with another error": ["failed", false, "turn died"],
  dies: ["failed", false, "turn died"],
  "interrupts itself": ["failed", false, "turn died"],
  "ends without an end": ["failed", false, ""],
  throws: ["failed", false, "turn died"],
  "never ends": ["interrupted", true, ""],
  "cannot be interrupted": ["interrupted", true, "the model's stream did not stop within 2s and was abandoned"],
  "never finishes its finalizer": ["interrupted", true, "the model's stream did not stop within 2s and was abandoned"],
  completes: ["completed", false, ""],
  "completes twice": ["completed", false, ""],
  "continues after its end": ["completed", false, ""],
  "fails after its end": ["completed", false, "the model's stream failed after its end"],
  "dies after its end": ["completed", false, "the model's stream failed after its end"],
  "never ends after its end": ["completed", false, ""],
  "cannot be interrupted after its end": [
    "completed",
    false,
    "the model's stream did not stop within 2s and was abandoned"
  ]
}

const toolOutcomes: Readonly<Record<keyof typeof toolRuns, readonly [Status, interrupted: boolean, log: string]>> = {
  "is fine": ["completed", false, ""],
  "fails with another error": ["completed", false, "tool faulty died"],
  dies: ["completed", false, "tool faulty died"],
  throws: ["completed", false, "tool faulty died"],
  "dies later": ["completed", false, "tool faulty died"],
  "interrupts itself": ["completed", false, "tool faulty died"],
  "gives what is not JSON": ["completed", false, "tool faulty died"],
  cancels: ["interrupted", false, ""],
  "never ends": ["interrupted", true, ""],
  "cannot be interrupted": ["interrupted", true, "tool faulty did not stop within 2s and was abandoned"],
  "never finishes its finalizer": ["interrupted", true, "tool faulty did not stop within 2s and was abandoned"],
  "asks and gets no answer": ["interrupted", true, ""]
}

const callOf = (name: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "function_call", call_id: "c1", name, arguments: '{"cmd":"touch made"}' }
})

const calling = (name: string) => (): Stream.Stream<ModelEvent, ModelError> => Stream.make(callOf(name), completed)

describe("a turn ends once, for every fault of a port [76] [77]", () => {
  for (const [step, events] of Object.entries(modelSteps)) {
    for (const [name, [status, isInterrupted, logged]] of Object.entries(modelOutcomes)) {
      it.effect(`the model ${name}, ${step}`, () =>
        Effect.gen(function* () {
          const end = modelEnds[name]
          const answer = () =>
            Stream.concat(
              Stream.fromIterable(events),
              Stream.suspend(() => end?.() ?? Stream.empty)
            )
          // A synchronous exception occurs before there is a stream.
          const model = modelOf(name === "throws" && events.length === 0 ? () => end?.() ?? Stream.empty : answer)
          const server = yield* setUp({ model, toolbox: [fine] })
          const turns = yield* faultyTurn(server, isInterrupted ? Effect.void : undefined)
          assert.strictEqual(turns, status)
          if (logged !== "") assert.include(server.log.join("\n"), logged)
        })
      )
    }
  }

  for (const [name, [status, isInterrupted, logged]] of Object.entries(toolOutcomes)) {
    for (const publishesItems of [false, true]) {
      it.effect(`a tool ${name}${publishesItems ? "" : ", and its call is published"}`, () =>
        Effect.gen(function* () {
          const run = toolRuns[name]
          const tool = { ...toolOf((turn) => run?.(turn) ?? Effect.die("no such run")), publishesItems }
          const server = yield* setUp({ model: modelOf(calling("faulty")), toolbox: [tool] })
          const turns = yield* faultyTurn(server, isInterrupted ? Effect.void : undefined)
          assert.strictEqual(turns, status)
          if (logged !== "") assert.include(server.log.join("\n"), logged)
        })
      )
    }
  }

  it.effect("calls that do not stop take one grace together when they are interrupted", () =>
    Effect.gen(function* () {
      const calls = Array.from({ length: 4 }, (_, index): ModelEvent => ({
        _tag: "ItemDone",
        item: { type: "function_call", call_id: `c${index}`, name: "faulty", arguments: "{}" }
      }))
      const { client, log, threadId } = yield* setUp({
        model: modelOf(() => Stream.make(...calls, completed)),
        toolbox: [toolOf(() => stuck)]
      })
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go") })
      // The user's message and the calls.
      for (const _ of [turn, ...calls]) yield* client.notified("item/started")
      const { millis } = yield* passing(client.request("turn/interrupt", { threadId, turnId: turn.id }))
      assert.isAtMost(millis, 2000)
      assert.strictEqual(log.filter((line) => line.includes("tool faulty did not stop")).length, calls.length)
    })
  )

  it.effect("the call of an abandoned tool is completed, and publishes nothing afterwards", () =>
    Effect.gen(function* () {
      const run = (turn: Parameters<Parameters<typeof toolOf>[0]>[0]) =>
        Effect.uninterruptible(
          Effect.andThen(
            Effect.sleep("1 minute"),
            Effect.andThen(turn.progress("too late"), Effect.as(turn.progress("again"), { content: [], success: true }))
          )
        )
      const { client, threadId } = yield* setUp({ model: modelOf(calling("faulty")), toolbox: [toolOf(run)] })
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go") })
      yield* passing(client.request("turn/interrupt", { threadId, turnId: turn.id }))
      const events = yield* client.until((event) => nameOf(event) === "turn/completed")
      const items = events.filter((event) => nameOf(event) === "item/completed").map(paramsOf)
      const { item } = items.at(-1) as { readonly item: { readonly type: string; readonly status: string } }
      assert.deepStrictEqual([item.type, item.status], ["dynamicToolCall", "failed"])
      yield* TestClock.adjust("2 minutes")
      yield* client.request("turn/start", { threadId, input: userInput("again") })
      const names = yield* client.names("turn/completed")
      assert.notInclude(names, "item/mcpToolCall/progress")
    })
  )

  for (const name of Object.keys(sandboxes)) {
    it.effect(`a sandbox ${name}, and the command does not run`, () =>
      Effect.gen(function* () {
        const confine = sandboxes[name]
        const sandbox = Layer.succeed(
          Sandbox,
          Sandbox.of({
            confine: (...args) => confine?.(...args) ?? Effect.never,
            files: files({ protect: [] }),
            report: Effect.never
          })
        )
        const server = yield* setUp({ model: modelOf(calling("exec_command")), ownTools: true, sandbox })
        const { client, threadId } = server
        const { turn } = yield* client.request("turn/start", {
          threadId,
          input: userInput("go"),
          approvalPolicy: "never",
          sandboxPolicy: { type: "readOnly" }
        })
        const waits = name === "never ends" || name === "cannot be interrupted"
        if (waits) {
          const { millis } = yield* passing(client.request("turn/interrupt", { threadId, turnId: turn.id }))
          assert.isAtMost(millis, Deadline)
        }
        const { value } = yield* passing(endsUntil(client, turn.id))
        assert.deepStrictEqual(value, [[turn.id, waits ? "interrupted" : "completed"]])
        const { thread } = yield* client.request("thread/read", { threadId, includeTurns: true })
        const types = thread.turns.flatMap(({ items }) => items.map(({ type }) => type))
        assert.notInclude(types, "commandExecution")
      })
    )
  }

  for (const [what, faulty] of [
    ["model", { model: modelOf(() => modelEnds["cannot be interrupted"]?.() ?? Stream.empty) }],
    [
      "tool",
      {
        model: modelOf(calling("faulty")),
        toolbox: [toolOf(() => toolRuns["never finishes its finalizer"]?.({} as never) ?? Effect.never)]
      }
    ]
  ] as const) {
    it.effect(`the stop of all threads does not wait for a ${what} that cannot be interrupted`, () =>
      Effect.gen(function* () {
        const { client, threadId, threads } = yield* setUp(faulty)
        const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go") })
        yield* client.notified("turn/started")
        const { millis } = yield* passing(threads.stop)
        assert.isAtMost(millis, Deadline)
        assert.deepStrictEqual(yield* endsUntil(client, turn.id), [[turn.id, "interrupted"]])
      })
    )
  }
})
