import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { modelOf, toolOf } from "../../support/Faults.ts"
import { completed } from "../../support/ScriptedModel.ts"
import { cwd, makeServer, nameOf, userInput, type ServerOptions } from "../../support/Server.ts"
import { paramsOf } from "../../support/Threads.ts"

const call = Stream.make(
  {
    _tag: "ItemDone" as const,
    item: { type: "function_call" as const, call_id: "c1", name: "faulty", arguments: "{}" }
  },
  completed
)

/** A client with room for so many events, and a thread. */
const setUp = Effect.fnUntraced(function* (channelCapacity: number, options: ServerOptions) {
  const server = yield* makeServer(options)
  const client = yield* server.connect({ channelCapacity, capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd })
  const threadId = thread.id
  return { ...server, client, threadId, start: client.request("turn/start", { threadId, input: userInput("go") }) }
})

const settle = Effect.repeat(Effect.yieldNow, { times: 100 })

describe("a client that does not read its events", () => {
  const moments = ["turn/started", "item/started", "item/completed", "thread/tokenUsage/updated"]
  it.effect.each(moments)("has the answer to its interrupt, while it handles %s", (moment) =>
    Effect.gen(function* () {
      const { client, start, threadId } = yield* setUp(1, {
        model: modelOf(() => call),
        // The tokens are counted behind the call.
        toolbox: [
          toolOf(() => (moment.startsWith("thread") ? Effect.succeed({ content: [], success: true }) : Effect.never))
        ]
      })
      yield* Effect.forkChild(start)
      yield* client.until((event) => nameOf(event) === moment)
      yield* settle
      assert.deepStrictEqual(yield* client.request("turn/interrupt", { threadId, turnId: "" }), {})
      const events = yield* client.until((event) => nameOf(event) === "turn/completed")
      const { turn } = paramsOf(events.at(-1)) as { readonly turn: { readonly status: string } }
      assert.strictEqual(turn.status, "interrupted")
    })
  )

  it.effect("has the answer to a turn that changes settings", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* setUp(1, { model: modelOf(() => Stream.make(completed)) })
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("go"), cwd: `${cwd}/other` })
      assert.strictEqual(turn.status, "inProgress")
      yield* client.until((event) => nameOf(event) === "turn/completed")
    })
  )

  const rooms = Array.from({ length: 16 }, (_, index) => index + 1)
  it.effect.each(rooms)("has the answers to its turns, with room for %d", (room) =>
    Effect.gen(function* () {
      const { client, start, threadId, threads } = yield* setUp(room, { model: modelOf(() => Stream.make(completed)) })
      for (let count = 0; count < 4; count++) {
        yield* start
        yield* settle
      }
      const last = threads.find(threadId)?.isRunning === true
      if (last) assert.deepStrictEqual(yield* client.request("turn/interrupt", { threadId, turnId: "" }), {})
      const reading = yield* Effect.forkChild(Effect.forever(client.next))
      yield* threads.drain
      yield* Fiber.interrupt(reading)
    })
  )
})
