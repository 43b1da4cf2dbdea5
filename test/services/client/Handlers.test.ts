import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { RequestNotPending, RequestRejected } from "../../../src/services/client/AppServerClient.ts"
import * as RemoteLink from "../../../src/services/client/RemoteLink.ts"
import { MaxHandled } from "../../../src/services/client/ServerRequestDesk.ts"
import * as FakeServer from "../../support/FakeServer.ts"
import { options, warning } from "../../support/RemoteLinks.ts"

const Approval = "item/commandExecution/requestApproval"

const approval = (id: number, command = "ls") => ({ id, method: Approval, params: { threadId: "t", command } })

const resolved = (requestId: number) => ({
  method: "serverRequest/resolved",
  params: { threadId: "t", requestId },
  emittedAtMs: 0
})

/** A client of a fake server, and the server's end of the connection. */
const setUp = Effect.fnUntraced(function* (more: Partial<RemoteLink.RemoteOptions> = {}) {
  const server = yield* FakeServer.make
  const connecting = yield* Effect.forkChild(RemoteLink.client(server.endpoint, { ...options, ...more }))
  const connection = yield* server.accept
  yield* FakeServer.welcome(connection)
  return { client: yield* Fiber.join(connecting), connection, server }
})

/** The next server request of the events. */
const asked = Effect.fnUntraced(function* (client: Effect.Success<ReturnType<typeof setUp>>["client"]) {
  const event = Option.getOrThrow(yield* client.nextEvent)
  if (event._tag !== "ServerRequest" || event.request.method !== Approval) return assert.fail(event._tag)
  return event.request
})

/** A client whose handler of approvals works on a first request without an end; `scope` is the handler's scope. */
const handling = Effect.gen(function* () {
  const { client, connection } = yield* setUp()
  const scope = yield* Scope.make()
  const started = yield* Deferred.make<void>()
  yield* Scope.provide(
    client.handle(Approval, () => Effect.andThen(Deferred.succeed(started, undefined), Effect.never)),
    scope
  )
  yield* connection.send(approval(1))
  yield* Deferred.await(started)
  return { client, connection, scope }
})

const accept = Effect.succeed({ decision: "accept" as const })

describe("a handler of server requests", () => {
  it.effect("answers the requests of its method, which are not events then; the others are [92]", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      const commands: Array<unknown> = []
      yield* client.handle(Approval, ({ command }, { id }) => {
        commands.push([id, command])
        return accept
      })
      yield* connection.send(approval(1), { id: 2, method: "currentTime/read", params: { threadId: "t" } })
      assert.deepStrictEqual(yield* connection.receive, { id: 1, result: { decision: "accept" } })
      assert.deepStrictEqual(commands, [[1, "ls"]])
      const event = Option.getOrThrow(yield* client.nextEvent)
      assert.deepStrictEqual(event._tag === "ServerRequest" && event.request.id, 2)
    }).pipe(Effect.scoped)
  )

  const secret = new Error("the key is 1234")
  const failures = [
    { name: "fails", effect: Effect.fail(secret) },
    { name: "dies", effect: Effect.die(secret) },
    { name: "interrupts itself", effect: Effect.interrupt }
  ] satisfies ReadonlyArray<{ readonly name: string; readonly effect: Effect.Effect<never, Error> }>
  for (const { name, effect } of failures) {
    it.effect(`that ${name} answers with an error without details, and the connection goes on`, () =>
      Effect.gen(function* () {
        const { client, connection } = yield* setUp()
        yield* client.handle(Approval, ({ command }) => (command === "bad" ? effect : accept))
        yield* connection.send(approval(1, "bad"), approval(2))
        assert.deepStrictEqual(yield* connection.receive, {
          id: 1,
          error: { code: -32603, message: `the client's handler of \`${Approval}\` failed` }
        })
        assert.deepStrictEqual(yield* connection.receive, { id: 2, result: { decision: "accept" } })
      }).pipe(Effect.scoped)
    )
  }

  it.effect("that throws instead of returning an effect answers with an error", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      yield* client.handle(Approval, (): Effect.Effect<never> => {
        throw secret
      })
      yield* connection.send(approval(1))
      assert.deepStrictEqual((yield* connection.receive)["error"], {
        code: -32603,
        message: `the client's handler of \`${Approval}\` failed`
      })
    }).pipe(Effect.scoped)
  )

  it.effect("that returns no effect answers with an error", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      // A program without type checks may do so.
      yield* client.handle(Approval, (): Effect.Effect<never> => ({ decision: "accept" }) as never)
      yield* connection.send(approval(1))
      assert.deepStrictEqual((yield* connection.receive)["error"], {
        code: -32603,
        message: `the client's handler of \`${Approval}\` failed`
      })
    }).pipe(Effect.scoped)
  )

  it.effect("may choose its error", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      yield* client.handle(Approval, () => new RequestRejected({ code: 7, detail: "not at night", data: { until: 6 } }))
      yield* connection.send(approval(1))
      assert.deepStrictEqual(yield* connection.receive, {
        id: 1,
        error: { code: 7, message: "not at night", data: { until: 6 } }
      })
    }).pipe(Effect.scoped)
  )

  it.effect("whose answer is not JSON answers with an error", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      const cyclic: { decision: "accept"; self?: unknown } = { decision: "accept" }
      cyclic.self = cyclic
      yield* client.handle(Approval, () => Effect.succeed(cyclic))
      yield* connection.send(approval(1))
      assert.deepStrictEqual((yield* connection.receive)["error"], {
        code: -32603,
        message: `the client's answer to \`${Approval}\` is not JSON`
      })
    }).pipe(Effect.scoped)
  )

  it.effect("that never ends is interrupted when the server resolves its request, without an answer", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      const [started, stopped] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      yield* client.handle(Approval, ({ command }) =>
        command === "ls"
          ? accept
          : Deferred.succeed(started, undefined).pipe(
              Effect.andThen(Effect.never),
              Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
            )
      )
      yield* connection.send(approval(1, "slow"), approval(2))
      yield* Deferred.await(started)
      // It delays no other request.
      assert.strictEqual((yield* connection.receive)["id"], 2)
      yield* connection.send(resolved(1), approval(3))
      yield* Deferred.await(stopped)
      assert.strictEqual((yield* connection.receive)["id"], 3)
    }).pipe(Effect.scoped)
  )

  for (const end of ["lost", "closed"] as const) {
    it.effect(`is interrupted when the connection is ${end}`, () =>
      Effect.gen(function* () {
        const { client, connection } = yield* setUp()
        const [started, stopped] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        yield* client.handle(Approval, () =>
          Deferred.succeed(started, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
          )
        )
        yield* connection.send(approval(1))
        yield* Deferred.await(started)
        if (end === "closed") yield* client.shutdown
        else yield* connection.lose("EndOfStream", "closed the connection")
        yield* Deferred.await(stopped)
        assert.deepStrictEqual(yield* connection.unreceived, [])
      }).pipe(Effect.scoped)
    )
  }

  it.effect("is replaced by a newer one until that one's scope closes", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      const answering = (decision: "accept" | "decline") => () => Effect.succeed({ decision })
      yield* client.handle(Approval, answering("accept"))
      const scope = yield* Scope.make()
      yield* Scope.provide(client.handle(Approval, answering("decline")), scope)
      yield* connection.send(approval(1))
      assert.deepStrictEqual(yield* connection.receive, { id: 1, result: { decision: "decline" } })
      yield* Scope.close(scope, Exit.void)
      yield* connection.send(approval(2))
      assert.deepStrictEqual(yield* connection.receive, { id: 2, result: { decision: "accept" } })
    }).pipe(Effect.scoped)
  )

  it.effect("is removed with its scope: what it works on is rejected, and later requests are events", () =>
    Effect.gen(function* () {
      const { client, connection, scope } = yield* handling
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* connection.receive, {
        id: 1,
        error: { code: -32603, message: `the client's handler of \`${Approval}\` was removed` }
      })
      yield* connection.send(approval(2))
      assert.strictEqual((yield* asked(client)).id, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("can be removed although the server does not read", () =>
    Effect.gen(function* () {
      const { client, connection, scope } = yield* handling
      yield* connection.clog
      yield* Scope.close(scope, Exit.void)
      yield* client.shutdown
    }).pipe(Effect.scoped)
  )

  it.effect("that answers itself does not answer twice", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      yield* client.handle(Approval, (_, request) =>
        Effect.as(client.respond(request, { decision: "decline" }), { decision: "accept" as const })
      )
      yield* connection.send(approval(1), approval(2))
      assert.deepStrictEqual(
        [yield* connection.receive, yield* connection.receive],
        [
          { id: 1, result: { decision: "decline" } },
          { id: 2, result: { decision: "decline" } }
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("gets no more requests than it may have at the same time; further ones are rejected", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      yield* client.handle(Approval, () => Effect.never)
      yield* connection.send(...Array.from({ length: MaxHandled + 1 }, (_, id) => approval(id)))
      assert.deepStrictEqual(yield* connection.receive, {
        id: MaxHandled,
        error: { code: -32001, message: `the client has too many unanswered requests, \`${Approval}\` was dropped` }
      })
    }).pipe(Effect.scoped)
  )

  it.effect("continues with a request that is sent again after a reconnect, and answers it once", () =>
    Effect.gen(function* () {
      const { client, connection, server } = yield* setUp({ reconnect: { initialDelay: "1 second" } })
      const decision = yield* Deferred.make<"accept">()
      let calls = 0
      yield* client.handle(Approval, () => {
        calls++
        return Effect.map(Deferred.await(decision), (decision) => ({ decision }))
      })
      yield* connection.send(approval(1))
      yield* connection.lose("EndOfStream", "closed the connection")
      yield* connection.closed
      yield* TestClock.adjust("1 second")
      const again = yield* server.accept
      yield* FakeServer.welcome(again)
      yield* again.send(approval(1), approval(2), warning("all sent"))
      assert.deepStrictEqual(yield* client.nextEvent, Option.some({ _tag: "Reconnected", thread: null }))
      assert.strictEqual(Option.getOrThrow(yield* client.nextEvent)._tag, "ServerNotification")
      yield* Deferred.succeed(decision, "accept")
      assert.deepStrictEqual([yield* again.receive, yield* again.receive].map(({ id }) => id).sort(), [1, 2])
      assert.strictEqual(calls, 2)
    }).pipe(Effect.scoped)
  )
})

describe("an answer to a server request", () => {
  it.effect("is sent once; a second one, and one after the request was resolved, fail [93]", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      yield* connection.send(approval(1), approval(2))
      const [one, two] = [yield* asked(client), yield* asked(client)]
      yield* client.respond(one, { decision: "accept" })
      assert.deepStrictEqual(
        yield* Effect.flip(client.reject(one, { code: 1, message: "too late" })),
        new RequestNotPending({ method: Approval, requestId: 1 })
      )
      yield* connection.send(resolved(2))
      yield* client.nextEvent
      const late = yield* Effect.flip(client.respond(two, { decision: "accept" }))
      assert.strictEqual(late.message, `${Approval} is not pending: it was answered, or the server has resolved it`)
      assert.deepStrictEqual(yield* connection.unreceived, [{ id: 1, result: { decision: "accept" } }])
    }).pipe(Effect.scoped)
  )

  it.effect("that could not be sent can be sent again", () =>
    Effect.gen(function* () {
      const { client, connection } = yield* setUp()
      yield* connection.send(approval(1))
      const one = yield* asked(client)
      yield* connection.breakPipe
      for (let again = 0; again < 2; again++) {
        const error = yield* Effect.flip(client.respond(one, { decision: "accept" }))
        assert.strictEqual(error._tag === "TransportError" && error.reason._tag, "WriteFailed")
      }
    }).pipe(Effect.scoped)
  )

  it.effect("has the type of its request", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp()
      const typed = Stream.runForEach(client.events, (event) => {
        if (event._tag !== "ServerRequest") return Effect.void
        const { request } = event
        // @ts-expect-error An answer to a request of an unknown method must fit every method.
        void client.respond(request, { decision: "accept" })
        // @ts-expect-error This is no member of the answer to an approval.
        if (request.method === Approval) void client.respond(request, { answers: {} })
        // @ts-expect-error This is no decision.
        if (request.method === Approval) void client.respond(request, { decision: "perhaps" })
        // @ts-expect-error A handler has the result of its method.
        void client.handle("item/tool/requestUserInput", () => accept)
        return request.method === Approval ? client.respond(request, { decision: "accept" }) : Effect.void
      })
      assert.isTrue(Effect.isEffect(typed))
    }).pipe(Effect.scoped)
  )
})
