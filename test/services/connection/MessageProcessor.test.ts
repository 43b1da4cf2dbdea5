import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Cause from "effect/Cause"
import * as Logger from "effect/Logger"
import type { Handler } from "../../../src/services/connection/Handlers.ts"
import * as Reply from "../../../src/services/connection/Reply.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { ThreadNotFound } from "../../../src/services/thread/ThreadError.ts"
import { sessionOf } from "../../support/Connections.ts"
import { lossless } from "../../support/Messages.ts"
import { makeProcessor } from "../../support/Processor.ts"
import { Account, Interrupt, List, failed, listing, makeGates, ok, page, turn } from "../../support/Gates.ts"

/** Collects log messages with their causes. */
const logging = () => {
  const logged: Array<unknown> = []
  return { logged, logger: Logger.make(({ message, cause }) => void logged.push(message, Cause.squash(cause))) }
}

describe("MessageProcessor", () => {
  describe("answers a request exactly once, when its handler", () => {
    const cases: ReadonlyArray<readonly [sentence: string, handler: List, answer: object]> = [
      ["succeeds", () => Effect.succeed(page("t")), ok(1, page("t"))],
      ["succeeds later", () => Effect.as(Effect.yieldNow, page("t")), ok(1, page("t"))],
      [
        "fails",
        () => Effect.fail(new RequestError({ code: 5, message: "m", data: { a: 1 } })),
        { error: { code: 5, message: "m", data: { a: 1 } }, id: 1 }
      ],
      [
        "fails with the error of a service",
        () => Effect.andThen(Effect.yieldNow, Effect.fail(new ThreadNotFound({ threadId: "t", sought: "loaded" }))),
        failed(1, -32600, "thread not found: t")
      ],
      ["dies, without telling of what", () => Effect.die(new Error("secret")), failed(1, -32603, "internal error")],
      [
        "dies later",
        () => Effect.andThen(Effect.yieldNow, Effect.die(new Error("secret"))),
        failed(1, -32603, "internal error")
      ],
      [
        "throws instead of returning an effect",
        () => {
          throw new Error("secret")
        },
        failed(1, -32603, "internal error")
      ],
      ["interrupts itself", () => Effect.interrupt, failed(1, -32603, "request was interrupted")],
      [
        "replies, and something follows",
        () => Effect.succeed(Reply.withCommit(page("t"), Effect.void)),
        ok(1, page("t"))
      ],
      [
        "replies, and what follows dies",
        () => Effect.succeed(Reply.withCommit(page("t"), Effect.die("late"))),
        ok(1, page("t"))
      ],
      [
        "replies with a result that cannot be made",
        () =>
          Effect.succeed(
            Reply.make(() => {
              throw new Error("secret")
            })
          ),
        failed(1, -32603, "internal error")
      ]
    ]
    for (const [sentence, handler, answer] of cases) {
      it.effect(sentence, () =>
        Effect.gen(function* () {
          const { connect } = yield* makeProcessor({ [List]: handler, [Account]: () => Effect.interrupt })
          const client = yield* connect()
          client.request(1, List)
          assert.deepStrictEqual(yield* client.next, answer)
          // Any further response would precede the response to this request.
          yield* Effect.yieldNow
          client.request(2, Account)
          assert.deepStrictEqual(yield* client.next, failed(2, -32603, "request was interrupted"))
          assert.strictEqual(client.unread(), 0)
        })
      )
    }

    it.effect("dies, and logs the cause", () => {
      const { logged, logger } = logging()
      return Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: () => Effect.die("the cause") })
        const client = yield* connect()
        client.request(1, List)
        yield* client.next
        assert.deepStrictEqual(logged, [["handler died"], "the cause"])
      }).pipe(Effect.provide(Logger.layer([logger])))
    })

    it.effect("is never reached because decoding dies; the next request is answered", () => {
      const { logged, logger } = logging()
      return Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: () => Effect.succeed(page("t")) })
        const client = yield* connect()
        const hostile = {
          get cursor() {
            throw new Error("secret")
          }
        }
        client.request(1, List, hostile)
        client.request(2, List)
        assert.deepStrictEqual(yield* client.next, failed(1, -32603, "internal error"))
        assert.deepStrictEqual(yield* client.next, ok(2, page("t")))
        assert.deepStrictEqual(logged, [["a request could not be read"], new Error("secret")])
      }).pipe(Effect.provide(Logger.layer([logger])))
    })

    it.effect("is not called: an invalid response is logged, and the next request is answered", () => {
      const { logged, logger } = logging()
      return Effect.gen(function* () {
        const { connect, serverRequests } = yield* makeProcessor({ [List]: () => Effect.succeed(page("t")) })
        Object.assign(serverRequests, { succeed: () => Effect.die(new Error("secret")) })
        const client = yield* connect()
        client.send({ _tag: "Success", success: { id: 0, result: {} } })
        client.request(2, List)
        assert.deepStrictEqual(yield* client.next, ok(2, page("t")))
        assert.deepStrictEqual(logged, [["a message could not be handled"], new Error("secret")])
      }).pipe(Effect.provide(Logger.layer([logger])))
    })

    const circular: { data: Array<string>; nextCursor: null } & Record<string, unknown> = { ...page(), data: [] }
    circular["self"] = circular

    it.effect("returns a value that is not JSON [25]", () =>
      Effect.gen(function* () {
        const results = [circular, { ...page(), count: 1n }]
        const { connect } = yield* makeProcessor({ [List]: () => Effect.succeed(results.shift() ?? page()) })
        const client = yield* connect()
        for (const id of [1, 2]) {
          client.request(id, List)
          const answer = (yield* client.next) as { readonly id: number; readonly error: { readonly message: string } }
          assert.strictEqual(answer.id, id)
          assert.match(answer.error.message, /^failed to serialize response: /)
        }
        client.request(3, List)
        assert.deepStrictEqual(yield* client.next, ok(3, page()))
      })
    )

    it.effect("returns nothing at all [25]", () =>
      Effect.gen(function* () {
        // A handler that violates its type.
        const nothing = undefined as never
        const { connect } = yield* makeProcessor({ [List]: () => Effect.succeed(nothing) })
        const client = yield* connect()
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, failed(1, -32603, "failed to serialize response: not JSON"))
      })
    )
  })

  it.effect("passes a handler its parameters, the connection, the id and the trace", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { connect } = yield* makeProcessor({
        [Interrupt]: (params, { connection, requestId, trace }) => {
          seen.push(params, connection, requestId, trace)
          return Effect.succeed({})
        }
      })
      const client = yield* connect()
      const trace = { traceparent: "00-a-b-01" }
      client.send({ _tag: "Request", request: { id: "a", method: Interrupt, params: turn("t"), trace } })
      assert.deepStrictEqual(yield* client.next, ok("a"))
      assert.deepStrictEqual(seen, [turn("t"), client.connection, "a", trace])
    })
  )

  it.effect(
    "runs the commit of a reply right after the response, before any other message of the connection [73]",
    () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({
          [List]: (_, { connection }) =>
            Effect.succeed(
              Reply.withCommit(
                page(),
                Effect.sync(() => {
                  connection.outgoing.offerUnsafe(lossless("a"))
                  connection.outgoing.offerUnsafe(lossless("b"))
                })
              )
            )
        })
        const client = yield* connect({ room: 8 })
        client.request(1, List)
        client.request(2, List)
        const event = (method: string) => ({ method, params: {}, emittedAtMs: 0 })
        for (const id of [1, 2]) {
          const received = [yield* client.next, yield* client.next, yield* client.next]
          assert.deepStrictEqual(received, [ok(id, page()), event("a"), event("b")])
        }
      })
  )

  it.effect("releases the key of a request when the commit of its reply suspends [55]", () =>
    Effect.gen(function* () {
      const gates = makeGates()
      const { connect } = yield* makeProcessor({
        [Interrupt]: ({ turnId }) => Effect.succeed(Reply.withCommit({}, gates.pass(turnId)))
      })
      const [slow, other] = [yield* connect(), yield* connect()]
      slow.request(1, Interrupt, turn("t", "first"))
      yield* gates.hasStarted("first")
      other.request(2, Interrupt, turn("t", "second"))
      assert.deepStrictEqual([yield* slow.next, yield* other.next], [ok(1), ok(2)])
      assert.deepStrictEqual(gates.started, ["first", "second"])
    })
  )

  it.effect("neither takes nor commits the reply of a cancelled request [73]", () =>
    Effect.gen(function* () {
      const gates = makeGates()
      let replies = 0
      const { connect } = yield* makeProcessor({
        [List]: () =>
          Effect.uninterruptible(
            Effect.as(
              gates.pass("list"),
              Reply.make(() => {
                replies++
                return { result: page() }
              })
            )
          ),
        [Account]: () => Effect.interrupt
      })
      const client = yield* connect()
      client.request(1, List)
      yield* gates.hasStarted("list")
      client.cancelNow(1)
      yield* gates.open("list")
      client.request(2, Account)
      assert.deepStrictEqual(yield* client.next, failed(2, -32603, "request was interrupted"))
      assert.strictEqual(replies, 0)
    })
  )

  describe("the handshake", () => {
    const params = { clientInfo: { name: "n", version: "1" } }
    const shaken = { userAgent: "a", codexHome: "/h", platformFamily: "unix", platformOs: "linux" }

    /** Sets the session when released; a second call finds it set. */
    const initialize =
      (gate: Effect.Effect<void>): Handler<"initialize"> =>
      (_, { connection }) =>
        Effect.flatMap(gate, () =>
          connection.initialize(sessionOf())
            ? Effect.succeed(shaken)
            : Effect.fail(new RequestError({ code: -32600, message: "Already initialized" }))
        )

    it.effect("precedes everything else, and may follow refused requests [1]", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ initialize: initialize(Effect.void), [List]: listing })
        const client = yield* connect({ session: null })
        client.request(1, List)
        client.request(2, "no/such")
        client.request(3, "initialize", params)
        client.request(4, List)
        assert.deepStrictEqual(yield* client.next, failed(1, -32600, "Not initialized"))
        assert.match(JSON.stringify(yield* client.next), /Invalid request: unknown variant `no\/such`/)
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(3, shaken), ok(4, page())])
      })
    )

    it.effect("succeeds once, however many race, and later messages wait for it [2]", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({ initialize: initialize(Deferred.await(gate)), [List]: listing })
        const client = yield* connect({ session: null })
        client.request(1, "initialize", params)
        client.request(2, "initialize", params)
        client.request(3, List)
        yield* Effect.yieldNow
        assert.strictEqual(client.unread(), 0)
        yield* Deferred.succeed(gate, undefined)
        assert.deepStrictEqual(
          [yield* client.next, yield* client.next, yield* client.next],
          [ok(1, shaken), failed(2, -32600, "Already initialized"), ok(3, page())]
        )
      })
    )

    it.effect("may be retried after a failure [3]", () =>
      Effect.gen(function* () {
        let tries = 0
        const { connect } = yield* makeProcessor({
          initialize: (...args) =>
            tries++ === 0
              ? Effect.fail(new RequestError({ code: -32600, message: "no" }))
              : initialize(Effect.void)(...args)
        })
        const client = yield* connect({ session: null })
        client.request(1, "initialize", params)
        client.request(2, "initialize", { clientInfo: {} })
        client.request(3, "initialize", params)
        assert.deepStrictEqual(
          [yield* client.next, yield* client.next, yield* client.next],
          [failed(1, -32600, "no"), failed(2, -32600, "Invalid request: missing field `name`"), ok(3, shaken)]
        )
      })
    )
  })

  it.effect("refuses a request that exceeds a limit, and serves the next", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeProcessor({ [List]: listing })
      const client = yield* connect()
      client.send({ _tag: "Refused", id: "a", method: List, reason: "nested deeper than 127 levels" })
      client.request(1, List)
      assert.deepStrictEqual(
        [yield* client.next, yield* client.next],
        [failed("a", -32600, "Invalid request: nested deeper than 127 levels"), ok(1, page())]
      )
    })
  )

  describe("a message that is not a request", () => {
    it.effect("gets no response: notifications, noise, unexpected responses [10]", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: listing })
        const client = yield* connect()
        client.send({ _tag: "Notification", notification: { method: "initialized" } })
        client.send({ _tag: "Notification", notification: { method: "no/such", params: 1 } })
        client.send({ _tag: "Ignored", reason: "not JSON" })
        client.send({ _tag: "Success", success: { id: 99, result: {} } })
        client.send({ _tag: "Failure", failure: { id: "x", error: { code: 1, message: "m" } } })
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, ok(1, page()))
      })
    )

    it.effect("reaches the caller of a server request while a handler waits for it [31]", () =>
      Effect.gen(function* () {
        const { serverRequests, router, connect } = yield* makeProcessor({ [List]: listing })
        const client = yield* connect()
        router.subscribe("t", client.connection)
        const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }
        const first = yield* serverRequests.ask("t", "item/tool/call", call)
        const second = yield* serverRequests.ask("t", "item/tool/call", call)
        assert.deepStrictEqual(yield* client.next, { method: "item/tool/call", id: 0, params: call })
        yield* client.next
        client.send({ _tag: "Success", success: { id: 0, result: { success: true } } })
        client.send({ _tag: "Failure", failure: { id: 1, error: { code: 1, message: "no" } } })
        assert.deepStrictEqual(yield* first.answer, { success: true })
        assert.deepStrictEqual(yield* Effect.flip(second.answer), new RequestError({ code: 1, message: "no" }))
      })
    )
  })

  it.effect("stops reading from a client that does not read its responses, until it does", () =>
    Effect.gen(function* () {
      let run = 0
      const { connect } = yield* makeProcessor({
        [List]: () =>
          Effect.sync(() => {
            run++
            return page()
          })
      })
      const client = yield* connect({ room: 1 })
      for (const id of [1, 2, 3]) client.request(id, List)
      yield* Effect.yieldNow
      assert.strictEqual(run, 1)
      for (const id of [1, 2, 3]) assert.deepStrictEqual(yield* client.next, ok(id, page()))
      assert.strictEqual(run, 3)
    })
  )
})
