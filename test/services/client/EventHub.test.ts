import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { ServerRequest } from "../../../src/protocol/Methods.ts"
import { ConsumerTooSlow } from "../../../src/services/client/ClientError.ts"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import { everything, type Selection } from "../../../src/services/client/EventConsumer.ts"
import { EventHub } from "../../../src/services/client/EventHub.ts"
import { MaxHeld, MaxHeldSize } from "../../../src/services/client/HeldEvents.ts"
import { ofThread } from "../../../src/services/client/TurnStream.ts"

const delta = (text: string, threadId = "t"): ClientEvent => ({
  _tag: "ServerNotification",
  notification: { method: "item/agentMessage/delta", params: { threadId, turnId: "u", itemId: "i", delta: text } }
})

const warning = (message: string): ClientEvent => ({
  _tag: "ServerNotification",
  notification: { method: "warning", params: { threadId: null, message } }
})

const request = (id: number): ClientEvent => ({
  _tag: "ServerRequest",
  request: { id, method: "currentTime/read", params: { threadId: "t" } }
})

/** An event in short form. */
const brief = (event: ClientEvent): string => {
  if (event._tag === "Lagged") return `Lagged ${event.skipped}`
  if (event._tag === "ServerRequest") return `request ${String(event.request.id)}`
  if (event._tag !== "ServerNotification") return event._tag
  const { notification } = event
  if (notification.method === "item/agentMessage/delta") return notification.params.delta
  return notification.method === "warning" ? `warning ${notification.params.message}` : notification.method
}

/** A hub over a queue, with what its observer received. */
const setUp = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<ClientEvent, Cause.Done>()
  const dropped: Array<unknown> = []
  const hub = new EventHub(
    {
      poll: () => {
        const next = Queue.takeUnsafe(queue)
        return next?._tag === "Success" ? next.value : undefined
      },
      ready: Effect.asVoid(Queue.peek(queue))
    },
    {
      takes: (event) => brief(event) === "handled",
      unclaimed: () => false,
      dropped: ({ id }: ServerRequest) => void dropped.push(id)
    }
  )
  const subscribe = Effect.fnUntraced(function* (
    selection: Selection = everything,
    options?: Parameters<EventHub["subscribe"]>[1]
  ) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const consumer = yield* Scope.provide(hub.subscribe(selection, options), scope)
    const next = Effect.map(hub.next(consumer), brief)
    return {
      next,
      take: (count: number) => Effect.all(Array.from({ length: count }, () => next)),
      leave: Scope.close(scope, Exit.void)
    }
  })
  const publish = (...events: ReadonlyArray<ClientEvent>) => Effect.sync(() => void Queue.offerAllUnsafe(queue, events))
  return { dropped, end: Queue.end(queue), hub, publish, queue, subscribe }
})

const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index))

describe("the events of a client", () => {
  it.effect("are received by every reader, each at its own pace [90]", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const [fast, slow] = [yield* subscribe(), yield* subscribe()]
      yield* publish(...names(100).map((name) => delta(name)))
      assert.deepStrictEqual(yield* fast.take(100), names(100))
      yield* publish(delta("last"))
      assert.deepStrictEqual(yield* slow.take(101), [...names(100), "last"])
      assert.strictEqual(yield* fast.next, "last")
    }).pipe(Effect.scoped)
  )

  it.effect("reach all readers that wait, whichever one waits for the connection", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const readers = yield* Effect.all([subscribe(), subscribe(), subscribe()])
      const waiting = yield* Effect.forEach(readers, ({ take }) =>
        Effect.forkChild(take(2), { startImmediately: true })
      )
      yield* publish(delta("a"), delta("b"))
      assert.deepStrictEqual(yield* Effect.forEach(waiting, Fiber.join), [
        ["a", "b"],
        ["a", "b"],
        ["a", "b"]
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("reach the others when the one that waits for the connection is interrupted", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const [first, second, third] = [yield* subscribe(), yield* subscribe(), yield* subscribe()]
      const leader = yield* Effect.forkChild(first.next, { startImmediately: true })
      const others = yield* Effect.forEach([second, third], ({ next }) =>
        Effect.forkChild(next, { startImmediately: true })
      )
      yield* Fiber.interrupt(leader)
      yield* publish(delta("a"))
      assert.deepStrictEqual(yield* Effect.forEach(others, Fiber.join), ["a", "a"])
      assert.strictEqual(yield* first.next, "a")
    }).pipe(Effect.scoped)
  )

  it.effect("reach every fiber that reads from one consumer, also when another one of them is interrupted", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const [shared, other] = [yield* subscribe(), yield* subscribe()]
      const leader = yield* Effect.forkChild(other.next, { startImmediately: true })
      const [one, two, three] = yield* Effect.all(
        Array.from({ length: 3 }, () => Effect.forkChild(shared.next, { startImmediately: true }))
      )
      yield* Fiber.interrupt(two!)
      yield* publish(delta("a"), delta("b"))
      assert.deepStrictEqual([yield* Fiber.join(one!), yield* Fiber.join(three!)].sort(), ["a", "b"])
      assert.strictEqual(yield* Fiber.join(leader), "a")
    }).pipe(Effect.scoped)
  )

  it.effect("are held for the first reader, and for the next one when the last one leaves early [91]", () =>
    Effect.gen(function* () {
      const { hub, publish, subscribe } = yield* setUp
      yield* publish(...names(6).map((name) => delta(name)))
      const first = yield* subscribe()
      const second = yield* subscribe()
      assert.deepStrictEqual(yield* first.take(2), ["0", "1"])
      assert.deepStrictEqual(yield* second.take(4), ["0", "1", "2", "3"])
      yield* second.leave
      // The first reader has its own copies, so nothing is held.
      assert.deepStrictEqual(yield* first.take(1), ["2"])
      yield* first.leave
      assert.deepStrictEqual(Option.map(yield* hub.nextUnclaimed, brief), Option.some("3"))
      assert.deepStrictEqual(yield* (yield* subscribe()).take(2), ["4", "5"])
    }).pipe(Effect.scoped)
  )

  it.effect("of other threads are held while a thread's events are read", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const thread = yield* subscribe(ofThread("t", true))
      yield* publish(delta("a", "other"), delta("b"), delta("c", "other"), delta("d"))
      assert.deepStrictEqual(yield* thread.take(2), ["b", "d"])
      assert.deepStrictEqual(yield* (yield* subscribe()).take(2), ["a", "c"])
    }).pipe(Effect.scoped)
  )

  it.effect(
    "that no consumer reads are held up to a limit; the loss is counted, and dropped requests are reported [91]",
    () =>
      Effect.gen(function* () {
        const { dropped, publish, subscribe } = yield* setUp
        const other = yield* subscribe(ofThread("u", true))
        yield* publish(request(7), ...names(MaxHeld + 9).map((name) => delta(name)), delta("mine", "u"))
        assert.strictEqual(yield* other.next, "mine")
        assert.deepStrictEqual(dropped, [7])
        const reader = yield* subscribe()
        assert.deepStrictEqual(yield* reader.take(3), ["Lagged 10", "9", "10"])
      }).pipe(Effect.scoped)
  )

  it.effect("that nobody reads are also held up to a size, and a reader that leaves changes nothing about it", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const other = yield* subscribe(ofThread("u", true))
      const [half, whole] = ["x".repeat(MaxHeldSize / 2), "y".repeat(MaxHeldSize)]
      yield* publish(delta("0"), delta(half), delta("1"), delta(half), delta("2"), delta("mine", "u"))
      assert.strictEqual(yield* other.next, "mine")
      const first = yield* subscribe()
      assert.deepStrictEqual(yield* first.take(2), ["Lagged 2", "1"])
      yield* first.leave
      yield* publish(delta(whole), delta("3"), delta("mine", "u"))
      assert.strictEqual(yield* other.next, "mine")
      assert.deepStrictEqual(yield* (yield* subscribe()).take(2), ["Lagged 3", "3"])
    }).pipe(Effect.scoped)
  )

  it.effect("end a reader that is too slow after those it holds, and no other one [90]", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const fast = yield* subscribe()
      const slow = yield* subscribe(everything, { name: "screen", capacity: 2 })
      yield* publish(delta("a"), warning("1"), warning("2"), delta("b"), delta("c"))
      assert.deepStrictEqual(yield* fast.take(5), ["a", "warning 1", "warning 2", "b", "c"])
      assert.deepStrictEqual(yield* slow.take(2), ["a", "warning 1"])
      const error = yield* Effect.flip(slow.next)
      assert.deepStrictEqual(error, new ConsumerTooSlow({ consumer: "screen", capacity: 2 }))
      yield* publish(delta("d"))
      assert.strictEqual(yield* fast.next, "d")
    }).pipe(Effect.scoped)
  )

  it.effect("lose best-effort ones first in a full queue, with their number in their place", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const fast = yield* subscribe()
      const slow = yield* subscribe(everything, { capacity: 1 })
      yield* publish(delta("a"), warning("1"), warning("2"))
      yield* fast.take(3)
      assert.strictEqual(yield* slow.next, "a")
      yield* publish(delta("b"))
      yield* fast.next
      assert.deepStrictEqual(yield* slow.take(2), ["Lagged 2", "b"])
    }).pipe(Effect.scoped)
  )

  it.effect("lose the newest or the oldest ones when the reader asks for that", () =>
    Effect.gen(function* () {
      const { publish, subscribe } = yield* setUp
      const fast = yield* subscribe()
      const dropping = yield* subscribe(everything, { capacity: 2, whenFull: "dropping" })
      const sliding = yield* subscribe(everything, { capacity: 2, whenFull: "sliding" })
      yield* publish(...names(5).map((name) => delta(name)))
      yield* fast.take(5)
      assert.deepStrictEqual(yield* dropping.take(2), ["0", "1"])
      assert.deepStrictEqual(yield* sliding.take(3), ["Lagged 3", "3", "4"])
      yield* publish(delta("5"))
      assert.deepStrictEqual([yield* dropping.take(2), yield* sliding.next], [["Lagged 3", "5"], "5"])
    }).pipe(Effect.scoped)
  )

  it.effect("end for every reader with the connection, after the events that came before", () =>
    Effect.gen(function* () {
      const { end, hub, publish, subscribe } = yield* setUp
      const [one, two] = [yield* subscribe(), yield* subscribe()]
      const driving = yield* Effect.forkChild(hub.drive, { startImmediately: true })
      const waiting = yield* Effect.forkChild(Effect.all([one.next, Effect.flip(one.next)]), { startImmediately: true })
      yield* publish(delta("a"))
      yield* end
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["a", Cause.Done()])
      assert.deepStrictEqual(yield* two.next, "a")
      assert.strictEqual((yield* Effect.flip(two.next))._tag, "Done")
      yield* Fiber.join(driving)
      assert.deepStrictEqual(yield* hub.nextUnclaimed, Option.none())
    }).pipe(Effect.scoped)
  )

  const Action = Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("publish"), count: Schema.Literals([1, 2, 5]) }),
    Schema.Struct({ _tag: Schema.Literal("read"), reader: Schema.Literals([0, 1, 2]) }),
    Schema.Struct({ _tag: Schema.Literal("interrupt"), reader: Schema.Literals([0, 1, 2]) }),
    Schema.Struct({ _tag: Schema.Literal("drive") })
  ])

  it.effect.prop(
    "arrive complete and in order, whichever fiber reads, waits or is interrupted",
    [Arbitrary.array(Arbitrary.schema(Action))],
    ([actions]) =>
      Effect.gen(function* () {
        const { end, hub, publish, subscribe } = yield* setUp
        const readers = yield* Effect.all([subscribe(), subscribe(), subscribe()])
        const got: ReadonlyArray<Array<string>> = [[], [], []]
        const running: Array<Fiber.Fiber<unknown, unknown> | undefined> = [undefined, undefined, undefined]
        const read = (index: number) => Effect.map(readers[index]!.next, (event) => void got[index]!.push(event))
        let published = 0
        for (const action of actions) {
          switch (action._tag) {
            case "publish":
              yield* publish(...names(action.count, published).map((name) => delta(name)))
              published += action.count
              break
            case "read":
              if (running[action.reader]?.pollUnsafe() === undefined && running[action.reader] !== undefined) break
              running[action.reader] = yield* Effect.forkChild(read(action.reader), { startImmediately: true })
              break
            case "interrupt":
              if (running[action.reader] !== undefined) yield* Fiber.interrupt(running[action.reader]!)
              break
            case "drive":
              yield* Effect.forkScoped(hub.drive, { startImmediately: true })
          }
        }
        for (const fiber of running) if (fiber !== undefined) yield* Fiber.interrupt(fiber)
        yield* end
        for (const index of [0, 1, 2]) yield* Effect.exit(Effect.forever(read(index)))
        assert.deepStrictEqual(got, [names(published), names(published), names(published)])
      }).pipe(Effect.scoped)
  )
})
