/**
 * The contract of every client and server, independent of how they are connected.
 *
 * @module
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { failureOf } from "../support/Failures.ts"
import * as ModelServer from "../support/ModelServer.ts"
import { deltasOf, isDelta, userInput, transcriptOf, turn, turnEnds, until } from "./Events.ts"
import { liveOn } from "./Live.ts"
import { Subject } from "./Subject.ts"

/** The differences between servers and between transports. */
export interface Traits {
  /** Whether several clients can connect to one server. */
  readonly isShared: boolean
  /** The error text of requests after the client was closed. */
  readonly closed: string
  /** The error of requests that are pending when the client is closed. */
  readonly cut: "TransportError" | "ServerError"
  /** Whether there is a connection that can be lost. */
  readonly isRemote: boolean
  /** Appended to test names: the statements that apply to the transport. */
  readonly statement?: string
}

export const suite = (
  name: string,
  layer: Layer.Layer<Subject, unknown, ModelServer.ModelServer>,
  traits: Traits
): void => {
  const live = liveOn(layer, traits.statement)

  describe(`a client ${name}`, () => {
    live(
      "sends typed requests and knows the server's version and home",
      Effect.gen(function* () {
        const { connect, home, work } = yield* Subject
        const client = yield* connect("contract")
        const started = yield* client.request("thread/start", {})
        const read = yield* client.request("thread/read", { threadId: started.thread.id })
        assert.deepStrictEqual(
          [client.serverVersion, client.codexHome, started.cwd, read.thread.id, read.thread.status.type],
          ["0.169.0", home, work, started.thread.id, "idle"]
        )
      })
    )

    live(
      "distinguishes errors of the server from requests that were not delivered",
      Effect.gen(function* () {
        const client = yield* (yield* Subject).connect("contract")
        const { thread } = yield* client.request("thread/start", {})
        const refused = yield* failureOf(client.request("turn/interrupt", { threadId: thread.id, turnId: "none" }))
        assert.deepStrictEqual(
          refused?._tag === "ServerError" && [refused.method, refused.code, refused.detail, refused.message],
          [
            "turn/interrupt",
            -32600,
            "no active turn to interrupt",
            "turn/interrupt failed: no active turn to interrupt (code -32600)"
          ]
        )
        yield* client.shutdown
        const lost = yield* failureOf(client.requestHandle.request("model/list", {}))
        assert.deepStrictEqual(lost?._tag === "TransportError" && [lost.method, lost.reason._tag, lost.detail], [
          "model/list",
          "Closed",
          traits.closed
        ])
      })
    )

    live(
      "receives the events of a turn in order",
      Effect.gen(function* () {
        const client = yield* (yield* Subject).connect("contract")
        const { thread } = yield* client.request("thread/start", {})
        assert.deepStrictEqual(transcriptOf(yield* turn(client, thread.id, "one ", "two")), [
          "turn/started",
          "item/started userMessage",
          "item/completed userMessage",
          "item/started agentMessage",
          "delta one ",
          "delta two",
          "item/completed agentMessage",
          "turn/completed completed"
        ])
      })
    )

    live(
      "answers approvals from its events while other requests continue, each with its own response",
      Effect.gen(function* () {
        const { connect, work } = yield* Subject
        const client = yield* connect("contract")
        const { thread } = yield* client.request("thread/start", { approvalPolicy: "untrusted" })
        const threadId = thread.id
        const speaking = yield* Effect.forkChild(
          Effect.all([
            ModelServer.run("call_1", "touch accepted"),
            ModelServer.run("call_2", "touch declined"),
            ModelServer.reply("done")
          ])
        )
        const asked = Effect.fnUntraced(function* (command: string, decision: "accept" | "decline") {
          const event = (yield* until(client, (event) => event._tag === "ServerRequest")).at(-1)
          if (event?._tag !== "ServerRequest") return assert.fail("no server request arrived")
          const { request } = event
          if (request.method !== "item/commandExecution/requestApproval") return assert.fail(request.method)
          assert.include(request.params.command ?? "", command)
          // The turn waits; other requests do not.
          const others = yield* Effect.all(
            [client.request("thread/read", { threadId }), client.request("model/list", {})],
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(others[0].thread.status, { type: "active", activeFlags: ["waitingOnApproval"] })
          yield* client.respond(request, { decision })
        })
        yield* client.request("turn/start", { threadId, input: userInput("go") })
        yield* asked("touch accepted", "accept")
        yield* asked("touch declined", "decline")
        yield* until(client, turnEnds)
        yield* Fiber.join(speaking)
        assert.deepStrictEqual([existsSync(join(work, "accepted")), existsSync(join(work, "declined"))], [true, false])
      })
    )

    live(
      "receives all of 5 000 deltas when it reads late, and responses before it has read them [42]",
      Effect.gen(function* () {
        const { next } = yield* ModelServer.ModelServer
        const client = yield* (yield* Subject).connect("contract")
        const { thread } = yield* client.request("thread/start", {})
        const words = Array.from({ length: 5000 }, (_, index) => `${index} `)
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("count") })
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened)
        for (let from = 0; from < words.length; from += 250) {
          yield* asked.send(...words.slice(from, from + 250).map(ModelServer.delta))
          yield* client.request("thread/loaded/list", {})
        }
        yield* asked.send(ModelServer.done(words.join("")), ModelServer.completed)
        yield* asked.end
        const events = yield* until(client, turnEnds)
        // The released server may merge deltas that arrive together.
        assert.strictEqual(deltasOf(events).join(""), words.join(""))
        assert.strictEqual(transcriptOf(events).at(-1), "turn/completed completed")
      })
    )

    live(
      "interrupts a turn and receives the response and the events",
      Effect.gen(function* () {
        const { next } = yield* ModelServer.ModelServer
        const client = yield* (yield* Subject).connect("contract")
        const { thread } = yield* client.request("thread/start", {})
        const { turn } = yield* client.request("turn/start", { threadId: thread.id, input: userInput("wait") })
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened, ModelServer.delta("…"))
        yield* until(client, isDelta)
        assert.deepStrictEqual(yield* client.request("turn/interrupt", { threadId: thread.id, turnId: turn.id }), {})
        assert.deepStrictEqual(transcriptOf(yield* until(client, turnEnds)), ["turn/completed interrupted"])
        yield* asked.closed
      })
    )

    live(
      "fails all pending requests when it is closed, and ends its events [43]",
      Effect.gen(function* () {
        const client = yield* (yield* Subject).connect("contract")
        yield* client.request("thread/start", {})
        const waiting = yield* Effect.forkChild(
          Effect.all(
            Array.from({ length: 50 }, () => failureOf(client.request("model/list", {}))),
            { concurrency: "unbounded" }
          ),
          { startImmediately: true }
        )
        yield* client.shutdown
        yield* client.shutdown
        for (const error of yield* Fiber.join(waiting)) {
          // In-process, a response can arrive before the client is closed.
          if (error !== undefined) assert.strictEqual(error._tag, traits.cut)
        }
        assert.deepStrictEqual(yield* client.nextEvent, Option.none())
        yield* client.shutdown
      })
    )

    if (traits.isRemote) {
      live(
        "receives one Disconnected when its server goes away, then its events end and its requests fail [40]",
        Effect.gen(function* () {
          const { connect, end = Effect.die("the server cannot be ended") } = yield* Subject
          const client = yield* connect("contract")
          yield* client.request("thread/start", {})
          const ending = yield* Effect.forkChild(end)
          const events = yield* until(client, (event) => event._tag === "Disconnected")
          assert.deepStrictEqual(yield* client.nextEvent, Option.none())
          assert.lengthOf(
            events.filter((event) => event._tag === "Disconnected"),
            1
          )
          const lost = yield* failureOf(client.request("model/list", {}))
          assert.deepStrictEqual(lost?._tag === "TransportError" && [lost.reason._tag, lost.detail], [
            "Closed",
            traits.closed
          ])
          yield* client.shutdown
          yield* Fiber.join(ending)
        })
      )
    }

    if (!traits.isShared) return

    /** Two clients of one thread with one completed turn. */
    const shared = Effect.gen(function* () {
      const { next } = yield* ModelServer.ModelServer
      const { connect } = yield* Subject
      const one = yield* connect("one")
      const { thread } = yield* one.request("thread/start", {})
      const threadId = thread.id
      yield* turn(one, threadId, "first")
      const two = yield* connect("two")
      const resumed = yield* two.request("thread/resume", { threadId })
      return { next, one, resumed, threadId, two }
    })

    live(
      "shares a thread with another one: both receive the turn, and either may interrupt it",
      Effect.gen(function* () {
        const { next, one, resumed, threadId, two } = yield* shared
        assert.deepStrictEqual(
          resumed.thread.turns.map(({ status }) => status),
          ["completed"]
        )
        const { turn: second } = yield* two.request("turn/start", { threadId, input: userInput("again") })
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened, ModelServer.delta("shared"))
        const received = yield* Effect.all([until(one, isDelta), until(two, isDelta)], { concurrency: "unbounded" })
        assert.deepStrictEqual(transcriptOf(received[0]), transcriptOf(received[1]))
        yield* one.request("turn/interrupt", { threadId, turnId: second.id })
        const ends = yield* Effect.all([until(one, turnEnds), until(two, turnEnds)], { concurrency: "unbounded" })
        assert.deepStrictEqual(ends.map(transcriptOf), [["turn/completed interrupted"], ["turn/completed interrupted"]])
      })
    )

    live(
      "may leave while its turn runs: the others receive the rest of it",
      Effect.gen(function* () {
        const { next, one, threadId, two } = yield* shared
        yield* one.request("turn/start", { threadId, input: userInput("again") })
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened, ModelServer.delta("before "))
        yield* until(one, isDelta)
        yield* one.shutdown
        yield* asked.send(ModelServer.delta("after"), ModelServer.done("before after"), ModelServer.completed)
        yield* asked.end
        const events = yield* until(two, turnEnds)
        assert.strictEqual(deltasOf(events).join(""), "before after")
      })
    )
  })
}
