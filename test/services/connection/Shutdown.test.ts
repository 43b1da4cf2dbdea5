import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { Deadline } from "../../../src/services/connection/Deadline.ts"
import { make, Shutdown } from "../../../src/services/connection/Shutdown.ts"
import { Threads } from "../../../src/services/thread/Threads.ts"
import { makeServer } from "../../support/Server.ts"

/** A server whose last effect waits for the deadline. */
const stubborn = Effect.gen(function* () {
  const { services } = yield* makeServer()
  const { atEnd, stop } = yield* Effect.provideContext(Shutdown, services)
  const runs: Array<string> = []
  yield* atEnd((deadline) =>
    Effect.andThen(
      Effect.sync(() => void runs.push("last")),
      deadline.end
    )
  )
  return { stop, runs }
})

describe("the stop of a server", () => {
  it.effect("runs once, and a second call can only bring its deadline forward", () =>
    Effect.gen(function* () {
      const { runs, stop } = yield* stubborn
      const first = yield* Effect.forkChild(stop("5 seconds"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const later = yield* Effect.forkChild(stop("1 minute"), { startImmediately: true })
      const sooner = yield* Effect.forkChild(stop("1 second"), { startImmediately: true })
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(first.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.awaitAll([first, later, sooner])
      assert.deepStrictEqual([runs, yield* Clock.currentTimeMillis], [["last"], 2000])
      yield* stop("5 seconds")
      assert.deepStrictEqual(runs, ["last"])
    })
  )

  it.effect("runs what is left when a part of it dies, and logs why", () => {
    const logged: Array<unknown> = []
    const logger = Logger.make(({ cause, message }) => void logged.push(message, Cause.squash(cause)))
    return Effect.gen(function* () {
      const { services } = yield* makeServer()
      const { atEnd, stop } = yield* Effect.provideContext(Shutdown, services)
      const runs: Array<string> = []
      yield* atEnd(() => Effect.sync(() => void runs.push("first")))
      yield* atEnd(() => Effect.die("broken"))
      yield* atEnd(() => {
        throw "thrown"
      })
      yield* atEnd(() => Effect.sync(() => void runs.push("last")))
      yield* stop("5 seconds")
      assert.deepStrictEqual(runs, ["first", "last"])
      assert.deepStrictEqual(logged, [["a step of the stop failed"], "broken", ["a step of the stop failed"], "thrown"])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("ends the threads that were opened while it ended others, and leaves none of them behind", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn") logged.push(String(message))
    })
    return Effect.gen(function* () {
      const { services } = yield* makeServer()
      const loaded = new Set(["first"])
      const ended: Array<string> = []
      const threads = {
        ...Context.get(services, Threads),
        stop: Effect.sync(() => {
          ended.push(...loaded)
          loaded.clear()
          if (ended.length === 1) loaded.add("late")
        }),
        abandonNow: () => Array.from(loaded)
      }
      const { stop } = yield* make.pipe(Effect.provideService(Threads, threads), Effect.provideContext(services))
      yield* stop("5 seconds")
      assert.deepStrictEqual([ended, logged], [["first", "late"], []])
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("does not wait when nothing runs, and leaves no timer", () =>
    Effect.gen(function* () {
      const { services } = yield* makeServer()
      const { stop } = yield* Effect.provideContext(Shutdown, services)
      yield* stop("5 seconds")
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    })
  )
})

describe("a deadline", () => {
  const makeDeadline = Effect.map(Effect.context<never>(), (context) => new Deadline(Effect.runForkWith(context)))

  /** Whether the marks have passed. */
  const watch = Effect.fnUntraced(function* (deadline: Deadline) {
    const marks = { work: yield* Deferred.make<void>(), end: yield* Deferred.make<void>() }
    yield* Effect.forkChild(Effect.andThen(deadline.work, Deferred.succeed(marks.work, undefined)))
    yield* Effect.forkChild(Effect.andThen(deadline.end, Deferred.succeed(marks.end, undefined)))
    yield* Effect.yieldNow
    return () => [Deferred.isDoneUnsafe(marks.work), Deferred.isDoneUnsafe(marks.end)]
  })

  it.effect("has a mark for work before its end, and follows an earlier deadline", () =>
    Effect.gen(function* () {
      const [outer, inner] = [yield* makeDeadline, yield* makeDeadline]
      const reached = yield* watch(inner)
      inner.within("1 minute")
      inner.follow(outer)
      outer.within("10 seconds", 0.8)
      yield* TestClock.adjust("7999 millis")
      assert.deepStrictEqual(reached(), [false, false])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(reached(), [true, false])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(reached(), [true, true])
    })
  )

  it.effect("has no effect once it is cleared", () =>
    Effect.gen(function* () {
      const deadline = yield* makeDeadline
      const reached = yield* watch(deadline)
      deadline.within("1 second")
      deadline.clear()
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(reached(), [false, false])
    })
  )
})
