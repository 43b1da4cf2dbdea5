/**
 * The tests of every transport: the statements of `docs/contract.md` about connections.
 *
 * @module
 */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Shutdown } from "../../src/services/connection/Shutdown.ts"
import { MessageProcessor } from "../../src/services/connection/MessageProcessor.ts"
import { InterruptGrace } from "../../src/services/thread/turn/Supervised.ts"
import { cwd, userInput } from "../support/Server.ts"
import type { ReceivedMessage } from "../support/WirePeer.ts"
import { type Channel, Subject } from "./Subject.ts"

/** The differences between transports. */
export interface Traits {
  /** Whether clients initialize with a request. */
  readonly handshake: boolean
  /** The share of 5 seconds that running requests get when the server stops. */
  readonly patience: Duration.Input
  /** The error of a request that is interrupted then. */
  readonly cut: string
}

const List = "thread/loaded/list"

const initialize = { clientInfo: { name: "suite", version: "1" }, capabilities: { experimentalApi: true } }

/** A client that numbers its requests. */
const clientOf = (channel: Channel) => {
  let nextId = 1
  /** Reads until a message matches. */
  const until = Effect.fnUntraced(function* (matches: (message: ReceivedMessage) => boolean) {
    while (true) {
      const message = yield* channel.next
      if (matches(message)) return message
    }
  })
  const answerTo = (id: unknown) => until((message) => message.id === id && message.method === undefined)
  const request = Effect.fnUntraced(function* (method: string, params: object = {}) {
    const id = nextId++
    yield* channel.send({ id, method, params })
    return yield* answerTo(id)
  })
  const notified = (name: string) => until(({ id, method }) => method === name && id === undefined)
  return { ...channel, until, answerTo, request, notified }
}

const threadOf = ({ result }: ReceivedMessage) => (result as { readonly thread: { readonly id: string } }).thread.id

const statusOf = ({ params }: ReceivedMessage) => (params as { readonly turn: { readonly status: string } }).turn.status

export const suite = (name: string, layer: Layer.Layer<Subject, unknown>, traits: Traits): void => {
  const test = (
    title: string,
    body: Effect.Effect<void, unknown, Subject | Scope.Scope>,
    interruptGrace = Duration.seconds(2)
  ) => it.effect(title, () => Effect.provideService(Effect.provide(body, layer), InterruptGrace, interruptGrace))

  /** A client that has initialized. */
  const connected = Effect.gen(function* () {
    const { connect } = yield* Subject
    const client = clientOf(yield* connect)
    if (traits.handshake) yield* client.request("initialize", initialize)
    return client
  })

  /** A client with a thread in which the tool runs. */
  const working = Effect.fnUntraced(function* (tool: string) {
    const { model } = yield* Subject
    const client = yield* connected
    const threadId = threadOf(yield* client.request("thread/start", { cwd }))
    yield* client.request("turn/start", { threadId, input: userInput("go") })
    yield* model.call([tool, "c1"])
    return { client, threadId }
  })

  describe(`a connection ${name}`, () => {
    if (traits.handshake) {
      test(
        "answers nothing before initialize, and initializes once [1] [2]",
        Effect.gen(function* () {
          const { connect } = yield* Subject
          const client = clientOf(yield* connect)
          assert.strictEqual((yield* client.request(List)).error?.message, "Not initialized")
          assert.isDefined((yield* client.request("initialize", initialize)).result)
          assert.strictEqual((yield* client.request("initialize", initialize)).error?.message, "Already initialized")
          assert.isDefined((yield* client.request(List)).result)
        })
      )
    }

    test(
      "continues after a request that cannot be decoded [10]",
      Effect.gen(function* () {
        const client = yield* connected
        assert.strictEqual((yield* client.request("no/such")).error?.code, -32600)
        assert.strictEqual((yield* client.request("thread/read", { threadId: 1 })).error?.code, -32600)
        assert.isDefined((yield* client.request(List)).result)
      })
    )

    test(
      "returns ids unchanged [11]",
      Effect.gen(function* () {
        const client = yield* connected
        for (const id of ["a", "7", 7, 0, -1]) {
          yield* client.send({ id, method: List, params: {} })
          assert.isDefined((yield* client.answerTo(id)).result)
        }
      })
    )

    test(
      "answers each of 1000 requests exactly once",
      Effect.gen(function* () {
        const client = yield* connected
        const ids = Array.from({ length: 1000 }, (_, index) => `r${index}`)
        for (const id of ids) yield* client.send({ id, method: List, params: {} })
        const answered: Array<unknown> = []
        while (answered.length < ids.length) answered.push((yield* client.until(({ id }) => id !== undefined)).id)
        assert.sameMembers(answered, ids)
        // Another response would precede this one.
        yield* client.send({ id: "last", method: List, params: {} })
        assert.strictEqual((yield* client.until(({ id }) => id !== undefined)).id, "last")
      })
    )

    test(
      "is separate from another one with the same ids [59]",
      Effect.gen(function* () {
        const [one, other] = [yield* connected, yield* connected]
        yield* one.send({ id: "same", method: List, params: {} })
        yield* other.send({ id: "same", method: "no/such", params: {} })
        assert.isDefined((yield* one.answerTo("same")).result)
        assert.isDefined((yield* other.answerTo("same")).error)
      })
    )

    test(
      "answers and publishes while a server request is pending [31]",
      Effect.gen(function* () {
        const { model } = yield* Subject
        const { client, threadId } = yield* working("ask")
        const asked = yield* client.until(({ id, method }) => id !== undefined && method !== undefined)
        assert.isDefined((yield* client.request("thread/read", { threadId })).result)
        yield* client.send({ id: asked.id, result: { decision: "accept" } })
        yield* model.reply("done")
        assert.strictEqual(statusOf(yield* client.notified("turn/completed")), "completed")
      })
    )

    test(
      "ends without its turns, and is removed [58]",
      Effect.gen(function* () {
        const { model, open, router, threads } = yield* Subject
        const { client, threadId } = yield* working("slow")
        yield* client.leave
        while (router.connections().length > 0) yield* Effect.yieldNow
        assert.strictEqual(threads.running(), 1)
        const other = yield* connected
        assert.isDefined((yield* other.request("thread/resume", { threadId })).result)
        yield* open
        yield* model.reply("done")
        assert.strictEqual(statusOf(yield* other.notified("turn/completed")), "completed")
      })
    )

    test(
      "gets the end of its turn when the server stops, and then ends without a trace [22] [23]",
      Effect.gen(function* () {
        const { router, services } = yield* Subject
        const { client } = yield* working("slow")
        const { stop } = yield* Effect.provideContext(Shutdown, services)
        const { connections } = yield* Effect.provideContext(MessageProcessor, services)
        const stopping = yield* Effect.forkChild(stop("5 seconds"))
        assert.strictEqual(statusOf(yield* client.notified("turn/completed")), "interrupted")
        yield* Fiber.join(stopping)
        yield* client.ended
        assert.deepStrictEqual([connections().length, router.connections().length], [0, 0])
      })
    )

    test(
      "ends at the deadline even if a request never ends, which has one response [23]",
      Effect.gen(function* () {
        const { open, services } = yield* Subject
        const { client, threadId } = yield* working("stubborn")
        const { connections } = yield* Effect.provideContext(MessageProcessor, services)
        const { stop } = yield* Effect.provideContext(Shutdown, services)
        const read = yield* client.request("thread/read", { threadId, includeTurns: true })
        const { thread } = read.result as {
          readonly thread: { readonly turns: ReadonlyArray<{ readonly id: string }> }
        }
        yield* client.send({ id: "never", method: "turn/interrupt", params: { threadId, turnId: thread.turns[0]?.id } })
        while (!connections().some(({ connection }) => connection.running > 0)) yield* Effect.yieldNow
        const stopping = yield* Effect.forkChild(stop("5 seconds"), { startImmediately: true })
        yield* TestClock.adjust(traits.patience)
        assert.deepStrictEqual((yield* client.answerTo("never")).error, {
          code: -32603,
          message: traits.cut
        })
        // The tool still holds resources of the server.
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(stopping)
        yield* client.ended
        yield* open
      }),
      // The turn waits longer for its tool than the server does.
      Duration.hours(1)
    )
  })
}
