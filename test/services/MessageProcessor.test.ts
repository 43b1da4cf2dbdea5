import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { MaxRunning } from "../../src/services/Connection.ts"
import { Answered, type Handler } from "../../src/services/Handlers.ts"
import { RequestError } from "../../src/services/RequestError.ts"
import { ThreadNotFound } from "../../src/services/thread/ThreadError.ts"
import { sessionOf } from "../support/Connections.ts"
import { lossless } from "../support/Messages.ts"
import { makeProcessor } from "../support/Processor.ts"

type Interrupt = Handler<"turn/interrupt">
type List = Handler<"thread/loaded/list">

const List = "thread/loaded/list"
const Interrupt = "turn/interrupt"
const Account = "account/read"
const Read = "thread/read"

const page = (...data: ReadonlyArray<string>) => ({ data, nextCursor: null })

const listing: List = () => Effect.succeed(page())

const turn = (threadId: string, turnId = "u") => ({ threadId, turnId })

/** The answer of a handler that succeeded. */
const ok = (id: unknown, result: unknown = {}) => ({ id, result })

const failed = (id: unknown, code: number, message: string) => ({ error: { code, message }, id })

/** Handlers that start, are seen to have started, and end when they are told to. */
const makeGates = () => {
  const gates = new Map<string, Deferred.Deferred<void>>()
  const starts = new Map<string, Deferred.Deferred<void>>()
  const started: Array<string> = []
  const of = (map: typeof gates, name: string) => {
    const known = map.get(name) ?? Deferred.makeUnsafe<void>()
    map.set(name, known)
    return known
  }
  return {
    /** In the order in which they did. */
    started,
    pass: (name: string) =>
      Effect.suspend(() => {
        started.push(name)
        Deferred.doneUnsafe(of(starts, name), Exit.void)
        return Deferred.await(of(gates, name))
      }),
    /** Goes on after the step of the processor in which the handler started. */
    hasStarted: (name: string) => Effect.andThen(Deferred.await(of(starts, name)), Effect.yieldNow),
    open: (name: string) => Deferred.succeed(of(gates, name), undefined)
  }
}

/** A processor whose turn/interrupt waits at the gate named by the turn, and whose list answers at once. */
const gated = Effect.gen(function* () {
  const gates = makeGates()
  const interrupt: Interrupt = ({ turnId }) => Effect.as(gates.pass(turnId), {})
  const processor = yield* makeProcessor({ [Interrupt]: interrupt, [List]: listing })
  return { ...processor, gates }
})

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
      ["answers itself", (_, context) => Effect.as(context.respond(page("t")), Answered), ok(1, page("t"))],
      [
        "answers itself and then fails",
        (_, context) =>
          Effect.andThen(context.respond(page("t")), Effect.fail(new RequestError({ code: 1, message: "late" }))),
        ok(1, page("t"))
      ],
      [
        "answers itself and then dies",
        (_, context) => Effect.andThen(context.respond(page("t")), Effect.die("late")),
        ok(1, page("t"))
      ],
      [
        "answers itself twice and then returns something else",
        (_, context) =>
          context.respond(page("t")).pipe(Effect.andThen(context.respond(page("u"))), Effect.as(page("v"))),
        ok(1, page("t"))
      ]
    ]
    for (const [sentence, handler, answer] of cases) {
      it.effect(sentence, () =>
        Effect.gen(function* () {
          const { connect } = yield* makeProcessor({ [List]: handler, [Account]: () => Effect.interrupt })
          const client = yield* connect()
          client.request(1, List)
          assert.deepStrictEqual(yield* client.next, answer)
          // Whatever else it had said would come before the answer to this.
          yield* Effect.yieldNow
          client.request(2, Account)
          assert.deepStrictEqual(yield* client.next, failed(2, -32603, "request was interrupted"))
          assert.strictEqual(client.unread(), 0)
        })
      )
    }

    it.effect("dies, and tells the log of what", () => {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message, cause }) => void logged.push(message, Cause.squash(cause)))
      return Effect.gen(function* () {
        const { connect } = yield* makeProcessor({ [List]: () => Effect.die("the cause") })
        const client = yield* connect()
        client.request(1, List)
        yield* client.next
        assert.deepStrictEqual(logged, [["handler died"], "the cause"])
      }).pipe(Effect.provide(Logger.layer([logger])))
    })

    const circular: { data: Array<string>; nextCursor: null } & Record<string, unknown> = { ...page(), data: [] }
    circular["self"] = circular

    it.effect("returns what JSON has no form for [25]", () =>
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
        // As a handler might that does not keep to its type.
        const nothing = undefined as never
        const { connect } = yield* makeProcessor({ [List]: () => Effect.succeed(nothing) })
        const client = yield* connect()
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, failed(1, -32603, "failed to serialize response: not JSON"))
      })
    )
  })

  it.effect("hands a handler its parameters, the connection, the id and the trace", () =>
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

  it.effect("puts what follows an answer right behind it", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeProcessor({
        [List]: (_, context) =>
          Effect.suspend(() => context.respondUnsafe(page(), [lossless("a"), lossless("b")])).pipe(Effect.as(Answered))
      })
      const client = yield* connect({ room: 2 })
      client.request(1, List)
      const told = [yield* client.next, yield* client.next, yield* client.next]
      const event = (method: string) => ({ method, params: {}, emittedAtMs: 0 })
      assert.deepStrictEqual(told, [ok(1, page()), event("a"), event("b")])
    })
  )

  describe("runs requests", () => {
    it.effect("of one thread one after the other, in the order in which they were sent [55]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        for (const [index, name] of ["a", "b", "c"].entries()) client.request(index, Interrupt, turn("t", name))
        yield* gates.hasStarted("a")
        yield* gates.open("c")
        yield* gates.open("b")
        yield* Effect.yieldNow
        assert.deepStrictEqual([gates.started, client.unread()], [["a"], 0])
        yield* gates.open("a")
        assert.deepStrictEqual([yield* client.next, yield* client.next, yield* client.next], [ok(0), ok(1), ok(2)])
        assert.deepStrictEqual(gates.started, ["a", "b", "c"])
      })
    )

    it.effect("of one thread one after the other over all connections, and each gets its own answer [55] [59]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [one, two] = [yield* connect(), yield* connect()]
        one.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        two.request(1, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        yield* gates.open("b")
        assert.deepStrictEqual(gates.started, ["a"])
        yield* gates.open("a")
        assert.deepStrictEqual([yield* one.next, yield* two.next], [ok(1), ok(1)])
        assert.deepStrictEqual([one.unread(), two.unread()], [0, 0])
      })
    )

    it.effect("of different threads beside each other [55]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        client.request(1, Interrupt, turn("s", "a"))
        client.request(2, Interrupt, turn("t", "b"))
        yield* gates.hasStarted("a")
        yield* gates.hasStarted("b")
        yield* gates.open("b")
        assert.deepStrictEqual(yield* client.next, ok(2))
        yield* gates.open("a")
        assert.deepStrictEqual(yield* client.next, ok(1))
      })
    )

    it.effect("of no key beside those that wait [31]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        client.request(1, Interrupt, turn("t", "a"))
        client.request(2, Interrupt, turn("t", "b"))
        client.request(3, List)
        assert.deepStrictEqual(yield* client.next, ok(3, page()))
        yield* gates.open("a")
        yield* gates.open("b")
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(1), ok(2)])
      })
    )

    it.effect("that read beside each other, and one that changes between them alone [55]", () =>
      Effect.gen(function* () {
        const gates = makeGates()
        let reads = 0
        const { connect } = yield* makeProcessor({
          [Read]: () => Effect.andThen(gates.pass(`read ${++reads}`), new RequestError({ code: 1, message: "read" })),
          [Interrupt]: ({ turnId }) => Effect.as(gates.pass(turnId), {})
        })
        const client = yield* connect()
        for (const id of [1, 2]) client.request(id, Read, { threadId: "t" })
        client.request(3, Interrupt, turn("t", "write"))
        client.request(4, Read, { threadId: "t" })
        yield* gates.hasStarted("read 2")
        assert.deepStrictEqual(gates.started, ["read 1", "read 2"])
        yield* gates.open("read 1")
        yield* gates.open("read 2")
        yield* gates.hasStarted("write")
        assert.deepStrictEqual(gates.started, ["read 1", "read 2", "write"])
        yield* gates.open("write")
        yield* gates.hasStarted("read 3")
        yield* gates.open("read 3")
        for (const id of [1, 2]) assert.deepStrictEqual(yield* client.next, failed(id, 1, "read"))
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(3), failed(4, 1, "read")])
      })
    )

    it.effect("that fail or die as it runs others: what waits behind them goes on", () =>
      Effect.gen(function* () {
        const { connect } = yield* makeProcessor({
          [Interrupt]: ({ turnId }) =>
            Effect.andThen(
              Effect.yieldNow,
              turnId === "die" ? Effect.die("x") : new RequestError({ code: 1, message: turnId })
            )
        })
        const client = yield* connect()
        for (const [id, turnId] of ["fail", "die", "fail"].entries()) client.request(id, Interrupt, turn("t", turnId))
        assert.deepStrictEqual(
          [yield* client.next, yield* client.next, yield* client.next],
          [failed(0, 1, "fail"), failed(1, -32603, "internal error"), failed(2, 1, "fail")]
        )
      })
    )

    it.effect("of a long line without a depth that grows with it", () =>
      Effect.gen(function* () {
        const count = 20_000
        const gate = yield* Deferred.make<void>()
        let run = 0
        const { connect } = yield* makeProcessor({
          [Interrupt]: () => (run++ === 0 ? Effect.as(Deferred.await(gate), {}) : Effect.succeed({}))
        })
        const client = yield* connect({ capacity: count + 1, room: count })
        for (let id = 0; id < count; id++) client.request(id, Interrupt, turn("t"))
        client.request(count, "thread/list")
        assert.deepStrictEqual(yield* client.next, failed(count, -32603, "internal error"))
        yield* Deferred.succeed(gate, undefined)
        for (let id = 0; id < count; id++) assert.deepStrictEqual(yield* client.next, ok(id))
      })
    )
  })

  describe("refuses as overload", () => {
    const overloaded = (id: number) => failed(id, -32001, "Server overloaded; retry later.")

    it.effect("a request for which there is no place to wait in, whose id is free again at once [16] [45]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect({ capacity: 2 })
        client.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        client.request(2, Interrupt, turn("t", "b"))
        client.request(3, Interrupt, turn("t", "c"))
        yield* Effect.yieldNow
        client.request(4, Interrupt, turn("t", "d"))
        assert.deepStrictEqual(yield* client.next, overloaded(4))
        client.request(5, List)
        assert.deepStrictEqual(yield* client.next, ok(5, page()))
        for (const name of ["a", "b", "c"]) yield* gates.open(name)
        for (const id of [1, 2, 3]) assert.deepStrictEqual(yield* client.next, ok(id))
        client.request(4, Interrupt, turn("t", "d"))
        yield* gates.hasStarted("d")
        for (const [id, name] of [
          [6, "e"],
          [7, "f"]
        ] as const) {
          client.request(id, Interrupt, turn("t", name))
        }
        yield* Effect.yieldNow
        for (const name of ["d", "e", "f"]) yield* gates.open(name)
        for (const id of [4, 6, 7]) assert.deepStrictEqual(yield* client.next, ok(id))
        assert.deepStrictEqual(gates.started, ["a", "b", "c", "d", "e", "f"])
      })
    )

    it.effect("what waits on its own connection only", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [one, two] = [yield* connect({ capacity: 1 }), yield* connect({ capacity: 1 })]
        one.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        one.request(2, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        two.request(3, Interrupt, turn("t", "c"))
        one.request(4, Interrupt, turn("t", "d"))
        assert.deepStrictEqual(yield* one.next, overloaded(4))
        assert.strictEqual(two.unread(), 0)
        for (const name of ["a", "b", "c"]) yield* gates.open(name)
        assert.deepStrictEqual(yield* two.next, ok(3))
      })
    )

    it.effect("what comes while too many handlers run", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({ [List]: () => Effect.as(Deferred.await(gate), page()) })
        const client = yield* connect({ capacity: MaxRunning + 2, room: MaxRunning + 2 })
        for (let id = 0; id <= MaxRunning; id++) client.request(id, List)
        assert.deepStrictEqual(yield* client.next, overloaded(MaxRunning))
        yield* Deferred.succeed(gate, undefined)
        for (let id = 0; id < MaxRunning; id++) yield* client.next
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, ok(1, page()))
      })
    )
  })

  describe("the handshake", () => {
    const params = { clientInfo: { name: "n", version: "1" } }
    const shaken = { userAgent: "a", codexHome: "/h", platformFamily: "unix", platformOs: "linux" }

    /** Settles the session once it may; a second one finds it settled. */
    const initialize =
      (gate: Effect.Effect<void>): Handler<"initialize"> =>
      (_, { connection }) =>
        Effect.flatMap(gate, () =>
          connection.initialize(sessionOf())
            ? Effect.succeed(shaken)
            : Effect.fail(new RequestError({ code: -32600, message: "Already initialized" }))
        )

    it.effect("comes before everything else, and may still follow what was refused [1]", () =>
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

    it.effect("succeeds once, however many race for it, and what is sent behind it waits for it [2]", () =>
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

    it.effect("may be tried again when it has failed [3]", () =>
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

  describe("when a connection closes", () => {
    it.effect("skips what waits without running it and lets those of others go on; what runs ends [56]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const [gone, other] = [yield* connect(), yield* connect()]
        gone.request(1, Interrupt, turn("t", "a"))
        yield* gates.hasStarted("a")
        gone.request(2, Interrupt, turn("t", "b"))
        yield* Effect.yieldNow
        other.request(3, Interrupt, turn("t", "c"))
        yield* Effect.yieldNow
        gone.connection.close()
        yield* gates.open("a")
        yield* gates.open("c")
        assert.deepStrictEqual([yield* gone.next, yield* other.next], [ok(1), ok(3)])
        assert.deepStrictEqual([gates.started, gone.unread()], [["a", "c"], 0])
      })
    )

    it.effect("is done when all it has read is answered [52]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        client.request(1, Interrupt, turn("t", "a"))
        client.request(2, Interrupt, turn("t", "b"))
        yield* client.end
        const done = yield* Effect.forkChild(client.done)
        yield* gates.hasStarted("a")
        yield* gates.open("a")
        yield* gates.hasStarted("b")
        assert.isUndefined(done.pollUnsafe())
        yield* gates.open("b")
        yield* Fiber.join(done)
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(1), ok(2)])
      })
    )

    it.effect("is not done before its answers have found room", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect({ room: 1 })
        for (const [id, name] of ["a", "b"].entries()) client.request(id, Interrupt, turn(name, name))
        yield* client.end
        const done = yield* Effect.forkChild(client.done)
        yield* gates.hasStarted("b")
        yield* gates.open("a")
        yield* gates.open("b")
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        assert.isUndefined(done.pollUnsafe())
        assert.deepStrictEqual(yield* client.next, ok(0))
        yield* Fiber.join(done)
        assert.deepStrictEqual(yield* client.next, ok(1))
      })
    )

    it.effect("interrupts what still runs with its scope, lets others go on, and is forgotten", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        const started = yield* Deferred.make<void>()
        const run: Array<string> = []
        const { router, connect } = yield* makeProcessor({
          [Interrupt]: ({ turnId }) =>
            run.push(turnId) > 1
              ? Effect.succeed({})
              : Deferred.succeed(started, undefined).pipe(
                  Effect.andThen(Effect.never),
                  Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
                )
        })
        const other = yield* connect()
        const scope = yield* Scope.make()
        const gone = yield* Scope.provide(connect(), scope)
        gone.request(1, Interrupt, turn("t", "running"))
        yield* Deferred.await(started)
        gone.request(2, Interrupt, turn("t", "waiting"))
        yield* Effect.yieldNow
        other.request(3, Interrupt, turn("t", "other"))
        yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.await(interrupted)
        assert.deepStrictEqual(yield* other.next, ok(3))
        assert.deepStrictEqual(run, ["running", "other"])
        assert.deepStrictEqual(router.connections(), [other.connection])
      })
    )
  })

  describe("what is no request", () => {
    it.effect("is answered by nothing: notifications, noise, answers that nobody waits for [10]", () =>
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

    it.effect("reaches who asked, also while a request waits for it [31]", () =>
      Effect.gen(function* () {
        const { outgoing, router, connect } = yield* makeProcessor({ [List]: listing })
        const client = yield* connect()
        router.subscribe("t", client.connection)
        const call = { threadId: "t", turnId: "u", callId: "c", namespace: null, tool: "x", arguments: {} }
        const first = yield* outgoing.ask("t", "item/tool/call", call)
        const second = yield* outgoing.ask("t", "item/tool/call", call)
        assert.deepStrictEqual(yield* client.next, { method: "item/tool/call", id: 0, params: call })
        yield* client.next
        client.send({ _tag: "Success", success: { id: 0, result: { success: true } } })
        client.send({ _tag: "Failure", failure: { id: 1, error: { code: 1, message: "no" } } })
        assert.deepStrictEqual(yield* first.answer, { success: true })
        assert.deepStrictEqual(yield* Effect.flip(second.answer), new RequestError({ code: 1, message: "no" }))
      })
    )
  })

  it.effect("does not read from a client that does not read its answers, until it does", () =>
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

  describe("a request whose caller has gone", () => {
    it.effect("is interrupted while it runs, is not answered, and makes room for the next [20]", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        const started = yield* Deferred.make<void>()
        const { connect } = yield* makeProcessor({
          [Interrupt]: ({ turnId }) =>
            turnId === "next"
              ? Effect.succeed({})
              : Deferred.succeed(started, undefined).pipe(
                  Effect.andThen(Effect.never),
                  Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
                )
        })
        const client = yield* connect()
        client.request(1, Interrupt, turn("t"))
        yield* Deferred.await(started)
        client.request(2, Interrupt, turn("t", "next"))
        yield* Effect.yieldNow
        yield* client.cancel(1)
        assert.isTrue(Deferred.isDoneUnsafe(interrupted))
        assert.deepStrictEqual(yield* client.next, ok(2))
        assert.strictEqual(client.unread(), 0)
      })
    )

    it.effect("never runs when it still waits, and is not answered [20]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        for (const [index, name] of ["a", "b", "c"].entries()) client.request(index, Interrupt, turn("t", name))
        yield* gates.hasStarted("a")
        yield* client.cancel(1)
        yield* gates.open("a")
        yield* gates.open("c")
        assert.deepStrictEqual([yield* client.next, yield* client.next], [ok(0), ok(2)])
        assert.deepStrictEqual(gates.started, ["a", "c"])
      })
    )

    it.effect("never runs when it has not even been read, and is not answered [20]", () =>
      Effect.gen(function* () {
        const { gates, connect } = yield* gated
        const client = yield* connect()
        for (const [index, name] of ["a", "b"].entries()) client.request(index, Interrupt, turn("t", name))
        client.request(2, "no/such")
        yield* client.cancel(0)
        yield* client.cancel(2)
        yield* gates.open("b")
        assert.deepStrictEqual(yield* client.next, ok(1))
        client.request(0, List)
        assert.deepStrictEqual(yield* client.next, ok(0, page()))
        assert.deepStrictEqual(gates.started, ["b"])
      })
    )

    it.effect("is interrupted when that happens in the moment in which its handler begins [20]", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        let cancel: Effect.Effect<void> = Effect.void
        const { connect } = yield* makeProcessor({
          [Interrupt]: () =>
            Effect.suspend(() => cancel).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
            ),
          [List]: listing
        })
        const client = yield* connect()
        cancel = client.cancel(1)
        client.request(1, Interrupt, turn("t"))
        yield* Deferred.await(interrupted)
        client.request(1, List)
        assert.deepStrictEqual(yield* client.next, ok(1, page()))
      })
    )
  })
})
