import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import process from "node:process"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as NodeSmallFiles from "../../../src/layers/files/NodeSmallFiles.ts"
import * as UnixSocket from "../../../src/layers/transports/UnixSocket.ts"
import { makeServer } from "../../support/Server.ts"
import { answersTo, dismiss } from "../../support/Listening.ts"
import { connect, tryConnect } from "../../support/Sockets.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "spindle-unix-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

/** Serves in a separate scope, which the test may close. */
const serving = Effect.fnUntraced(
  function* (options: Partial<UnixSocket.UnixSocketOptions>) {
    const { services } = yield* makeServer()
    const scope = yield* Scope.fork(yield* Effect.scope)
    const serve = UnixSocket.serve({ path: undefined, home: "/spindle-test/home", ...options })
    const listener = yield* serve.pipe(Scope.provide(scope), Effect.provideContext(services))
    return { ...listener, end: Scope.close(scope, Exit.void) }
  },
  Effect.provide([NodeServices.layer, NodeSmallFiles.layer])
)

const modeOf = (path: string) => (Fs.statSync(path).mode & 0o777).toString(8)

/** A socket whose owner died without cleaning up. */
const leaveSocket = (path: string) => {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
  spawnSync(process.execPath, ["-e", script])
  assert.isTrue(Fs.statSync(path).isSocket())
}

const message = (error: { readonly message: string }) => error.message

describe("a server on a Unix socket", () => {
  it.effect("is private, in a private folder below the home, and removed at the end [50] [51]", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const { end, path } = yield* serving({ home })
      assert.strictEqual(path, join(home, "app-server-control", "app-server-control.sock"))
      assert.deepStrictEqual([modeOf(path), modeOf(join(path, ".."))], ["600", "700"])
      assert.deepStrictEqual(Fs.readdirSync(join(path, "..")), ["app-server-control.sock"])
      yield* end
      assert.deepStrictEqual(Fs.readdirSync(join(path, "..")), [])
    })
  )

  it.effect("makes the folders of a path private, and does not change existing ones [51]", () =>
    Effect.gen(function* () {
      const at = yield* folder
      Fs.chmodSync(at, 0o755)
      const outer = join(at, "new")
      const inner = join(outer, "newer")
      const { path } = yield* serving({ path: relative(process.cwd(), join(inner, "a.sock")) })
      assert.strictEqual(path, join(inner, "a.sock"))
      assert.deepStrictEqual([path, inner, outer, at].map(modeOf), ["600", "700", "700", "755"])
    })
  )

  it.effect("is private for any umask [51]", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const mask = process.umask(0)
      const { path } = yield* Effect.ensuring(
        serving({ path: join(at, "a.sock") }),
        Effect.sync(() => void process.umask(mask))
      )
      assert.strictEqual(modeOf(path), "600")
    })
  )

  it.effect("serves every client that can open it, without a check of origin or token", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const { path } = yield* serving({ path: join(at, "a.sock") })
      const client = yield* connect(path, { headers: { Origin: "http://a", Authorization: "Basic x" } })
      assert.isDefined((yield* client.request("thread/loaded/list")).result)
      assert.deepStrictEqual((yield* client.request("no/such")).error?.code, -32600)
    })
  )

  it.effect("answers each of 10000 pipelined requests exactly once", () =>
    Effect.gen(function* () {
      const { path } = yield* serving({ path: join(yield* folder, "a.sock") })
      assert.deepStrictEqual(yield* answersTo(path, 10_000), new Map([[1, 10_000]]))
    })
  )

  it.effect("replaces the socket of a dead server [51]", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const path = join(at, "a.sock")
      leaveSocket(path)
      yield* serving({ path })
      yield* connect(path)
      const linked = join(at, "b.sock")
      Fs.symlinkSync(join(at, "nowhere"), linked)
      yield* serving({ path: linked })
      yield* connect(linked)
    })
  )

  it.effect("does not replace the socket of a running server [51]", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a.sock")
      yield* serving({ path })
      const error = yield* Effect.flip(serving({ path }))
      assert.deepInclude(error, { _tag: "UnixSocketError", kind: "AddrInUse", path })
      assert.strictEqual(message(error), `app-server control socket is already in use at ${path}`)
      yield* connect(path)
    })
  )

  it.effect("does not replace a file that is not a socket [51]", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const path = join(at, "a.sock")
      Fs.writeFileSync(path, "mine")
      const error = yield* Effect.flip(serving({ path }))
      assert.deepInclude(error, { _tag: "UnixSocketError", kind: "AlreadyExists", path })
      assert.strictEqual(message(error), `app-server control socket path exists and is not a socket: ${path}`)
      assert.strictEqual(Fs.readFileSync(path, "utf8"), "mine")
      const inFolder = yield* Effect.flip(serving({ path: at }))
      assert.deepInclude(inFolder, { kind: "AlreadyExists" })
      assert.deepStrictEqual(Fs.readdirSync(at), ["a.sock"])
    })
  )

  it.effect("reports the error of an invalid path [51]", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const long = join(at, "x".repeat(120))
      const tooLong = yield* Effect.flip(serving({ path: long }))
      assert.match(message(tooLong), /^invalid unix socket --listen URL `unix:\/\/.*`; the path is \d+ bytes long/)
      Fs.writeFileSync(join(at, "file"), "")
      const below = yield* Effect.flip(serving({ path: join(at, "file", "a.sock") }))
      assert.match(message(below), /^invalid unix socket --listen URL `unix:\/\/.*`; failed to prepare the socket path/)
      // A file system that cannot create folders, and reports a missing parent.
      if (process.platform !== "linux") return
      const nowhere = yield* Effect.flip(serving({ path: "/proc/spindle/a.sock" }))
      assert.match(message(nowhere), /; failed to prepare the socket path: NotFound$/)
    })
  )

  it.effect("does not remove the socket of another server at its path", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a.sock")
      const first = yield* serving({ path })
      Fs.unlinkSync(path)
      const second = yield* serving({ path })
      yield* dismiss(first, "enough")
      yield* first.end
      yield* connect(path)
      yield* second.end
      assert.isFalse(Fs.existsSync(path))
    })
  )

  it.effect("does not remove a file at its path that is not its socket", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a.sock")
      const { end } = yield* serving({ path })
      Fs.unlinkSync(path)
      Fs.writeFileSync(path, "mine")
      yield* end
      assert.strictEqual(Fs.readFileSync(path, "utf8"), "mine")
    })
  )

  it.effect("ends within a second while another server starts, and leaves the path to it", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const { end } = yield* serving({ path: join(at, "a.sock") })
      Fs.writeFileSync(join(at, "app-server-startup.lock"), String(process.pid))
      const ending = yield* Effect.forkChild(end)
      while (ending.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
      yield* Fiber.join(ending)
      assert.deepStrictEqual(Fs.readdirSync(at), ["a.sock", "app-server-startup.lock"])
    })
  )

  it.effect("may have the shortest name, and leaves no other file", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const { end, path } = yield* serving({ path: join(at, "s") })
      yield* connect(path)
      assert.deepStrictEqual(Fs.readdirSync(at), ["s"])
      yield* end
      assert.deepStrictEqual(Fs.readdirSync(at), [])
    })
  )

  it.effect("of two concurrent starts one succeeds and the other fails with the reason [51]", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a.sock")
      leaveSocket(path)
      const start = Effect.result(serving({ path }))
      const results = yield* TestClock.withLive(Effect.all([start, start], { concurrency: "unbounded" }))
      assert.deepStrictEqual(results.map(({ _tag }) => _tag).sort(), ["Failure", "Success"])
      yield* connect(path)
    })
  )

  it.effect("starts despite the lock of a server that died during its start", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const lock = join(at, "app-server-startup.lock")
      const { pid } = spawnSync(process.execPath, ["-e", ""])
      Fs.writeFileSync(lock, String(pid))
      const path = join(at, "a.sock")
      const starting = yield* Effect.forkChild(serving({ path }))
      while (starting.pollUnsafe() === undefined) yield* TestClock.adjust("50 millis")
      yield* Fiber.join(starting)
      assert.isFalse(Fs.existsSync(lock))
    })
  )

  it.effect("waits for a starting server, for a limited time", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const lock = join(at, "app-server-startup.lock")
      Fs.writeFileSync(lock, String(process.pid))
      const waiting = yield* Effect.forkChild(serving({ path: join(at, "a.sock") }))
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      while (waiting.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    })
  )

  it.effect("stops waiting for a starting server when it is stopped", () =>
    Effect.gen(function* () {
      const at = yield* folder
      const lock = join(at, "app-server-startup.lock")
      Fs.writeFileSync(lock, String(process.pid))
      const waiting = yield* Effect.forkChild(serving({ path: join(at, "a.sock") }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(Fs.readdirSync(at), ["app-server-startup.lock"])
    })
  )

  it.effect("sends a close frame and removes its socket [51]", () =>
    Effect.gen(function* () {
      const listener = yield* serving({ path: join(yield* folder, "a.sock") })
      const { path } = listener
      const client = yield* connect(path)
      yield* dismiss(listener, "enough")
      assert.deepStrictEqual(yield* client.closed, { code: 1001, reason: "enough" })
      assert.isFalse(Fs.existsSync(path))
      assert.strictEqual((yield* tryConnect(path)).refused?.status, 0)
    })
  )
})
