import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientRequestMethod } from "../../../src/protocol/Methods.ts"
import { copyOf, NotJson } from "../../../src/services/connection/JsonCopy.ts"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import { cwd, userInput } from "../../support/Server.ts"
import { makeThread } from "../../support/Threads.ts"

/** Mutates everything reachable from a value. */
const spoil = (value: unknown): void => {
  if (typeof value !== "object" || value === null) return
  const members = value as Record<string, unknown>
  for (const key of Object.keys(members)) {
    spoil(members[key])
    members[key] = "spoilt"
  }
  if (Array.isArray(value)) value.push("spoilt")
  else members["spoilt"] = true
}

const open = Effect.fnUntraced(function* () {
  const server = yield* makeThread()
  const { client, threadId } = server
  yield* server.turn("hello", "an answer")
  /** The text of a response, which is mutated afterwards. */
  const ask = Effect.fnUntraced(function* (method: ClientRequestMethod, params: object = {}) {
    const result = yield* client.handle.requestUnknown({ id: `${method} ${Math.random()}`, method, params })
    const text = JSON.stringify(result)
    spoil(result)
    return text
  })
  const read = ask("thread/read", { threadId, includeTurns: true })
  return { ...server, ask, read }
})

describe("an in-process client", () => {
  for (const [method, params] of [
    ["thread/read", (threadId: string) => ({ threadId, includeTurns: true })],
    ["thread/resume", (threadId: string) => ({ threadId })],
    ["thread/list", () => ({})],
    ["thread/loaded/list", () => ({})],
    ["model/list", () => ({})],
    ["config/read", () => ({})],
    ["configRequirements/read", () => undefined],
    ["account/read", () => ({})]
  ] as const) {
    it.effect(`gets a copy from ${method} [72]`, () =>
      Effect.gen(function* () {
        const { ask, threadId } = yield* open()
        const first = yield* ask(method, params(threadId))
        assert.strictEqual(yield* ask(method, params(threadId)), first)
      })
    )
  }

  it.effect("gets a copy from thread/start and turn/start [72]", () =>
    Effect.gen(function* () {
      const { ask, client, model, threadId } = yield* open()
      const read = (id: string, includeTurns: boolean) => ask("thread/read", { threadId: id, includeTurns })
      const started = yield* client.request("thread/start", { cwd })
      const { id } = started.thread
      const before = yield* read(id, false)
      spoil(started)
      assert.strictEqual(yield* read(id, false), before)

      const turn = yield* client.request("turn/start", { threadId, input: userInput("more") })
      yield* model.reply("another answer")
      const turns = yield* read(threadId, true)
      spoil(turn)
      assert.strictEqual(yield* read(threadId, true), turns)
    })
  )

  it.effect("gets its own copies of events [72]", () =>
    Effect.gen(function* () {
      const { client, connect, model, read, threadId, wire } = yield* open()
      const other = yield* connect({ capabilities: { experimentalApi: true } })
      yield* other.request("thread/resume", { threadId })
      const third = yield* wire()
      yield* third.initialize({ experimentalApi: true })
      yield* third.request(1, "thread/resume", { threadId })
      yield* client.request("turn/start", { threadId, input: userInput("more") })
      yield* model.reply("another answer")
      const isLast = (event: ClientEvent) =>
        event._tag === "ServerNotification" && event.notification.method === "turn/completed"
      const events = yield* client.until(isLast)
      const texts = events.map((event) => JSON.stringify(event))
      const before = yield* read
      events.forEach(spoil)
      const begin = texts.findIndex((text) => text.includes('"turn/started"'))
      const others = (yield* other.until(isLast)).map((event) => JSON.stringify(event))
      assert.deepStrictEqual(
        others.slice(others.findIndex((text) => text.includes('"turn/started"'))),
        texts.slice(begin)
      )
      while (third.outgoing.stats.size > 0) assert.notInclude(yield* third.text, "spoilt")
      assert.strictEqual(yield* read, before)
    })
  )

  it.effect("sends copies: mutating a message afterwards has no effect [72]", () =>
    Effect.gen(function* () {
      const { client, model, notified, read, threadId } = yield* Effect.map(open(), (server) => ({
        ...server,
        notified: server.client.notified
      }))
      const params = {
        threadId,
        input: userInput("more"),
        sandboxPolicy: { type: "readOnly" as const, networkAccess: false }
      }
      yield* client.request("turn/start", params)
      spoil(params)
      yield* model.reply("another answer")
      yield* notified("turn/completed")
      assert.notInclude(yield* read, "spoilt")
    })
  )

  it.effect.prop("copies what JSON can represent, and nothing else", [Schema.Json], ([value]) =>
    Effect.sync(() => {
      const copy = copyOf(value)
      assert.deepStrictEqual(copy, value)
      const text = JSON.stringify(value)
      spoil(copy)
      assert.strictEqual(JSON.stringify(value), text)
    })
  )

  it.effect("omits undefined members, and does not copy values that are not JSON", () =>
    Effect.sync(() => {
      assert.deepStrictEqual(copyOf({ a: undefined, b: [{ c: 1, d: undefined }] }), { b: [{ c: 1 }] })
      const circle: Record<string, unknown> = {}
      circle["circle"] = circle
      for (const value of [undefined, () => 1, 1n, Symbol("s"), [undefined], { a: { b: 1n } }, circle]) {
        assert.strictEqual(copyOf(value), NotJson)
      }
      const named = JSON.parse('{"__proto__":{"a":1}}')
      assert.strictEqual(JSON.stringify(copyOf(named)), '{"__proto__":{"a":1}}')
    })
  )
})
