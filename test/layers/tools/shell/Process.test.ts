import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import process from "node:process"
import * as Process from "../../../../src/layers/tools/shell/Process.ts"
import * as Watchdog from "../../../../src/layers/tools/shell/Watchdog.ts"
import { pipes } from "../TestShell.ts"

/** Signals fail, as they do for a process of another user. */
const refuseSignals = Effect.acquireRelease(
  Effect.sync(() =>
    vi.spyOn(process, "kill").mockImplementation(() => {
      throw Object.assign(new Error("kill EPERM"), { code: "EPERM" })
    })
  ),
  (spy) => Effect.sync(() => spy.mockRestore())
)

describe("a command that cannot be signalled", () => {
  it.effect("delays its scope for 5 seconds, and is logged", () => {
    const logged: Array<string> = []
    const logger = Logger.make(({ message }) => void logged.push(String(message)))
    return Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      const watchdog = yield* Scope.make()
      const marked = yield* Scope.provide(
        Effect.flatMap(Watchdog.make, ({ thread }) => thread),
        watchdog
      )
      const scope = yield* Scope.make()
      const args = ["-c", "exec 9> p; echo ready; sleep 1000"]
      const command = { executable: "/bin/sh", args, cwd, env: { PATH: process.env["PATH"] ?? "" } }
      const { read } = yield* Scope.provide(Process.spawn(command, marked), scope)
      yield* read
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* refuseSignals
          const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
          yield* TestClock.adjust("4999 millis")
          assert.isUndefined(closing.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(closing)
          assert.isAtMost(yield* Clock.currentTimeMillis, 5000)
          assert.match(logged.join("\n"), /a command could not be killed and still runs: process \d+/)
        })
      )
      // It is still registered: its watchdog ends it.
      yield* Scope.close(watchdog, Exit.void)
      yield* Fiber.join(gone)
    }).pipe(Effect.provide(Logger.layer([logger])))
  })
})
