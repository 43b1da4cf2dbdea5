import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { ResponseItem } from "../../../src/protocol/v2/item/ResponseItem.ts"
import * as Memory from "../../../src/layers/stores/Memory.ts"
import { type ModelEvent, ModelProvider, type ModelRequest } from "../../../src/services/model/ModelProvider.ts"
import { cutCall } from "../../../src/services/thread/Recovery.ts"
import type { EventOf, ThreadEvent } from "../../../src/services/thread/ThreadEvent.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { text, type Tool } from "../../../src/services/tool/Tool.ts"
import { completed, done } from "../../support/ScriptedModel.ts"
import { cwd, makeServer, userInput, type ServerOptions } from "../../support/Server.ts"
import { asking, command } from "../../support/Tools.ts"

const cliOverrides = [["spindle.recover", "resume"]] as const

const outputs = (input: ReadonlyArray<ResponseItem>) =>
  input.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []))

const called = (callId: string, name: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "function_call", call_id: callId, name, arguments: "{}" }
})

/** A model that calls a tool until its command has run, and then answers. */
const persistent = (name: string) => {
  const requests: Array<ModelRequest> = []
  const answerTo = (request: ModelRequest): ReadonlyArray<ModelEvent> => {
    requests.push(request)
    const known = outputs(request.input)
    return known.includes("ran")
      ? [done(`m${requests.length}`, "finished"), completed]
      : [called(`c${known.length + 1}`, name), completed]
  }
  const layer = Layer.succeed(ModelProvider, { stream: (request) => Stream.fromIterable(answerTo(request)) })
  return { layer, requests }
}

/** A tool that runs a command after an approval, and counts how often. */
const approved = (asksFirst: boolean) => {
  const ran: Array<string> = []
  const tool: Tool = {
    ...asking,
    asksFirst,
    run: ({ callId }, turn) =>
      Effect.gen(function* () {
        const item = command(callId, "inProgress")
        yield* turn.ask(
          "item/commandExecution/requestApproval",
          { kind: "command", itemId: callId, environmentId: "local", command: "ls", cwd: "/" },
          { item }
        )
        ran.push(callId)
        yield* turn.itemCompleted({ ...item, status: "completed" })
        return text("ran")
      }).pipe(Effect.orElseSucceed(() => text("failed")))
  }
  return { ran, tool }
}

/** A memory store that begins with these events. `log` returns those of its only thread. */
const storeWith = Effect.fnUntraced(function* (before: ReadonlyArray<ThreadEvent>) {
  const store = yield* Memory.make
  const [first] = before
  const log: Array<ThreadEvent> = [...before]
  if (first?._tag === "Created") yield* store.append(first.origin.id, 0, before)
  const recording = ThreadStore.of({
    ...store,
    append: (threadId, seq, events) =>
      Effect.tap(store.append(threadId, seq, events), () => Effect.sync(() => void log.push(...events)))
  })
  return { log, layer: Layer.succeed(ThreadStore, recording) }
})

const of = <Tag extends ThreadEvent["_tag"]>(events: ReadonlyArray<ThreadEvent>, tag: Tag) =>
  events.filter((event): event is EventOf<Tag> => event._tag === tag)

const idOf = (events: ReadonlyArray<ThreadEvent>) => of(events, "Created")[0]?.origin.id ?? ""

/** One life of a server: it loads the log, its client answers what it is asked, until the turn has ended. */
const life = (before: ReadonlyArray<ThreadEvent>, options: ServerOptions & { readonly asksFirst?: boolean } = {}) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { layer, log } = yield* storeWith(before)
      const { ran, tool } = approved(options.asksFirst ?? true)
      const model = persistent("ask")
      const server = yield* makeServer({ store: layer, model: model.layer, toolbox: [tool], cliOverrides, ...options })
      const client = yield* server.connect()
      const asked: Array<number> = []
      const ended = yield* Deferred.make<void>()
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.gen(function* () {
            const event = yield* client.next
            if (event._tag === "ServerRequest") {
              asked.push(Number(event.request.id))
              yield* client.handle.respondToServerRequest(event.request.id, { decision: "accept" })
            }
            if (event._tag === "ServerNotification" && event.notification.method === "turn/completed") {
              yield* Deferred.succeed(ended, undefined)
            }
          })
        )
      )
      if (before.length === 0) {
        const { thread } = yield* client.request("thread/start", { cwd })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        yield* Deferred.await(ended)
      } else {
        const { thread } = yield* client.request("thread/resume", { threadId: idOf(before) })
        if (thread.turns.at(-1)?.status === "inProgress") yield* Deferred.await(ended)
      }
      return { asked, log: Array.from(log), ran, requests: model.requests }
    })
  )

/** What holds for a log whose turn has ended. */
const check = (log: ReadonlyArray<ThreadEvent>) => {
  assert.strictEqual(of(log, "TurnEnded").length, 1)
  const attempts = of(log, "TurnClaimed").map(({ attempt }) => attempt)
  assert.deepStrictEqual(
    attempts,
    attempts.map((_, index) => index)
  )
  assert.isAtMost(attempts.at(-1) ?? 0, 3)
  const open = of(log, "RequestOpened").map(({ requestId }) => requestId)
  const closed = of(log, "RequestClosed").map(({ requestId }) => requestId)
  assert.deepStrictEqual(closed, open)
  assert.strictEqual(new Set(open).size, open.length)
  const entries = of(log, "ConversationEntry").map(({ item }) => item)
  const calls = entries.flatMap((item) => (item.type === "function_call" ? [item.call_id] : []))
  const answers = entries.flatMap((item) => (item.type === "function_call_output" ? [item.call_id ?? ""] : []))
  assert.deepStrictEqual([...answers].sort(), [...calls].sort())
}

/** The first index at which a cut can be: the thread must be on record, and its input stored. */
const firstCut = (log: ReadonlyArray<ThreadEvent>) => log.findIndex(({ _tag }) => _tag === "ItemCompleted") + 1

describe("a turn that a crash has cut", () => {
  it.effect("goes on from every event of a turn with an approval, and its command runs once for each answer", () =>
    Effect.gen(function* () {
      const whole = yield* life([])
      check(whole.log)
      assert.deepStrictEqual(whole.ran, ["c1"])
      for (let cut = firstCut(whole.log); cut < whole.log.length; cut++) {
        const before = whole.log.slice(0, cut)
        const { asked, log, ran } = yield* life(before)
        check(log)
        assert.strictEqual(of(log, "TurnEnded")[0]?.status, "completed")
        assert.deepStrictEqual(
          of(log, "TurnClaimed").map(({ attempt }) => attempt),
          of(log, "TurnEnded")[0] === of(before, "TurnEnded")[0] ? [0] : [0, 1]
        )
        const [opened] = of(before, "RequestOpened")
        const isPending = opened !== undefined && of(before, "RequestClosed").length === 0
        // Another request gets another id, and a pending one keeps its own.
        assert.strictEqual(asked.length, ran.length)
        if (isPending) assert.deepStrictEqual({ asked, ran }, { asked: [opened.requestId], ran: ["c1"] })
        else assert.notInclude(ran, opened === undefined ? "" : "c1")
      }
    })
  )

  it.effect.prop(
    "ends once, after three attempts at most, wherever it is cut again",
    {
      cuts: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))).check(Schema.isMaxLength(6))
    },
    ({ cuts }) =>
      Effect.gen(function* () {
        let { log } = yield* life([])
        let kept = firstCut(log)
        for (const cut of cuts) {
          const before = log.slice(0, kept + (cut % (log.length - kept)))
          const next = yield* life(before)
          assert.strictEqual(next.asked.length, next.ran.length)
          log = next.log
          check(log)
          // A crash loses nothing of what was there before it.
          kept = Math.min(before.length, log.length - 1)
        }
      }),
    { arbitrary: { runs: 25 } }
  )

  it.effect("is interrupted without a further attempt", () =>
    Effect.gen(function* () {
      let { log } = yield* life([])
      const position = log.findIndex(({ _tag }) => _tag === "RequestOpened") + 1
      log = log.slice(0, position)
      for (let attempt = 1; attempt <= 3; attempt++) {
        const next = yield* life(log)
        log = next.log.slice(0, log.length + 1)
        assert.strictEqual(log.at(-1)?._tag, "TurnClaimed")
      }
      const last = yield* life(log)
      assert.deepStrictEqual(
        { asked: last.asked, ran: last.ran, requests: last.requests.length },
        { asked: [], ran: [], requests: 0 }
      )
      assert.strictEqual(of(last.log, "TurnEnded")[0]?.status, "interrupted")
      check(last.log)
    })
  )

  it.effect("does not run a tool again that may act before it asks", () =>
    Effect.gen(function* () {
      const { log } = yield* life([])
      const before = log.slice(0, log.findIndex(({ _tag }) => _tag === "RequestOpened") + 1)
      const { asked, log: after, ran, requests } = yield* life(before, { asksFirst: false })
      assert.deepStrictEqual(outputs(requests[0]?.input ?? []), [cutCall])
      assert.deepStrictEqual(ran, ["c2"])
      assert.notInclude(asked, of(before, "RequestOpened")[0]?.requestId)
      check(after)
    })
  )

  it.effect("does not run a call again that asks for the second time", () =>
    Effect.gen(function* () {
      const { log } = yield* life([])
      const before = log.slice(0, log.findIndex(({ _tag }) => _tag === "RequestClosed") + 1)
      const again = of(before, "RequestOpened").map((event) => ({ ...event, requestId: event.requestId + 1 }))
      const { log: after, ran, requests } = yield* life([...before, ...again])
      assert.deepStrictEqual(outputs(requests[0]?.input ?? []), [cutCall])
      assert.deepStrictEqual(ran, ["c2"])
      check(after)
    })
  )

  it.effect("is interrupted by default, and its requests are closed", () =>
    Effect.gen(function* () {
      const { log } = yield* life([])
      const before = log.slice(0, log.findIndex(({ _tag }) => _tag === "RequestOpened") + 1)
      const last = yield* life(before, { cliOverrides: [] })
      assert.deepStrictEqual({ asked: last.asked, requests: last.requests }, { asked: [], requests: [] })
      assert.strictEqual(of(last.log, "TurnEnded")[0]?.status, "interrupted")
      check(last.log)
      // No claim is written either.
      const { log: unclaimed } = yield* life([], { cliOverrides: [] })
      assert.deepStrictEqual(of(unclaimed, "TurnClaimed"), [])
    })
  )

  it.effect("offers its request once to each client that resumes, and an interrupt ends both", () =>
    Effect.gen(function* () {
      const { log } = yield* life([])
      const before = log.slice(0, log.findIndex(({ _tag }) => _tag === "RequestOpened") + 1)
      const store = yield* storeWith(before)
      const { ran, tool } = approved(true)
      const model = persistent("ask")
      const server = yield* makeServer({ store: store.layer, model: model.layer, toolbox: [tool], cliOverrides })
      const threadId = idOf(before)
      const turnId = of(before, "TurnStarted")[0]?.turnId ?? ""
      const clients = [yield* server.connect(), yield* server.connect()]
      const ids = yield* Effect.forEach(clients, (client) =>
        Effect.andThen(
          client.request("thread/resume", { threadId }),
          Effect.map(client.asked, ({ id }) => id)
        )
      )
      const [opened] = of(before, "RequestOpened")
      assert.deepStrictEqual(ids, [opened?.requestId ?? -1, opened?.requestId ?? -1])
      const [first] = clients
      if (first === undefined) return
      yield* first.request("turn/interrupt", { threadId, turnId })
      const events = yield* Effect.forEach(clients, (client) => client.names("serverRequest/resolved"))
      for (const names of events) {
        assert.strictEqual(names.filter((name) => name === "turn/completed").length, 1)
        assert.notInclude(names, "request item/commandExecution/requestApproval")
      }
      assert.deepStrictEqual({ ran, requests: model.requests }, { ran: [], requests: [] })
      assert.strictEqual(of(store.log, "TurnEnded")[0]?.status, "interrupted")
      check(store.log)
    })
  )

  it.effect("informs the model that the server has restarted", () =>
    Effect.gen(function* () {
      const { log } = yield* life([])
      const { requests } = yield* life(log.slice(0, firstCut(log)))
      const last = requests[0]?.input.at(-1)
      const content = last?.type === "message" ? last.content[0] : undefined
      assert.match(content?.type === "input_text" ? content.text : "", /^<server_restarted>\n/)
    })
  )
})
