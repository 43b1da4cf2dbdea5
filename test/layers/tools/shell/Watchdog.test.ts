import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Process from "../../../../src/layers/tools/shell/Process.ts"
import * as Watchdog from "../../../../src/layers/tools/shell/Watchdog.ts"
import { pipes } from "../TestShell.ts"

const root = fileURLToPath(new URL("../../../../", import.meta.url))

/** Runs a program that starts commands with one watchdog and then does `end`. Returns the signal that ended it. */
const run = (cwd: string, commands: ReadonlyArray<string>, end: string) =>
  Effect.callback<NodeJS.Signals | null>((resume) => {
    const source = `
      import * as Effect from ${JSON.stringify(import.meta.resolve("effect/Effect"))}
      import { spawn } from ${JSON.stringify(`${root}src/layers/tools/shell/Process.ts`)}
      import { make } from ${JSON.stringify(`${root}src/layers/tools/shell/Watchdog.ts`)}
      const command = (cmd) => ({ executable: "/bin/sh", args: ["-c", cmd], cwd: ".", env: { PATH: process.env.PATH } })
      const program = Effect.gen(function* () {
        const watchdog = yield* make
        const marked = yield* watchdog.thread
        for (const cmd of ${JSON.stringify(commands)}) {
          const { read } = yield* spawn(command(cmd), marked)
          // The first words of its command line identify it.
          yield* read
        }
        yield* Effect.promise(async () => { ${end} })
        yield* Effect.never
      })
      await Effect.runPromise(Effect.scoped(program))
    `
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], { cwd, stdio: "ignore" })
    child.once("exit", (_, signal) => resume(Effect.succeed(signal)))
  })

const suicide = 'process.kill(process.pid, "SIGKILL")'
const waiting = "echo ready; sleep 1000"

describe("the commands of a server that was killed", () => {
  it.live.each<[string, string]>([
    ["end with it", `exec 9> p; ${waiting}`],
    ["end with it when they ignore signals", `exec 9> p; trap '' TERM HUP INT; ${waiting}; sleep 1000`],
    ["end with it, and so do their children", `exec 9> p; (sleep 1000 & sleep 1000) & ${waiting}`],
    ["end with it when the first process of the group is gone", "exec 9> p; sleep 1000 & echo ready"]
  ])("%s", ([, command]) =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      assert.strictEqual(yield* run(cwd, [command], suicide), "SIGKILL")
      yield* Fiber.join(gone)
    })
  )

  it.live("end with it even if the watchdog was killed before", () =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p", "q")
      const gone = yield* Effect.forkChild(Effect.all([closed("p"), closed("q")], { concurrency: 2 }))
      const killWatchdog = `{
        const first = watchdog.processId
        process.kill(first, "SIGKILL")
        while (watchdog.processId === undefined || watchdog.processId === first) await new Promise(setImmediate)
      }`
      const commands = [`exec 9> p; ${waiting}`, `exec 9> q; ${waiting}`]
      assert.strictEqual(yield* run(cwd, commands, `${killWatchdog}; ${killWatchdog}; ${suicide}`), "SIGKILL")
      yield* Fiber.join(gone)
    })
  )
})

// On other platforms such a process is not found.
describe.skipIf(process.platform !== "linux")("a process outside the group of its command", () => {
  it.live.each<[string, string]>([
    ["in a session of its own", `exec setsid -w sh -c 'exec 9> p; trap "" TERM HUP; ${waiting}; sleep 1000'`],
    [
      "as a daemon",
      "(setsid sh -c 'exec 9> p; : > is-daemon; exec > /dev/null; sleep 1000; sleep 1000' &); until [ -e is-daemon ]; do :; done; echo ready"
    ]
  ])("is killed with the server, %s", ([, command]) =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      assert.strictEqual(yield* run(cwd, [command], suicide), "SIGKILL")
      yield* Fiber.join(gone)
    })
  )

  const ways: ReadonlyArray<readonly [string, string]> = [
    ["in a session of its own", "setsid sh -c 'exec 9> p; : > ready; exec > /dev/null; sleep 1000; sleep 1000' &"],
    ["by job control", "bash -c 'set -m; (exec 9> p; : > ready; sleep 1000) & sleep 1000' > /dev/null 2>&1 &"]
  ]
  /** Starts a process that writes to the pipe `p` from outside the group of its command. */
  const leave = (cwd: string, marked: Watchdog.Marked, way: string) =>
    Effect.gen(function* () {
      const args = ["-c", `${way} until [ -e ready ]; do :; done; echo ready`]
      const command = { executable: "/bin/sh", args, cwd, env: { PATH: process.env["PATH"] ?? "" } }
      const { read } = yield* Process.spawn(command, marked)
      assert.strictEqual(new TextDecoder().decode(yield* read), "ready\n")
    })

  it.live.each(ways)("is killed when the scope of the server closes, %s", ([, way]) =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const watchdog = yield* Watchdog.make
          const marked = yield* watchdog.thread
          yield* leave(cwd, marked, way)
          assert.isUndefined(gone.pollUnsafe())
        })
      )
      yield* Fiber.join(gone)
    })
  )

  it.live.each<[string, NodeJS.Signals]>([
    ["killed", "SIGKILL"],
    ["stopped", "SIGSTOP"]
  ])("is gone when the scope of the server is closed and the watchdog was %s", ([, signal]) =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const watchdog = yield* Watchdog.make
          yield* leave(cwd, yield* watchdog.thread, ways[0]?.[1] ?? "")
          const { processId } = watchdog
          assert(processId !== undefined)
          process.kill(processId, signal)
        })
      )
      yield* Fiber.join(gone)
    })
  )

  it.live.each(ways)("is killed with its thread, and no process of another thread is, %s", ([, way]) =>
    Effect.gen(function* () {
      const { cwd, closed } = yield* pipes("p")
      const other = yield* pipes("p")
      const gone = yield* Effect.forkChild(closed("p"))
      const otherGone = yield* Effect.forkChild(other.closed("p"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const watchdog = yield* Watchdog.make
          const thread = yield* Scope.make()
          yield* leave(cwd, yield* Scope.provide(watchdog.thread, thread), way)
          yield* leave(other.cwd, yield* watchdog.thread, way)
          yield* Scope.close(thread, Exit.void)
          yield* Fiber.join(gone)
          assert.isUndefined(otherGone.pollUnsafe())
        })
      )
      yield* Fiber.join(otherGone)
    })
  )
})

describe("the watchdog", () => {
  const command = (cmd: string) => ({
    executable: "/bin/sh",
    args: ["-c", cmd],
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "" }
  })
  const isGone = (pid: number): boolean => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  }
  const turnOfLoop = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

  it.live("starts with the first command and ends with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const watchdog = yield* Scope.provide(Watchdog.make, scope)
      assert.isUndefined(watchdog.processId)
      const { exit } = yield* Process.spawn(command("exit 3"), yield* Scope.provide(watchdog.thread, scope))
      assert.strictEqual(yield* exit, 3)
      const pid = watchdog.processId
      assert(pid !== undefined)
      assert.isFalse(isGone(pid))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(isGone(pid))
      const { exit: late } = yield* Process.spawn(command("exit 4"), yield* watchdog.thread)
      assert.strictEqual(yield* late, 4)
    })
  )

  it.live("gives commands its mark, but neither its descriptor nor a signal that is ignored", () =>
    Effect.gen(function* () {
      const marked = yield* Effect.flatMap(Watchdog.make, (watchdog) => watchdog.thread)
      const { read } = yield* Process.spawn(
        command('echo "$SPINDLE_SERVER_ID"; (: >&3) 2>/dev/null || echo closed; sh -c "kill -PIPE \\$\\$"; echo $?'),
        marked
      )
      let text = ""
      for (let chunk = yield* read; chunk !== undefined; chunk = yield* read) text += new TextDecoder().decode(chunk)
      assert.strictEqual(text, `${marked.environment[Watchdog.Mark]}\nclosed\n141\n`)
    })
  )

  it.live("is replaced when it does not read", () =>
    Effect.gen(function* () {
      const watchdog = yield* Watchdog.make
      const marked = yield* watchdog.thread
      marked.register().ended()
      const first = watchdog.processId
      assert(first !== undefined)
      process.kill(first, "SIGSTOP")
      while (watchdog.processId === first) {
        for (let count = 0; count < 10_000; count++) {
          const registration = marked.register()
          registration.started(1)
          registration.ended()
        }
        yield* turnOfLoop
      }
      const { exit } = yield* Process.spawn(command("exit 5"), marked)
      assert.strictEqual(yield* exit, 5)
      assert.isTrue(isGone(first))
    })
  )
})
