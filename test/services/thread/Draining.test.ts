import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { type Client, makeServer, userInput } from "../../support/Server.ts"

const startThread = (client: Client) => Effect.map(client.request("thread/start", {}), ({ thread }) => thread.id)

const draining = {
  code: -32600,
  message: "Server is draining; retry after reconnecting",
  data: { reason: "serverShuttingDown" }
}

const refusalOf = (error: {
  readonly _tag: string
  readonly code?: number
  readonly message: string
  readonly data?: unknown
}) => ({
  code: error.code,
  message: error.message,
  data: error.data
})

describe("a server that drains", () => {
  it.effect("ends with the last running turn", () =>
    Effect.gen(function* () {
      const { connect, model, threads } = yield* makeServer()
      const client = yield* connect()
      const ids = [yield* startThread(client), yield* startThread(client)]
      const calls = yield* Effect.forEach(ids, (threadId) =>
        Effect.andThen(client.request("turn/start", { threadId, input: userInput("go") }), model.next)
      )
      const drain = yield* Effect.forkChild(threads.drain, { startImmediately: true })
      yield* calls[0]!.finish("one")
      yield* client.notified("turn/completed")
      assert.isUndefined(drain.pollUnsafe())
      yield* calls[1]!.finish("two")
      yield* Fiber.join(drain)
      assert.strictEqual(threads.running(), 0)
    })
  )

  it.effect("refuses new turns with a retryable error", () =>
    Effect.gen(function* () {
      const { connect, model, threads } = yield* makeServer()
      const client = yield* connect()
      const busy = yield* startThread(client)
      const idle = yield* startThread(client)
      yield* client.request("turn/start", { threadId: busy, input: userInput("go") })
      const call = yield* model.next
      yield* Effect.forkChild(threads.drain, { startImmediately: true })
      const refused = yield* Effect.flip(
        client.request("turn/start", { threadId: idle, input: userInput("go"), model: "other" })
      )
      assert.deepStrictEqual(refusalOf(refused), draining)
      // The refused request has no effect.
      const { thread } = yield* client.request("thread/read", { threadId: idle, includeTurns: false })
      assert.notStrictEqual(thread.preview, "go")
      yield* call.finish("done")
      yield* client.notified("turn/completed")
      const late = yield* Effect.flip(client.request("turn/start", { threadId: busy, input: userInput("more") }))
      assert.deepStrictEqual(refusalOf(late), draining)
    })
  )

  it.effect("still accepts input for running turns, answers requests about threads, and starts threads", () =>
    Effect.gen(function* () {
      const { connect, model, threads } = yield* makeServer()
      const client = yield* connect()
      const threadId = yield* startThread(client)
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go") })
      const call = yield* model.next
      yield* Effect.forkChild(threads.drain, { startImmediately: true })
      const added = yield* client.request("turn/start", { threadId, input: userInput("and this") })
      assert.strictEqual(added.turn.id, turn.id)
      assert.deepStrictEqual((yield* client.request("thread/loaded/list", {})).data, [threadId])
      yield* startThread(client)
      yield* call.finish("one")
      yield* Effect.flatMap(model.next, (next) => next.finish("two"))
      yield* client.notified("turn/completed")
    })
  )

  it.effect("is done at once when nothing runs", () =>
    Effect.gen(function* () {
      const { threads } = yield* makeServer()
      yield* threads.drain
    })
  )

  it.effect("logs the number of running turns whenever it changes", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push(String(message)))
    return Effect.gen(function* () {
      const { connect, model, threads } = yield* makeServer()
      const client = yield* connect()
      const calls = yield* Effect.forEach([1, 2, 3], () =>
        Effect.gen(function* () {
          const threadId = yield* startThread(client)
          yield* client.request("turn/start", { threadId, input: userInput("go") })
          return yield* model.next
        })
      )
      const drain = yield* Effect.forkChild(threads.drain, { startImmediately: true })
      for (const call of calls) {
        yield* call.finish("done")
        yield* client.notified("turn/completed")
      }
      yield* Fiber.join(drain)
      assert.deepStrictEqual(
        lines.filter((line) => line.startsWith("draining")),
        [3, 2, 1].map((turns) => `draining: waiting for ${turns} running turn(s) to end`)
      )
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})
