import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { ClientEvent } from "../../src/services/client/ClientEvent.ts"
import * as ModelServer from "../support/ModelServer.ts"
import { deltasOf, isDelta, userInput, turn, turnEnds, until } from "./Events.ts"
import * as Subjects from "./Subject.ts"

const words = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `${from + index} `)

const reconnectionsIn = (events: ReadonlyArray<ClientEvent>) =>
  events.flatMap((event) => (event._tag === "Reconnected" ? [event.thread] : []))

const isBack = (event: ClientEvent) => event._tag === "Reconnected"

const isAsked = (event: ClientEvent) => event._tag === "ServerRequest"

const comingBack = Effect.gen(function* () {
  const { comingBack: connect } = yield* Subjects.Subject
  assert.isDefined(connect)
  return yield* connect("phone")
})

const ways: ReadonlyArray<{
  readonly name: string
  readonly layer: Layer.Layer<Subjects.Subject, unknown, ModelServer.ModelServer>
}> = [
  { name: "over a WebSocket", layer: Subjects.webSocket },
  { name: "over a Unix socket", layer: Subjects.unixSocket }
]

for (const { name, layer } of ways) {
  const provided = <A, E>(test: Effect.Effect<A, E, Subjects.Subject | ModelServer.ModelServer>) =>
    Effect.provide(test, Layer.provideMerge(layer, ModelServer.layer))

  describe(`a client ${name} whose connection is cut`, () => {
    it.live("in the middle of a turn receives every delta once, in order, and the end", () =>
      Effect.gen(function* () {
        const { next } = yield* ModelServer.ModelServer
        const { client, proxy } = yield* comingBack
        const { thread } = yield* client.request("thread/start", {})
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("count") })
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened, ...words(0, 100).map(ModelServer.delta))
        const before = yield* until(client, isDelta)
        yield* proxy.cut
        yield* asked.send(...words(100, 200).map(ModelServer.delta))
        yield* proxy.restore
        const back = yield* until(client, isBack)
        yield* asked.send(
          ...words(200, 300).map(ModelServer.delta),
          ModelServer.done(words(0, 300).join("")),
          ModelServer.completed
        )
        yield* asked.end
        const events = [...before, ...back, ...(yield* until(client, turnEnds))]
        assert.deepStrictEqual(deltasOf(events), words(0, 300))
        assert.deepStrictEqual(reconnectionsIn(events), [null, { id: thread.id, continuity: "complete" }])
      }).pipe(Effect.scoped, provided)
    )

    it.live("while a server request is pending receives it again with the same id, and its answer is used", () =>
      Effect.gen(function* () {
        const { work } = yield* Subjects.Subject
        const { client, proxy } = yield* comingBack
        const { thread } = yield* client.request("thread/start", { approvalPolicy: "untrusted" })
        const speaking = yield* Effect.forkChild(
          Effect.andThen(ModelServer.run("call_1", "touch accepted"), ModelServer.reply("done"))
        )
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        const first = (yield* until(client, isAsked)).at(-1)
        yield* proxy.cut
        yield* proxy.restore
        const second = (yield* until(client, isAsked)).at(-1)
        assert.deepStrictEqual(second, first)
        if (second?._tag !== "ServerRequest") return assert.fail("no server request arrived")
        if (second.request.method !== "item/commandExecution/requestApproval") return assert.fail(second.request.method)
        yield* client.respond(second.request, { decision: "accept" })
        yield* until(client, turnEnds)
        yield* Fiber.join(speaking)
        assert.isTrue(existsSync(join(work, "accepted")))
      }).pipe(Effect.scoped, provided)
    )

    it.live("before a thread's first turn continues the thread, including an ephemeral one", () =>
      Effect.gen(function* () {
        const { client, proxy } = yield* comingBack
        const { thread: one } = yield* client.request("thread/start", {})
        const { thread: two } = yield* client.request("thread/start", { ephemeral: true })
        yield* proxy.cut
        yield* proxy.restore
        const events = [
          ...(yield* until(client, isBack)),
          ...(yield* until(client, isBack)),
          ...(yield* until(client, isBack))
        ]
        assert.deepStrictEqual(reconnectionsIn(events), [
          null,
          { id: one.id, continuity: "complete" },
          { id: two.id, continuity: "complete" }
        ])
        assert.deepStrictEqual(deltasOf(yield* turn(client, two.id, "hello")), ["hello"])
      }).pipe(Effect.scoped, provided)
    )

    it.live("for too long gets a resync, and then new notifications", () =>
      Effect.gen(function* () {
        const { next } = yield* ModelServer.ModelServer
        const { connect } = yield* Subjects.Subject
        const witness = yield* connect("witness")
        const { client, proxy } = yield* comingBack
        const { thread } = yield* client.request("thread/start", {})
        yield* turn(client, thread.id, "first")
        yield* witness.request("thread/resume", { threadId: thread.id })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("count") })
        const asked = yield* next
        yield* asked.send(ModelServer.created, ModelServer.opened, ModelServer.delta("seen"))
        yield* until(client, isDelta)
        yield* proxy.cut
        yield* asked.send(...words(0, 3000).map(ModelServer.delta))
        yield* until(witness, (event) => deltasOf([event])[0] === "2999 ")
        yield* proxy.restore
        const back = yield* until(client, (event) => event._tag === "Reconnected" && event.thread !== null)
        yield* asked.send(ModelServer.delta("after"), ModelServer.done("…"), ModelServer.completed)
        yield* asked.end
        const events = [...back, ...(yield* until(client, turnEnds))]
        assert.deepStrictEqual(reconnectionsIn(events), [null, { id: thread.id, continuity: "resync" }])
        assert.deepStrictEqual(deltasOf(events), ["after"])
      }).pipe(Effect.scoped, provided)
    )
  })
}
