import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { spindle } from "../clients/Subject.ts"
import { run } from "../support/Programs.ts"
import {
  type AppServer,
  AppServerError,
  type AppServerOptions,
  type ClientEvent,
  createAppServer,
  RequestRejectedError,
  ServerResponseError,
  type Thread,
  TurnFailedError
} from "../../src/promise/index.ts"

const who = { clientName: "test", clientVersion: "1" } as const

const patience = 60_000

/** A home without settings. */
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "spindle-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

/** A server in this process with the offline model. */
const start = (options: Partial<AppServerOptions> = {}): Promise<AppServer> =>
  createAppServer({
    ...who,
    home: folder(),
    environment: { PATH: process.env["PATH"] },
    offline: true,
    ...options
  } as AppServerOptions)

const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  return undefined
}

/** The methods of a turn's events, without those about tokens. */
const methodsOf = async (thread: Thread, input: string, until?: string): Promise<ReadonlyArray<string>> => {
  const methods: Array<string> = []
  for await (const event of thread.turn(input)) {
    const method = event._tag === "ServerNotification" ? event.notification.method : event.request.method
    if (method !== "thread/tokenUsage/updated") methods.push(method)
    if (method === until) break
  }
  return methods
}

const asking = { approvalPolicy: "untrusted" } as const

const Approval = "item/commandExecution/requestApproval"

describe("createAppServer", () => {
  it("starts a server in this process, answers typed requests, and closes once", async () => {
    const server = await start()
    assert.deepStrictEqual([server.version, typeof server.home], ["0.169.0", "string"])
    const { data } = await server.request("model/list", {})
    assert.deepStrictEqual(
      data.map(({ id }) => id),
      ["offline"]
    )
    assert.isNull((await server.request("configRequirements/read")).requirements)
    assert.deepStrictEqual(await server.raw("thread/loaded/list", {}), { data: [], nextCursor: null })
    await Promise.all([server.close(), server.close(), server[Symbol.asyncDispose]()])
    const error = await failureOf(server.request("model/list", {}))
    assert.deepStrictEqual(error instanceof AppServerError && error.code, "CLOSED")
    assert.throws(() => server.handle(Approval, () => ({ decision: "accept" })), AppServerError)
  })

  it("runs turns as async iterables and as promises", async () => {
    await using server = await start()
    const thread = await server.startThread()
    assert.deepStrictEqual(await methodsOf(thread, "say: hello"), [
      "turn/started",
      "item/started",
      "item/completed",
      "item/started",
      "item/agentMessage/delta",
      "item/completed",
      "turn/completed"
    ])
    const { items, text, turn } = await thread.run("say: hello again")
    assert.deepStrictEqual([text, items.length, turn.status], ["hello again", 2, "completed"])
  })

  const decisions = [
    { name: "a callback", handler: () => ({ decision: "accept" as const }), says: "It went well" },
    { name: "a promise", handler: async () => ({ decision: "accept" as const }), says: "It went well" },
    {
      name: "an error",
      handler: () => {
        throw new RequestRejectedError(-32000, "no")
      },
      says: "hello"
    },
    { name: "a rejection", handler: () => Promise.reject(new Error("no")), says: "hello" }
  ]
  it.each(decisions)("answers approvals by $name, and the turn goes on", async ({ handler, says }) => {
    await using server = await start({ handlers: { [Approval]: handler } })
    const { text } = await (await server.startThread(asking)).run("run: echo hello")
    assert.include(text, says)
  })

  it("replaces and removes handlers; without one a request is an event that the program answers", async () => {
    await using server = await start({ handlers: { [Approval]: () => ({ decision: "decline" as const }) } })
    const thread = await server.startThread(asking)
    {
      await using _ = server.handle(Approval, () => ({ decision: "accept" as const }))
      assert.include((await thread.run("run: echo one")).text, "It went well")
    }
    assert.notInclude((await thread.run("run: echo two")).text, "It went well")
    await using plain = await start()
    let answered = false
    for await (const event of (await plain.startThread(asking)).turn("run: echo three")) {
      if (event._tag !== "ServerRequest" || event.request.method !== Approval) continue
      await plain.respond(event.request, { decision: "accept" })
      const again = await failureOf(plain.reject(event.request, { code: 1, message: "twice" }))
      answered = again instanceof AppServerError && again.code === "NOT_PENDING"
    }
    assert.isTrue(answered)
  })

  it("interrupts a turn whose iteration is left, and the thread goes on", async () => {
    await using server = await start()
    const thread = await server.startThread()
    assert.deepStrictEqual(await methodsOf(thread, "wait", "turn/started"), ["turn/started"])
    assert.strictEqual((await thread.run("say: fine")).text, "fine")
  })

  it("fails with ordinary errors", async () => {
    await using server = await start()
    const thread = await server.startThread()
    const refused = await failureOf(server.thread("none").run("say: hello"))
    assert.deepStrictEqual(refused instanceof ServerResponseError && [refused.code, refused.method, refused.rpcCode], [
      "SERVER_ERROR",
      "turn/start",
      -32600
    ])
    const failed = await failureOf(thread.run("fail: no luck"))
    assert.deepStrictEqual(failed instanceof TurnFailedError && [failed.code, failed.reason, failed.error?.message], [
      "TURN_FAILED",
      "failed",
      "no luck"
    ])
    assert.strictEqual(String(failed), "TurnFailedError: the turn failed: no luck")
  })

  it("aborts calls and iterations with the reason of their signal", async () => {
    await using server = await start()
    const thread = await server.startThread()
    const stop = new AbortController()
    const running = failureOf(thread.run("wait", { signal: stop.signal }))
    for await (const event of thread.events()) {
      if (event._tag === "ServerNotification" && event.notification.method === "turn/started") break
    }
    const reason = new Error("enough")
    stop.abort(reason)
    assert.strictEqual(await running, reason)
    assert.strictEqual(await failureOf(server.request("model/list", {}, { signal: stop.signal })), reason)
    const events = server.events({ signal: AbortSignal.abort(reason) })[Symbol.asyncIterator]()
    assert.strictEqual(await failureOf(events.next()), reason)
    assert.deepStrictEqual(await events.next(), { done: true, value: undefined })
    assert.strictEqual((await thread.run("say: fine")).text, "fine")
  })

  it("gives each iteration of events its own queue, and ends them when it is closed", async () => {
    const server = await start()
    const thread = await server.startThread()
    const read = async (events: AsyncIterator<ClientEvent>, until: string) => {
      const methods: Array<string> = []
      while (methods.at(-1) !== until) {
        const { value } = await events.next()
        if (value?._tag === "ServerNotification") methods.push(value.notification.method)
      }
      return methods
    }
    const one = server.events()[Symbol.asyncIterator]()
    // The first reader also receives what happened before.
    await read(one, "thread/started")
    const two = server.events({ name: "second" })[Symbol.asyncIterator]()
    const both = Promise.all([read(one, "turn/completed"), read(two, "turn/completed")])
    await thread.run("say: hello")
    const [left, right] = await both
    assert.deepStrictEqual(left, right)
    assert.include(left, "item/agentMessage/delta")
    const pending = two.next()
    const leaving = one.return?.()
    await server.close()
    await leaving
    assert.deepStrictEqual(
      [await pending, await one.next()],
      [
        { done: true, value: undefined },
        { done: true, value: undefined }
      ]
    )
  })

  it("fails a turn that is under way when it is closed, once", async () => {
    const server = await start()
    const thread = await server.startThread()
    const turn = thread.turn("wait")[Symbol.asyncIterator]()
    await turn.next()
    const rest = failureOf(
      (async () => {
        while ((await turn.next()).done !== true);
      })()
    )
    await server.close()
    const error = await rest
    assert.isTrue(error instanceof AppServerError || error === undefined)
    assert.deepStrictEqual(await turn.next(), { done: true, value: undefined })
  })

  it("reports why it cannot start, and is aborted", async () => {
    const missing = await failureOf(createAppServer({ ...who, command: ["/nonexistent/server"] }))
    assert.deepStrictEqual(missing instanceof AppServerError && missing.code, "CONNECT_FAILED")
    const insecure = await failureOf(createAppServer({ ...who, url: "ws://example.com", token: "secret" }))
    assert.notInclude(String(insecure), "secret")
    assert.deepStrictEqual(insecure instanceof AppServerError && insecure.code, "CONNECT_FAILED")
    const none = await failureOf(createAppServer({ ...who, command: [] as never }))
    assert.deepStrictEqual(String(none), "AppServerError: the command has no program")
    const both = { ...who, url: "ws://127.0.0.1:1", socketPath: "/nonexistent" } as never
    assert.deepStrictEqual(
      String(await failureOf(createAppServer(both))),
      "AppServerError: only one of these options can be used: url, socketPath"
    )
    const nameless = await failureOf(start({ clientName: "a\nb" }))
    assert.deepStrictEqual(nameless instanceof AppServerError && nameless.code, "START_FAILED")
    const reason = new Error("not today")
    assert.strictEqual(await failureOf(start({ signal: AbortSignal.abort(reason) })), reason)
  })

  it(
    "keeps the process running while a call is pending",
    async () => {
      const ran = await Effect.runPromise(run("test/promise/Waiting.ts", []))
      assert.deepStrictEqual(ran, { code: 0, stdout: "call: TimeoutError\niteration: TimeoutError\n", stderr: "" })
    },
    patience
  )

  it(
    "drives a server in a child process",
    async () => {
      await using server = await createAppServer({
        ...who,
        command: [...spindle, "-c", "model_provider=offline"],
        environment: { SPINDLE_HOME: folder() }
      })
      assert.strictEqual((await (await server.startThread()).run("say: hello")).text, "hello")
    },
    patience
  )
})
