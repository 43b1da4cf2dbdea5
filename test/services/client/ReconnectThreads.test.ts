import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Extension } from "../../../src/protocol/extensions/Sequence.ts"
import {
  connected,
  comeBack,
  turnStarted,
  started,
  approval,
  takeN,
  back,
  startThread,
  continued
} from "../../support/Reconnecting.ts"
import { failureOf } from "../../support/Failures.ts"

describe("the threads of a client that reconnects", () => {
  it.effect("continue after the last received number, without duplicates", () =>
    Effect.gen(function* () {
      const { server, connection, link, initialize } = yield* connected()
      assert.deepStrictEqual((initialize["params"] as { readonly capabilities: object }).capabilities, {
        experimentalApi: false,
        extensions: { [Extension]: {} }
      })
      yield* startThread(link, connection, "t", { epoch: "e", seq: 0 })
      yield* connection.send(turnStarted("t", "one", 1), turnStarted("t", "four", 4))
      assert.deepStrictEqual(yield* takeN(link, 2), ["one", "four"])
      const next = yield* comeBack(server, connection)
      const resume = yield* next.receive
      assert.deepStrictEqual(resume, {
        id: 2,
        method: "thread/resume",
        params: { threadId: "t", excludeTurns: true },
        extensions: { [Extension]: { after: { epoch: "e", seq: 4 } } }
      })
      yield* next.send(
        started(2, "t", { epoch: "e", seq: 6, resync: false }),
        turnStarted("t", "four again", 4),
        turnStarted("t", "five", 5),
        turnStarted("t", "six", 6),
        turnStarted("t", "seven", 7)
      )
      assert.deepStrictEqual(yield* takeN(link, 5), [back, continued("t", "complete"), "five", "six", "seven"])
      // The next reconnect continues from there.
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual((yield* third.receive)["extensions"], { [Extension]: { after: { epoch: "e", seq: 7 } } })
    }).pipe(Effect.scoped)
  )

  it.effect("do not count broadcasts from before their resume as received", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t", { epoch: "e", seq: 0 })
      yield* connection.send(turnStarted("t", "one", 1))
      const next = yield* comeBack(server, connection)
      yield* next.send(turnStarted("t", "five", 5))
      yield* next.send(
        started((yield* next.receive)["id"], "t", { epoch: "e", seq: 5, resync: false }),
        turnStarted("t", "two", 2),
        turnStarted("t", "five", 5)
      )
      assert.deepStrictEqual(yield* takeN(link, 5), ["one", back, continued("t", "complete"), "two", "five"])
    }).pipe(Effect.scoped)
  )

  it.effect("are reported as out of sync when the server has no more history, and continue from its position", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t", { epoch: "e", seq: 3 })
      const next = yield* comeBack(server, connection)
      const { id } = yield* next.receive
      yield* next.send(started(id, "t", { epoch: "f", seq: 1, resync: true }), turnStarted("t", "new", 2))
      assert.deepStrictEqual(yield* takeN(link, 3), [back, continued("t", "resync"), "new"])
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual((yield* third.receive)["extensions"], { [Extension]: { after: { epoch: "f", seq: 2 } } })
    }).pipe(Effect.scoped)
  )

  it.effect("continue in the epoch of a server that has restarted", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t", { epoch: "e", seq: 3 })
      const next = yield* comeBack(server, connection)
      const { id } = yield* next.receive
      yield* next.send(started(id, "t", { epoch: "f", seq: 20, resync: false }), turnStarted("t", "new", 20))
      assert.deepStrictEqual(yield* takeN(link, 3), [back, continued("t", "complete"), "new"])
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual((yield* third.receive)["extensions"], { [Extension]: { after: { epoch: "f", seq: 20 } } })
    }).pipe(Effect.scoped)
  )

  it.effect("are resumed without numbers when the server does not number", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t")
      const next = yield* comeBack(server, connection, {})
      const resume = yield* next.receive
      assert.deepStrictEqual(resume, {
        id: 2,
        method: "thread/resume",
        params: { threadId: "t", excludeTurns: true }
      })
      yield* next.send(started(2, "t"), turnStarted("t", "new"))
      assert.deepStrictEqual(yield* takeN(link, 3), [back, continued("t", "resync"), "new"])
    }).pipe(Effect.scoped)
  )

  it.effect("are reported as lost when the server cannot resume them, and are not resumed again", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t")
      const next = yield* comeBack(server, connection)
      yield* next.send({ error: { code: -32600, message: "thread not found: t" }, id: (yield* next.receive)["id"] })
      assert.deepStrictEqual(yield* takeN(link, 2), [back, continued("t", "lost")])
      const third = yield* comeBack(server, next)
      assert.deepStrictEqual(yield* third.unreceived, [])
    }).pipe(Effect.scoped)
  )

  it.effect("are resumed later when the server is overloaded", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* startThread(link, connection, "t")
      const next = yield* comeBack(server, connection)
      yield* next.send({
        error: { code: -32001, message: "Server overloaded; retry later." },
        id: (yield* next.receive)["id"]
      })
      yield* TestClock.adjust("1 second")
      yield* next.send(started((yield* next.receive)["id"], "t"))
      assert.deepStrictEqual(yield* takeN(link, 2), [back, continued("t", "resync")])
    }).pipe(Effect.scoped)
  )

  it.effect("do not include those that the client left or that ended", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      for (const threadId of ["left", "closed", "kept"]) yield* startThread(link, connection, threadId)
      const leaving = yield* Effect.forkChild(link.request("thread/unsubscribe", { threadId: "left" }), {
        startImmediately: true
      })
      yield* connection.send({ id: (yield* connection.receive)["id"], result: { status: "unsubscribed" } })
      yield* Fiber.join(leaving)
      yield* connection.send({ method: "thread/closed", params: { threadId: "closed" } })
      const next = yield* comeBack(server, connection)
      assert.deepStrictEqual((yield* next.receive)["params"], { threadId: "kept", excludeTurns: true })
      assert.deepStrictEqual(yield* next.unreceived, [])
    }).pipe(Effect.scoped)
  )
})

describe("a pending server request", () => {
  it.effect("is sent again with its id, and is answered once", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.send(approval(0, "ls"))
      assert.deepStrictEqual(yield* takeN(link, 1), [{ asked: 0 }])
      const next = yield* comeBack(server, connection)
      yield* next.send(approval(0, "ls"))
      assert.deepStrictEqual(yield* takeN(link, 2), [back, { asked: 0 }])
      yield* link.respond(0, { decision: "accept" })
      assert.deepStrictEqual(yield* next.receive, { id: 0, result: { decision: "accept" } })
    }).pipe(Effect.scoped)
  )

  it.effect("never receives the answer to another request with the same id", () =>
    Effect.gen(function* () {
      const { server, connection, link } = yield* connected()
      yield* connection.send(approval(0, "ls"))
      // This is another server, which counts from the beginning.
      const next = yield* comeBack(server, connection)
      yield* next.send(approval(0, "rm -rf /"))
      assert.deepStrictEqual(yield* takeN(link, 3), [{ asked: 0 }, back, { asked: "0#1" }])
      const error = yield* failureOf(link.respond(0, { decision: "accept" }))
      assert.strictEqual(error?.message, "resolve transport error: the connection of this request is gone")
      assert.deepStrictEqual(yield* next.unreceived, [])
      yield* next.send({ method: "serverRequest/resolved", params: { threadId: "t", requestId: 0 } })
      assert.deepStrictEqual(yield* takeN(link, 1), [{ resolved: "0#1" }])
      yield* next.send(approval(0, "rm -rf /"))
      assert.deepStrictEqual(yield* takeN(link, 1), [{ asked: "0#2" }])
      yield* link.reject("0#2", { code: -32000, message: "no" })
      assert.deepStrictEqual(yield* next.receive, { error: { code: -32000, message: "no" }, id: 0 })
    }).pipe(Effect.scoped)
  )
})
