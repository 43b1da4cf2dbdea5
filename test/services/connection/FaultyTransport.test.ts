import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as ConnectionLimits from "../../../src/layers/transports/ConnectionLimits.ts"
import * as ServeTransport from "../../../src/layers/transports/ServeTransport.ts"
import { Shutdown } from "../../../src/services/connection/Shutdown.ts"
import { BacklogBudget, Budget } from "../../../src/services/routing/BacklogBudget.ts"
import type { Transport } from "../../../src/services/connection/Transport.ts"
import * as MemoryTransport from "../../support/MemoryTransport.ts"
import * as FaultyTransport from "../../support/FaultyTransport.ts"
import { lossless } from "../../support/Messages.ts"
import { makeProcessor } from "../../support/Processor.ts"
import { makeServer } from "../../support/Server.ts"

const List = "thread/loaded/list"

const initialize = { id: "i", method: "initialize", params: { clientInfo: { name: "a", version: "1" } } }

/** The log line about the fault of a connection. */
const named: Readonly<Record<FaultyTransport.Step, Readonly<Record<FaultyTransport.Fault, RegExp | undefined>>>> = {
  read: {
    fails: /closing connection 0: broken/,
    dies: /reading from connection 0 failed/,
    // Every silent client does this.
    "never ends": undefined,
    "cannot be interrupted": /connection 0 ended; still running: read/
  },
  write: {
    fails: /closing connection 0: broken/,
    dies: /writing to connection 0 failed/,
    "never ends": /connection 0 ended before all messages were written/,
    "cannot be interrupted": /connection 0 ended; still running: write/
  },
  close: {
    fails: /closing connection 0 failed/,
    dies: /closing connection 0 failed/,
    "never ends": /connection 0 ended; still running: close/,
    "cannot be interrupted": /connection 0 ended; still running: close/
  }
}

const serving = Effect.fnUntraced(function* (
  step: FaultyTransport.Step,
  fault: FaultyTransport.Fault,
  evictable: boolean
) {
  const server = yield* makeServer()
  const client = FaultyTransport.make(step, fault, evictable)
  const serve = ServeTransport.serve(client.transport, { ...ConnectionLimits.defaultLimits, outgoingCapacity: 1 })
  const served = yield* Effect.provideContext(serve, server.services)
  client.send(initialize)
  while ((yield* client.next).id !== "i");
  const other = yield* server.connect({ ownsServer: false })
  return { ...server, client, served, other }
})

/** Advances the clock until the effect has ended, and returns the time in milliseconds. */
const timed = Effect.fnUntraced(function* (effect: Effect.Effect<unknown>) {
  const start = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkChild(effect)
  yield* Effect.yieldNow
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
  yield* Fiber.join(fiber)
  return (yield* Clock.currentTimeMillis) - start
})

describe("a connection whose transport", () => {
  for (const step of FaultyTransport.steps) {
    for (const fault of FaultyTransport.faults) {
      for (const evictable of [true, false]) {
        const kind = evictable ? "a client that can be evicted" : "a client that is waited for"
        it.effect(`${fault} at ${step}, of ${kind}, harms no other, and the server stops in time [23] [57]`, () => {
          const logged: Array<string> = []
          const logger = Logger.make(({ message }) => void logged.push(String(message)))
          return Effect.gen(function* () {
            const { client, other, services } = yield* serving(step, fault, evictable)
            client.breakNow()
            for (const id of [1, 2, 3]) client.send({ id, method: List, params: {} })
            for (let times = 0; times < 10; times++) {
              assert.deepStrictEqual(yield* other.request(List, {}), { data: [], nextCursor: null })
            }
            const { stop } = yield* Effect.provideContext(Shutdown, services)
            assert.isAtMost(yield* timed(stop("5 seconds")), 5000)
            const pattern = named[step][fault]
            if (pattern === undefined) assert.notMatch(logged.join("\n"), /still running|failed/)
            else assert.match(logged.join("\n"), pattern)
            const answered = client.received.flatMap(({ id, method }) => (method === undefined ? [id] : []))
            assert.deepStrictEqual(answered, Array.from(new Set(answered)), "no request has two answers")
            // Requests that were read are answered, unless responses can no longer be written.
            if (step !== "write" && !(step === "read" && fault === "dies")) {
              assert.deepStrictEqual(answered, ["i", 1, 2, 3])
            }
          }).pipe(Effect.provide(Logger.layer([logger])))
        })
      }
    }
  }

  it.effect(
    "never ends at write is evicted when producers have waited for the grace, and leaves nothing behind [46]",
    () =>
      Effect.gen(function* () {
        const { client, other, router, served } = yield* serving("write", "never ends", true)
        client.breakNow()
        const publish = (threadId: string) => router.notify("thread/closed", { threadId }, threadId)
        yield* Effect.forkChild(Effect.forEach(["a", "b", "c"], publish))
        const took = yield* timed(served.closed)
        assert.isAtLeast(took, 10_000)
        assert.isAtMost(took, 20_000)
        assert.strictEqual(router.connections().length, 1)
        assert.deepStrictEqual(yield* other.request(List, {}), { data: [], nextCursor: null })
      })
  )

  it.effect("writes slowly but steadily is not evicted, also when a full queue takes longer than the grace [46]", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeProcessor({})
      let written = 0
      const one = Effect.sync(() => void written++).pipe(Effect.delay("4 seconds"))
      const write: Transport["write"] = (messages) => Effect.forEach(messages, () => one, { discard: true })
      const client = yield* connect({
        transport: { evictable: true, write },
        outgoing: {
          capacity: 8,
          requestGrace: null,
          emitLagMarkers: false,
          bytes: { max: 1024 ** 3, of: () => 64 * 1024 },
          backlog: { messages: 1000, bytes: 1024 ** 3 }
        }
      })
      const { outgoing } = client.connection
      // The first fills the writer, 8 the queue, and then producers wait.
      for (let nth = 0; nth < 20; nth++) outgoing.offerUnsafe(lossless(`${nth}`))
      for (let nth = 1; nth <= 20; nth++) {
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(written, nth)
      }
      assert.deepStrictEqual(client.reasons, [])
    })
  )

  it.effect("never ends at write leaves nothing in the budget of backlogs when it is closed [46]", () =>
    Effect.gen(function* () {
      const budget = new BacklogBudget()
      const { services } = yield* makeServer()
      const { transport } = MemoryTransport.make({ evictable: true, write: () => Effect.never })
      const serve = ServeTransport.serve(transport, ConnectionLimits.defaultLimits)
      const served = yield* Effect.provideService(Effect.provideContext(serve, services), Budget, budget)
      const { outgoing } = served.connection
      outgoing.offerUnsafe(lossless("a"))
      yield* Effect.yieldNow
      outgoing.offerUnsafe(lossless("b"))
      assert.isAbove(budget.held, 0)
      yield* timed(served.close({ _tag: "Stopping", message: "enough" }, { within: "1 second" }))
      assert.strictEqual(budget.held, 0)
    })
  )

  it.effect.each(["onClosing", "onClosed"])(
    "throws in %s ends all the same, and so does the server [23] [57]",
    (hook) => {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      return Effect.gen(function* () {
        const { services } = yield* makeServer()
        const broken = () => {
          throw new Error("broken")
        }
        const { closed, transport } = MemoryTransport.make(hook === "onClosing" ? { onClosing: broken } : {})
        const onClosed = hook === "onClosed" ? broken : undefined
        const serve = ServeTransport.serve(transport, ConnectionLimits.defaultLimits, onClosed)
        const served = yield* Effect.provideContext(serve, services)
        const { stop } = yield* Effect.provideContext(Shutdown, services)
        assert.isAtMost(yield* timed(stop("5 seconds")), 5000)
        yield* served.closed
        assert.deepStrictEqual(
          closed.map(({ _tag }) => _tag),
          ["Stopping"]
        )
        assert.include(logged, `${hook} of connection 0 failed`)
      }).pipe(Effect.provide(Logger.layer([logger])))
    }
  )

  it.effect("cannot be interrupted at read ends when its client is closed, even without a deadline", () =>
    Effect.gen(function* () {
      const { client, router, served } = yield* serving("read", "cannot be interrupted", true)
      client.breakNow()
      client.send({ id: 1, method: List, params: {} })
      yield* client.next
      assert.isAtMost(yield* timed(served.close({ _tag: "Gone" })), 5000)
      assert.strictEqual(router.connections().length, 1)
    })
  )

  it.live("is always ready with nothing does not stop the others", () =>
    Effect.gen(function* () {
      const server = yield* makeServer()
      const { transport } = MemoryTransport.make({ read: Effect.succeed([]) })
      const serve = ServeTransport.serve(transport, ConnectionLimits.defaultLimits)
      const served = yield* Effect.provideContext(serve, server.services)
      const other = yield* server.connect({ ownsServer: false })
      assert.deepStrictEqual((yield* other.request(List, {})).data, [])
      yield* served.close({ _tag: "Gone" }, { within: 0 })
    })
  )
})
