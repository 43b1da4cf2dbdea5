import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as PlatformError from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Sink from "effect/Sink"
import * as StandardIo from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Stdio from "../../../src/layers/transports/Stdio.ts"
import * as ConnectionLimits from "../../../src/layers/transports/ConnectionLimits.ts"
import { MessageProcessor } from "../../../src/services/connection/MessageProcessor.ts"
import { sessionOf } from "../../support/Connections.ts"
import { gated, Interrupt, List, ok, page, turn } from "../../support/Gates.ts"

const brokenPipe = PlatformError.systemError({ _tag: "Unknown", module: "Stdio", method: "stdout" })

/** A stdio client of handlers with gates. */
const serving = Effect.fnUntraced(function* (
  limits: Partial<ConnectionLimits.ConnectionLimits> = {},
  isInitialized = true,
  answered?: string,
  isOutputOpen = true
) {
  const { gates, processor } = yield* gated
  const input = yield* Queue.make<Uint8Array, Cause.Done>()
  const output = yield* Queue.unbounded<string>()
  const stdio = StandardIo.layerTest({
    stdin: Stream.fromQueue(input),
    stdout: () => (isOutputOpen ? Sink.forEach((text) => Queue.offer(output, String(text))) : Sink.fail(brokenPipe))
  })
  const served = yield* Stdio.serve({
    limits: { ...ConnectionLimits.defaultLimits, ...limits },
    answered
  }).pipe(Effect.provide(stdio), Effect.provideService(MessageProcessor, processor))
  if (isInitialized) served.connection.initialize(sessionOf())
  const type = (text: string) => Queue.offer(input, new TextEncoder().encode(text))
  return {
    gates,
    served,
    type,
    ask: (id: number, method: string, params: object) => type(`${JSON.stringify({ id, method, params })}\n`),
    endInput: Queue.end(input),
    /** The messages of one write. */
    written: Effect.map(Queue.take(output), (text) =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line))
    )
  }
})

describe("a server on standard input and output", () => {
  it.effect("answers every request that was read when its input ends, and then ends [52]", () =>
    Effect.gen(function* () {
      const { ask, endInput, gates, served, type, written } = yield* serving()
      yield* ask(1, Interrupt, turn("t", "a"))
      yield* ask(2, Interrupt, turn("t", "b"))
      yield* type(`${JSON.stringify({ id: 3, method: List, params: {} })}\n{"id":4,"meth`)
      yield* endInput
      yield* served.inputEnded
      const done = yield* Effect.forkChild(served.close({ _tag: "InputEnded" }))
      yield* gates.hasStarted("a")
      assert.deepStrictEqual(yield* written, [ok(3, page())])
      assert.isUndefined(done.pollUnsafe())
      yield* gates.open("a")
      yield* gates.hasStarted("b")
      assert.deepStrictEqual(yield* written, [ok(1)])
      assert.isUndefined(done.pollUnsafe())
      yield* gates.open("b")
      yield* Fiber.join(done)
      assert.deepStrictEqual(yield* written, [ok(2)])
    })
  )

  it.effect("does not repeat a response that was already written, and writes every other one", () =>
    Effect.gen(function* () {
      const answered = JSON.stringify(ok(1, page()))
      const { ask, type, written } = yield* serving({}, true, answered)
      const list = (id: number) => `${JSON.stringify({ id, method: List, params: {} })}\n`
      yield* type(list(1) + list(1) + list(2))
      assert.deepStrictEqual(yield* written, [ok(1, page()), ok(2, page())])
      yield* ask(1, List, {})
      assert.deepStrictEqual(yield* written, [ok(1, page())])
      const other = yield* serving({}, true, answered)
      yield* other.ask(2, List, {})
      assert.deepStrictEqual(yield* other.written, [ok(2, page())])
    })
  )

  it.effect("answers each of 10000 pipelined requests followed by the end of input [52]", () =>
    Effect.gen(function* () {
      const { endInput, served, type, written } = yield* serving()
      const ids = Array.from({ length: 10_000 }, (_, id) => id)
      yield* type(ids.map((id) => `${JSON.stringify({ id, method: List, params: {} })}\n`).join(""))
      yield* endInput
      const answers: Array<unknown> = []
      while (answers.length < ids.length) answers.push(...(yield* written))
      assert.deepStrictEqual(
        answers,
        ids.map((id) => ok(id, page()))
      )
      yield* served.close({ _tag: "InputEnded" })
    })
  )

  it.effect("answers a request in a last line without a line ending [52]", () =>
    Effect.gen(function* () {
      const { endInput, served, type, written } = yield* serving()
      yield* type(`{"id":1,"method":"${List}",`)
      yield* type('"params":{}}')
      yield* endInput
      yield* served.inputEnded
      assert.deepStrictEqual(yield* written, [ok(1, page())])
      yield* served.close({ _tag: "InputEnded" })
    })
  )

  it.effect("ends when standard output fails, although the input does not end [52]", () =>
    Effect.gen(function* () {
      const { ask, served } = yield* serving({}, true, undefined, false)
      yield* ask(1, List, {})
      yield* served.inputEnded
      yield* served.closed
    })
  )

  it.effect("continues after a line that is not a message, too long, or not UTF-8 [10]", () =>
    Effect.gen(function* () {
      const { ask, type, written } = yield* serving({ maxMessageBytes: 100 })
      yield* type(`hello\n\n${"x".repeat(200)}\n`)
      yield* type("\u{1f600}".repeat(80))
      yield* type("\n")
      yield* ask(1, List, {})
      assert.deepStrictEqual(yield* written, [ok(1, page())])
    })
  )

  it.effect("skips a line before initialize that is longer than 1 MiB, but not after it", () =>
    Effect.gen(function* () {
      const { ask, served, type, written } = yield* serving({}, false)
      const long = (id: number) =>
        `{"id":${id},"method":"${List}","params":{},"padding":"${"x".repeat(2 * 1024 * 1024)}"}`
      yield* type(long(1))
      yield* type("\n")
      yield* ask(2, List, {})
      assert.deepStrictEqual(yield* written, [{ error: { code: -32600, message: "Not initialized" }, id: 2 }])
      served.connection.initialize(sessionOf())
      yield* type(long(3))
      yield* type("\n")
      assert.deepStrictEqual(yield* written, [ok(3, page())])
    })
  )
})
