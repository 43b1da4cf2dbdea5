import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Server from "../../src/layers/Server.ts"
import { type ModelEvent, ModelProvider } from "../../src/services/model/ModelProvider.ts"
import { connect, type ReceivedMessage } from "../support/WirePeer.ts"

// With every notification of a thread, its numbers have no gap.
const sequence = { experimentalApi: true, extensions: { "spindle/sequence": {} } }

const delta = (index: number): ModelEvent => ({ _tag: "TextDelta", itemId: "m", delta: `${index} ` })

const message = (text: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "message", role: "assistant", id: "m", content: [{ type: "output_text", text }] }
})

/** Sends a number of words before the gate opens, and as many after it. */
const gated = (gate: Deferred.Deferred<void>, count: number) =>
  Layer.succeed(ModelProvider, {
    stream: () =>
      Stream.fromIterable<ModelEvent>([
        { _tag: "ItemStarted", itemId: "m", kind: "message" },
        ...Array.from({ length: count }, (_, index) => delta(index))
      ]).pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Deferred.await(gate)))),
        Stream.concat(Stream.fromIterable(Array.from({ length: count }, (_, index) => delta(count + index)))),
        Stream.concat(Stream.make(message("done"), { _tag: "Completed", usage: null, endTurn: true } as ModelEvent))
      )
  })

const withServer = <A, E>(
  count: number,
  use: (gate: Deferred.Deferred<void>) => Effect.Effect<A, E, Server.Server | Scope.Scope>
) =>
  Effect.gen(function* () {
    const gate = yield* Deferred.make<void>()
    const server = Server.layer({ home: "/nowhere", cwd: "/", environment: {}, model: gated(gate, count) })
    return yield* Effect.scoped(use(gate)).pipe(Effect.provide(server.pipe(Layer.provide(NodeServices.layer))))
  })

const words = (messages: ReadonlyArray<ReceivedMessage>) =>
  messages.filter(({ method }) => method === "item/agentMessage/delta").map(({ params }) => Number(params?.["delta"]))

const seqs = (messages: ReadonlyArray<ReceivedMessage>) =>
  messages.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

const startTurn = Effect.fnUntraced(function* (peer: Effect.Success<ReturnType<typeof connect>>) {
  const started = yield* peer.request("thread/start", {})
  const threadId = (started.result?.["thread"] as { readonly id: string } | undefined)?.id
  yield* peer.request("turn/start", { threadId, input: [{ type: "text", text: "go" }] })
  return { threadId, started }
})

describe("resume without a gap", () => {
  it.live("sends a returning client exactly the missed notifications in order, and then new ones", () =>
    withServer(
      100,
      Effect.fnUntraced(function* (gate) {
        const life = yield* Scope.make()
        const first = yield* Scope.provide(connect(), life)
        const hello = yield* first.initialize(sequence)
        assert.deepStrictEqual(hello.extensions, { "spindle/sequence": {} })
        const { threadId, started } = yield* startTurn(first)
        const { epoch } = started.extensions?.["spindle/sequence"] ?? {}
        assert.deepStrictEqual(started.extensions, { "spindle/sequence": { epoch, seq: 0 } })
        const last = yield* first.until((received) => received.params?.["delta"] === "41 ")
        const before = first.received.slice(0, first.position())
        yield* Scope.close(life, Exit.void)

        const second = yield* connect()
        yield* second.initialize(sequence)
        const resumed = yield* second.request(
          "thread/resume",
          { threadId, excludeTurns: true },
          { "spindle/sequence": { after: { epoch, seq: last.seq } } }
        )
        assert.deepStrictEqual(resumed.extensions?.["spindle/sequence"]?.["resync"], false)
        yield* Deferred.succeed(gate, undefined)
        yield* second.until(({ method }) => method === "turn/completed")

        assert.deepStrictEqual(words([...before, ...second.received]), upTo(200))
        const numbers = [...seqs(before), ...seqs(second.received)]
        assert.deepStrictEqual(
          numbers,
          upTo(numbers.length).map((index) => index + 1)
        )
      })
    )
  )

  it.live("requests a resync when the missed notifications are no longer known", () =>
    withServer(
      2000,
      Effect.fnUntraced(function* (gate) {
        const peer = yield* connect({ outgoingCapacity: 10_000 })
        yield* peer.initialize(sequence)
        const { threadId, started } = yield* startTurn(peer)
        yield* Deferred.succeed(gate, undefined)
        yield* peer.until(({ method }) => method === "turn/completed")
        const { epoch } = started.extensions?.["spindle/sequence"] ?? {}
        const after = (position: object) =>
          Effect.map(
            peer.request("thread/resume", { threadId }, { "spindle/sequence": { after: position } }),
            ({ extensions }) => extensions?.["spindle/sequence"]?.["resync"]
          )
        assert.strictEqual(yield* after({ epoch, seq: 3 }), true)
        assert.strictEqual(yield* after({ epoch: "another", seq: 4000 }), true)
        assert.strictEqual(yield* after({ epoch, seq: 4000 }), false)
      })
    )
  )

  it.live("does not change the messages of a client that did not opt in", () =>
    withServer(
      3,
      Effect.fnUntraced(function* (gate) {
        const peer = yield* connect()
        yield* peer.initialize()
        yield* startTurn(peer)
        yield* Deferred.succeed(gate, undefined)
        yield* peer.until(({ method }) => method === "turn/completed")
        assert.deepStrictEqual(
          peer.received.filter((received) => "seq" in received || "extensions" in received),
          []
        )
      })
    )
  )
})
