import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ModelServer from "../support/ModelServer.ts"
import { start } from "../support/Services.ts"
import { connect, type SocketClient, tryConnect } from "../support/Sockets.ts"
import type { ReceivedMessage } from "../support/WirePeer.ts"

const timeout = 60_000

const socket = ["app-server", "--listen", "ws://127.0.0.1:0"]

const test = (name: string, run: () => Effect.fn.Return<void, unknown, ModelServer.ModelServer | Scope.Scope>) =>
  it.live(name, () => Effect.gen(run).pipe(Effect.scoped, Effect.provide(ModelServer.layer)), timeout)

/** A turn that waits for the model. */
const startTurn = Effect.fnUntraced(function* (client: SocketClient) {
  const { result } = yield* client.request("thread/start")
  const threadId = (result as { thread: { id: string } }).thread.id
  yield* client.request("turn/start", { threadId, input: [{ type: "text", text: "go" }] })
  const { next } = yield* ModelServer.ModelServer
  return { threadId, call: yield* next }
})

const reply = (call: ModelServer.ModelRequest, text: string) =>
  Effect.andThen(
    call.send(
      ModelServer.created,
      ModelServer.opened,
      ModelServer.delta(text),
      ModelServer.done(text),
      ModelServer.completed
    ),
    call.end
  )

const statusOf = ({ params }: ReceivedMessage) => (params as { turn: { status: string } }).turn.status

/** Whether the process or any of its children is still running. */
const isRunning = (pid: number): boolean => {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

describe("a service on standard input and output", () => {
  /** Starts a turn, and returns when the model has been called, or has streamed this text. */
  const talk = Effect.fnUntraced(function* (
    count: Effect.Effect<unknown, never, ModelServer.ModelServer> = Effect.flatMap(
      ModelServer.ModelServer,
      ({ next }) => next
    )
  ) {
    const service = yield* start(["app-server", "-c", "model=gpt-5.5"], { until: /^/ })
    const send = (message: object) => service.stdin.write(`${JSON.stringify(message)}\n`)
    send({ id: 1, method: "initialize", params: { clientInfo: { name: "a", version: "1" } } })
    send({ id: 2, method: "thread/start", params: {} })
    const threadId = yield* service.printed(/"id":2,"result":\{"thread":\{"id":"([^"]+)"/)
    send({ id: 3, method: "turn/start", params: { threadId, input: [{ type: "text", text: "go" }] } })
    yield* count
    return service
  })

  test("exits with failure when the end of its input interrupts a turn, and reports it [52]", function* () {
    const service = yield* talk()
    service.stdin.end()
    assert.deepStrictEqual(yield* service.ended, { code: 1, signal: null })
    assert.include(service.stderr(), "stdin ended while 1 turn(s) were running; they were interrupted")
    assert.include(service.stdout(), '"status":"interrupted"')
  })

  test("answers all requests when its input ends directly after them [52]", function* () {
    const service = yield* start(["app-server"], { until: /^/ })
    const ids = Array.from({ length: 100 }, (_, index) => index)
    const requests = ids.map((id) => ({ id, method: id % 10 === 0 ? "thread/start" : "model/list", params: {} }))
    const initialize = { id: "i", method: "initialize", params: { clientInfo: { name: "a", version: "1" } } }
    service.stdin.end([initialize, ...requests].map((message) => JSON.stringify(message)).join("\n") + "\n")
    assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
    const received = service.stdout().trim().split("\n")
    const answers = received
      .map((line): ReceivedMessage => JSON.parse(line))
      .filter(({ result }) => result !== undefined)
    assert.sameMembers(
      answers.map(({ id }) => id),
      ["i", ...ids]
    )
  })

  for (const ending of ["EOF", "SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`leaves no command running when it ends with ${ending} [53]`, function* () {
      const service = yield* talk(ModelServer.run("call_1", "echo $$; sleep 300"))
      const pid = Number(yield* service.printed(/outputDelta.*"delta":"(\d+)\\n"/))
      if (ending === "EOF") service.stdin.end()
      else yield* service.signal(ending)
      assert.deepStrictEqual(yield* service.ended, { code: ending === "EOF" ? 1 : 0, signal: null })
      while (isRunning(pid)) yield* Effect.yieldNow
    })
  }

  test("exits immediately on a second signal when its client does not read", function* () {
    const service = yield* start(["app-server"], { until: /^/, environment: { SPINDLE_LOG: "debug" } })
    const send = (...messages: ReadonlyArray<object>) =>
      service.stdin.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""))
    send({ id: 1, method: "initialize", params: { clientInfo: { name: "a", version: "1" } } })
    send({ id: 2, method: "model/list", params: {} })
    yield* service.printed(/"id":2/)
    const hasWritten = yield* service.stopReading
    send(...Array.from({ length: 1000 }, (_, id) => ({ id, method: "model/list", params: {} })))
    yield* hasWritten
    const begin = performance.now()
    yield* service.signal("SIGTERM")
    yield* service.printed(/the server stops/)
    yield* service.signal("SIGTERM")
    assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
    assert.isBelow(performance.now() - begin, 4000)
  })

  test("exits with failure when its output is closed, though its input stays open", function* () {
    const service = yield* start(["app-server"], { until: /^/ })
    const send = (message: object) => service.stdin.write(`${JSON.stringify(message)}\n`)
    send({ id: 1, method: "initialize", params: { clientInfo: { name: "a", version: "1" } } })
    yield* service.printed(/"id":1/)
    yield* service.closeStdout
    send({ id: 2, method: "model/list", params: {} })
    assert.deepStrictEqual(yield* service.ended, { code: 1, signal: null })
    assert.include(service.stderr(), "writing stdout failed")
  })

  test("exits with success on SIGTERM, even while a turn runs", function* () {
    const service = yield* talk()
    yield* service.signal("SIGTERM")
    assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
  })
})

describe("a listening service", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`exits immediately on ${signal} when nothing runs, and sends close frames [53]`, function* () {
      const service = yield* start(socket)
      const client = yield* connect(service.port)
      const begin = performance.now()
      yield* service.signal(signal)
      assert.deepStrictEqual(yield* client.closed, { code: 1001, reason: "the server is shutting down" })
      assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
      assert.isBelow(performance.now() - begin, 1000)
    })
  }

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`waits on ${signal} for the running turn, continues to serve, and refuses new turns [53]`, function* () {
      const service = yield* start(socket)
      const client = yield* connect(service.port)
      const { call, threadId } = yield* startTurn(client)
      yield* service.signal(signal)
      yield* service.printed(/draining: waiting for 1 running turn/)
      const late = yield* connect(service.port)
      assert.isDefined((yield* late.request("thread/resume", { threadId })).result)
      const other = (yield* late.request("thread/start")).result as { thread: { id: string } }
      const refused = yield* late.request("turn/start", {
        threadId: other.thread.id,
        input: [{ type: "text", text: "go" }]
      })
      assert.deepStrictEqual<unknown>(refused.error, {
        code: -32600,
        message: "Server is draining; retry after reconnecting",
        data: { reason: "serverShuttingDown" }
      })
      yield* reply(call, "done")
      for (const each of [client, late]) {
        assert.strictEqual(statusOf(yield* each.notified("turn/completed")), "completed")
        assert.deepStrictEqual(yield* each.closed, { code: 1001, reason: "the server is shutting down" })
      }
      assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
      assert.strictEqual(service.stderr().match(/draining: waiting/g)?.length, 1)
    })
  }

  for (const [first, second] of [
    ["SIGTERM", "SIGTERM"],
    ["SIGHUP", "SIGINT"]
  ] as const) {
    test(`exits immediately on ${second} after ${first}, even while a turn runs [53]`, function* () {
      const service = yield* start(socket)
      const client = yield* connect(service.port)
      yield* startTurn(client)
      yield* service.signal(first)
      yield* service.printed(/draining/)
      const begin = performance.now()
      yield* service.signal(second)
      assert.strictEqual(statusOf(yield* client.notified("turn/completed")), "interrupted")
      assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
      assert.isBelow(performance.now() - begin, 2000)
    })
  }

  test("is not forced by SIGHUP, however often it is sent [53]", function* () {
    const service = yield* start(socket)
    const client = yield* connect(service.port)
    const { call } = yield* startTurn(client)
    yield* service.signal("SIGTERM")
    yield* service.printed(/draining/)
    for (let times = 0; times < 5; times++) {
      yield* service.signal("SIGHUP")
      assert.isDefined((yield* client.request("thread/loaded/list")).result)
    }
    yield* reply(call, "done")
    assert.strictEqual(statusOf(yield* client.notified("turn/completed")), "completed")
    assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
  })

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`exits on ${signal} also during its start [53]`, function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-lock-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      // It listens on one address, and waits for the start of another server on the second one.
      writeFileSync(join(folder, "app-server-startup.lock"), String(process.pid))
      const service = yield* start([...socket, "--listen", `unix://${join(folder, "s")}`], {
        until: /listening on: ws:/
      })
      yield* service.signal(signal)
      assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
    })
  }

  test("listens on several addresses at once [50] [51]", function* () {
    const service = yield* start([...socket, "--listen", "unix://"], {
      until: /listening on: unix:/
    })
    const path = join(service.home, "app-server-control", "app-server-control.sock")
    const port = Number(/ws:\/\/127\.0\.0\.1:(\d+)/.exec(service.stderr())?.[1])
    const clients = [yield* connect(path), yield* connect(port)]
    const { result } = yield* clients[0]!.request("thread/start")
    const { data } = (yield* clients[1]!.request("thread/loaded/list")).result as { data: ReadonlyArray<string> }
    assert.deepStrictEqual(data, [(result as { thread: { id: string } }).thread.id])
    yield* service.signal("SIGTERM")
    assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
    assert.isFalse(existsSync(path))
  })

  test("serves stdio beside sockets until its input has ended and no other client is connected", function* () {
    const service = yield* start([...socket, "--listen", "stdio://"])
    const client = yield* connect(service.port)
    service.stdin.write('{"id":7,"method":"initialize","params":{"clientInfo":{"name":"a","version":"1"}}}\n')
    yield* service.printed(/"id":7,"result"/)
    service.stdin.end()
    assert.isDefined((yield* client.request("thread/loaded/list")).result)
    yield* client.close
    assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
  })

  test("reports its addresses and start errors as lines of JSON [49]", function* () {
    const service = yield* start(socket, { environment: { LOG_FORMAT: "json" } })
    yield* service.signal("SIGTERM")
    yield* service.ended
    const lines = service.stderr().trim().split("\n")
    const [first] = lines.map((line): { readonly message?: string } => JSON.parse(line))
    assert.include(first?.message, `listening on: ws://127.0.0.1:${service.port}`)
    const refused = yield* start(["app-server", "--listen", "ws://0.0.0.0:0"], {
      environment: { LOG_FORMAT: "json" },
      until: /refusing to start/
    })
    assert.deepStrictEqual(yield* refused.ended, { code: 1, signal: null })
    assert.include(
      (JSON.parse(refused.stderr()) as { message: string }).message,
      "refusing to start non-loopback websocket listener 0.0.0.0:0 without auth"
    )
  })

  for (const [args, words, statement] of [
    [["--listen", "off"], "no transport configured; use --listen or enable remote control", "[50]"],
    [["--ws-token-file", "/x"], "websocket auth flags require `--ws-auth capability-token`", "[48]"],
    [
      [...socket.slice(1), "--ws-auth", "capability-token"],
      "`--ws-token-file` or `--ws-token-sha256` is required",
      "[48]"
    ],
    [
      [...socket.slice(1), "--ws-auth", "capability-token", "--ws-token-file", "/nothing"],
      "failed to read websocket auth secret",
      "[48]"
    ]
  ] as const) {
    test(`does not start with ${args.join(" ")} ${statement}`, function* () {
      const service = yield* start(["app-server", ...args], { until: /error/i })
      assert.deepStrictEqual(yield* service.ended, { code: 1, signal: null })
      assert.include(service.stderr(), words)
    })
  }

  test("requires the token, allows configured pages, and shows its metrics to clients with the token [47] [48]", function* () {
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    const guard = ["--ws-auth", "capability-token", "--ws-token-sha256", sha256]
    const service = yield* start([...socket, ...guard, "--allow-origin", "https://a.example"])
    const headers = { Authorization: "Bearer abc" }
    assert.deepStrictEqual((yield* tryConnect(service.port)).refused, {
      status: 401,
      text: "missing websocket bearer token"
    })
    assert.strictEqual((yield* tryConnect(service.port, { headers, origin: "https://b.example" })).refused?.status, 403)
    yield* connect(service.port, { headers, origin: "https://a.example" })
    const metrics = (init: RequestInit) =>
      Effect.promise(() => fetch(`http://127.0.0.1:${service.port}/metrics`, init).then((answer) => answer.text()))
    assert.strictEqual(yield* metrics({}), "missing websocket bearer token")
    assert.match(yield* metrics({ headers }), /^# TYPE spindle_/m)
  })
})
