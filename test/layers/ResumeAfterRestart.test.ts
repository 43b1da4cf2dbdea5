import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Server from "../../src/layers/Server.ts"
import * as Memory from "../../src/layers/stores/Memory.ts"
import type { Position } from "../../src/protocol/extensions/Sequence.ts"
import { ModelProvider } from "../../src/services/model/ModelProvider.ts"
import { readEvents } from "../../src/services/thread/StoredThread.ts"
import { ThreadStore } from "../../src/services/thread/ThreadStore.ts"
import { completed, done } from "../support/ScriptedModel.ts"
import { connect, type ReceivedMessage } from "../support/WirePeer.ts"

const sequence = { experimentalApi: true, extensions: { "spindle/sequence": {} } }

const model = Layer.succeed(ModelProvider, { stream: () => Stream.fromIterable([done("m", "answer"), completed]) })

type Store = ThreadStore["Service"]

/** One life of a server over the store, with a client that asked for numbers. */
const life = <A>(
  store: Store,
  use: (peer: Effect.Success<ReturnType<typeof connect>>) => Effect.Effect<A, unknown, Server.Server | Scope.Scope>
) => {
  const services = Server.layer({
    home: "/nowhere",
    cwd: "/",
    environment: {},
    model,
    store: Layer.succeed(ThreadStore, store)
  }).pipe(Layer.provide(NodeServices.layer))
  const used = Effect.gen(function* () {
    const peer = yield* connect()
    yield* peer.initialize(sequence)
    return yield* use(peer)
  })
  return Effect.scoped(used).pipe(Effect.provide(services), Effect.orDie)
}

const turn = Effect.fnUntraced(function* (peer: Effect.Success<ReturnType<typeof connect>>, threadId: string) {
  const from = peer.received.length
  yield* peer.request("turn/start", { threadId, input: [{ type: "text", text: "go" }] })
  yield* peer.until(({ method }) => method === "turn/completed")
  return numbers(peer.received.slice(from))
})

const idIn = (result: Readonly<Record<string, unknown>> | undefined): string => {
  const thread = result?.["thread"]
  return typeof thread === "object" && thread !== null && "id" in thread ? String(thread.id) : ""
}

const numbers = (messages: ReadonlyArray<ReceivedMessage>) =>
  messages.flatMap(({ seq }) => (seq === undefined ? [] : [seq]))

/** A thread with one turn, and where its client was when the server ended. */
const firstLife = (store: Store) =>
  life(
    store,
    Effect.fnUntraced(function* (peer) {
      const started = yield* peer.request("thread/start", {})
      const threadId = idIn(started.result)
      const seen = yield* turn(peer, threadId)
      const epoch = String(started.extensions?.["spindle/sequence"]?.["epoch"])
      return { threadId, position: { epoch, seq: seen.at(-1) ?? 0 } }
    })
  )

/** Resumes in another life of the server. Returns whether the client has to read again, and the numbers of a further turn. */
const return_ = (store: Store, threadId: string, after: Position) =>
  life(
    store,
    Effect.fnUntraced(function* (peer) {
      const resumed = yield* peer.request("thread/resume", { threadId }, { "spindle/sequence": { after } })
      const { epoch, resync } = resumed.extensions?.["spindle/sequence"] ?? {}
      const before = numbers(peer.received)
      // A broadcast before the response is sent again after it.
      const all = Array.from(new Set([...before, ...(yield* turn(peer, threadId))]))
      return { resync, numbers: all, position: { epoch: String(epoch), seq: all.at(-1) ?? 0 } }
    })
  )

describe("a position after a restart of the server", () => {
  it.live("is still valid when nothing has happened since, and the numbers continue", () =>
    Effect.gen(function* () {
      const store = yield* Memory.make
      const first = yield* firstLife(store)
      const second = yield* return_(store, first.threadId, first.position)
      assert.strictEqual(second.resync, false)
      assert.isAbove(second.numbers[0] ?? 0, first.position.seq)
      assert.deepStrictEqual(
        second.numbers,
        second.numbers.map((_, index) => (second.numbers[0] ?? 0) + index)
      )
      // Once more, from the epoch of the second life.
      const third = yield* return_(store, first.threadId, second.position)
      assert.strictEqual(third.resync, false)
      assert.isAbove(third.numbers[0] ?? 0, second.position.seq)
    })
  )

  it.live("is still valid when the client saw how the thread was unloaded, but no further", () =>
    Effect.gen(function* () {
      const resyncAt = Effect.fnUntraced(function* (distance: number) {
        const store = yield* Memory.make
        const { position, threadId } = yield* firstLife(store)
        return (yield* return_(store, threadId, { ...position, seq: position.seq + distance })).resync
      })
      assert.deepStrictEqual(yield* Effect.forEach([2, 16, 17], resyncAt), [false, false, true])
    })
  )

  it.live("results in a resync when the client missed something", () =>
    Effect.gen(function* () {
      const store = yield* Memory.make
      const first = yield* firstLife(store)
      const behind = { ...first.position, seq: first.position.seq - 1 }
      assert.strictEqual((yield* return_(store, first.threadId, behind)).resync, true)
      // The turn of the life in between.
      assert.strictEqual((yield* return_(store, first.threadId, first.position)).resync, true)
      const far = { ...first.position, seq: 1_000_000 }
      assert.strictEqual((yield* return_(store, first.threadId, far)).resync, true)
    })
  )

  it.live("results in a resync when another program has changed the thread", () =>
    Effect.gen(function* () {
      const store = yield* Memory.make
      const first = yield* firstLife(store)
      const { length } = yield* Effect.orDie(readEvents(store, first.threadId))
      const event = { _tag: "Foreign", at: 1, type: "other", payload: {} } as const
      yield* Effect.orDie(store.append(first.threadId, length, [event]))
      assert.strictEqual((yield* return_(store, first.threadId, first.position)).resync, true)
    })
  )

  it.live.prop(
    "results in a resync after a crash, wherever it was",
    { cut: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })) },
    ({ cut }) =>
      Effect.gen(function* () {
        const whole = yield* Memory.make
        const first = yield* firstLife(whole)
        const events = yield* Effect.orDie(readEvents(whole, first.threadId))
        const begun = events.findIndex(({ _tag }) => _tag === "TurnStarted") + 1
        const store = yield* Memory.make
        // Without the last event, which only an orderly end stores.
        const kept = begun + (cut % (events.length - begun))
        yield* Effect.orDie(store.append(first.threadId, 0, events.slice(0, kept)))
        assert.strictEqual(events.at(-1)?._tag, "SequenceMarked")
        assert.strictEqual((yield* return_(store, first.threadId, first.position)).resync, true)
      }),
    { arbitrary: { runs: 10 } }
  )
})
