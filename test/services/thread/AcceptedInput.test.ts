import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import type { Turn } from "../../../src/protocol/v2/turn/Turn.ts"
import type { ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { cwd, makeServer, type ServerOptions, userInput } from "../../support/Server.ts"
import { gated } from "../../support/Tools.ts"

/** A memory store that begins with these events. `log` returns those of its only thread. */
const storeWith = Effect.fnUntraced(function* (before: ReadonlyArray<ThreadEvent>) {
  const store = yield* Memory.make
  const [first] = before
  const log: Array<ThreadEvent> = [...before]
  if (first?._tag === "Created") yield* store.append(first.origin.id, 0, before)
  const recording = ThreadStore.of({
    ...store,
    append: (threadId, seq, events) =>
      Effect.tap(store.append(threadId, seq, events), () => Effect.sync(() => void log.push(...events)))
  })
  return { log, layer: Layer.succeed(ThreadStore, recording) }
})

const textsOf = (turns: ReadonlyArray<Turn>) =>
  turns.flatMap(({ items }) =>
    items.flatMap((item) =>
      item.type === "userMessage" ? item.content.flatMap((part) => (part.type === "text" ? [part.text] : [])) : []
    )
  )

/** What a server that finds this log has of the texts: in its turns, and in its queue. */
const found = (log: ReadonlyArray<ThreadEvent>, options: ServerOptions = {}) =>
  Effect.gen(function* () {
    const [first] = log
    const threadId = first?._tag === "Created" ? first.origin.id : ""
    const server = yield* makeServer({ store: (yield* storeWith(log)).layer, ...options })
    const client = yield* server.connect({ capabilities: { experimentalApi: true } })
    const { thread } = yield* client.request("thread/resume", { threadId })
    const { data } = yield* client.request("thread/queue/list", { threadId })
    const queued = data.flatMap(({ input }) => input.flatMap((part) => (part.type === "text" ? [part.text] : [])))
    return { client, model: server.model, shown: textsOf(thread.turns), queued, thread }
  })

describe("input that a client knows to be accepted", () => {
  it.effect("is in the queue or in a turn, and never in both, wherever a crash cuts the log", () =>
    Effect.gen(function* () {
      const { layer, log } = yield* storeWith([])
      const { connect, model } = yield* makeServer({ store: layer })
      const client = yield* connect({ capabilities: { experimentalApi: true } })
      const { thread } = yield* client.request("thread/start", { cwd })
      yield* client.request("turn/start", { threadId: thread.id, input: userInput("first") })
      const call = yield* model.next
      const add = { threadId: thread.id, input: userInput("queued"), clientUserMessageId: "m" }
      yield* client.request("thread/queue/add", add)
      const answered = log.length
      yield* call.finish("one")
      yield* model.reply("two")
      yield* client.notified("turn/completed")
      yield* client.notified("turn/completed")
      for (let cut = answered; cut <= log.length; cut++) {
        const { queued, shown } = yield* Effect.scoped(found(log.slice(0, cut)))
        assert.deepStrictEqual(
          [...shown, ...queued].filter((text) => text === "queued"),
          ["queued"],
          `cut behind ${log[cut - 1]?._tag}`
        )
      }
    })
  )

  it.effect("is in its turn when it was added to a running one, wherever a crash cuts the log", () =>
    Effect.gen(function* () {
      const { layer, log } = yield* storeWith([])
      const gate = yield* Deferred.make<void>()
      const { connect, model } = yield* makeServer({ store: layer, toolbox: [gated("slow", Deferred.await(gate))] })
      const client = yield* connect({ capabilities: { experimentalApi: true } })
      const { thread } = yield* client.request("thread/start", { cwd })
      const threadId = thread.id
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("first") })
      const call = yield* model.call(["slow", "c1"])
      yield* call.closed
      yield* client.request("turn/steer", { threadId, expectedTurnId: turn.id, input: userInput("steered") })
      yield* client.request("turn/start", { threadId, input: userInput("added") })
      const answered = log.length
      yield* Deferred.succeed(gate, undefined)
      yield* model.reply("done")
      yield* client.notified("turn/completed")
      for (let cut = answered; cut <= log.length; cut++) {
        const { client, model, shown, thread } = yield* found(log.slice(0, cut))
        assert.deepStrictEqual(shown, ["first", "steered", "added"], `cut behind ${log[cut - 1]?._tag}`)
        assert.notStrictEqual(thread.turns[0]?.status, "inProgress")
        // The model gets it with the next turn.
        yield* client.request("turn/start", { threadId, input: userInput("next") })
        const asked = yield* model.reply("ok")
        const entries = asked.request.input.map((entry) => JSON.stringify(entry))
        for (const text of ["steered", "added", "next"]) {
          assert.strictEqual(entries.filter((entry) => entry.includes(`"${text}"`)).length, 1, text)
        }
        yield* client.notified("turn/completed")
      }
    })
  )

  it.effect("reaches the model when its turn goes on after the crash", () =>
    Effect.gen(function* () {
      const cliOverrides = [["spindle.recover", "resume"]] as const
      const { layer, log } = yield* storeWith([])
      const toolbox = [gated("slow", Effect.never)]
      const { connect, model } = yield* makeServer({ store: layer, toolbox, cliOverrides })
      const client = yield* connect({ capabilities: { experimentalApi: true } })
      const { thread } = yield* client.request("thread/start", { cwd })
      const threadId = thread.id
      const { turn } = yield* client.request("turn/start", { threadId, input: userInput("first") })
      const call = yield* model.call(["slow", "c1"])
      yield* call.closed
      yield* client.request("turn/steer", { threadId, expectedTurnId: turn.id, input: userInput("steered") })
      const again = yield* found(Array.from(log), { cliOverrides })
      const asked = yield* again.model.reply("done")
      const entries = asked.request.input.map((entry) => JSON.stringify(entry))
      assert.strictEqual(entries.filter((entry) => entry.includes('"steered"')).length, 1)
      yield* again.client.notified("turn/completed")
      const { thread: read } = yield* again.client.request("thread/read", { threadId, includeTurns: true })
      assert.deepStrictEqual(textsOf(read.turns), ["first", "steered"])
    })
  )
})
