import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { CollabAgentToolCallItem } from "../../../src/protocol/v2/item/WorkItem.ts"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import { ModelError, type ModelRequest } from "../../../src/services/model/ModelProvider.ts"
import type { ModelCall } from "../../support/ScriptedModel.ts"
import { cwd, nameOf, type ServerOptions, makeServer, userInput } from "../../support/Server.ts"

const namespace = "multi_agent_v1"

type Call = readonly [id: string, name: string, input: unknown]

/** Answers with calls of the tools for agents. */
const callTools = (call: ModelCall, ...calls: ReadonlyArray<Call>) =>
  Effect.andThen(
    call.emit(
      ...calls.map(([call_id, name, input]) => ({
        _tag: "ItemDone" as const,
        item: {
          type: "function_call" as const,
          call_id,
          name,
          namespace,
          arguments: typeof input === "string" ? input : JSON.stringify(input)
        }
      }))
    ),
    call.finish()
  )

/** The output of a call, as the model reads it. */
const outputOf = ({ input }: ModelRequest, callId: string): unknown => {
  const found = input.find((item) => item.type === "function_call_output" && item.call_id === callId)
  return found?.type === "function_call_output" ? found.output : undefined
}

const agentIn = (request: ModelRequest, callId: string): string =>
  JSON.parse(String(outputOf(request, callId))).agent_id

/** The texts of the user in a request. */
const textsOf = ({ input }: ModelRequest): ReadonlyArray<string> =>
  input.flatMap((item) =>
    item.type === "message" && item.role === "user"
      ? item.content.flatMap((part) => (part.type === "input_text" ? [part.text] : []))
      : []
  )

const notices = (request: ModelRequest) => textsOf(request).filter((text) => text.startsWith("<subagent_notification>"))

/** The items of calls in events: what is announced and how it ends. */
const itemsIn = (events: ReadonlyArray<ClientEvent>, method: "item/started" | "item/completed" = "item/completed") =>
  events.flatMap((event) => {
    if (event._tag !== "ServerNotification" || event.notification.method !== method) return []
    const { item } = event.notification.params
    return item.type === "collabAgentToolCall" ? [item] : []
  })

const shown = ({ agentsStates, id, prompt, receiverThreadIds, status, tool }: CollabAgentToolCallItem) => ({
  id,
  tool,
  status,
  prompt,
  receiverThreadIds,
  agentsStates
})

interface AgentOptions extends ServerOptions {
  readonly config?: Record<string, unknown>
  readonly start?: object
}

/** A thread with the tools for agents, and a model whose requests are taken by thread. */
const makeAgents = Effect.fnUntraced(function* ({ config = {}, start = {}, ...options }: AgentOptions = {}) {
  const server = yield* makeServer({ ownTools: true, ...options })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", { cwd, model: "gpt-5", config, ...start } as never)
  yield* client.notified("thread/started")
  const threadId = thread.id
  const waiting: Array<ModelCall> = []
  /** The next request of a thread; of any other than the first one without an id. */
  const next = Effect.fnUntraced(function* (id?: string) {
    const isWanted = ({ request }: ModelCall) =>
      id === undefined ? request.threadId !== threadId : request.threadId === id
    for (;;) {
      const at = waiting.findIndex(isWanted)
      if (at !== -1) return waiting.splice(at, 1)[0]!
      waiting.push(yield* server.model.next)
    }
  })
  const ends = (id: string) => (event: ClientEvent) =>
    event._tag === "ServerNotification" &&
    event.notification.method === "turn/completed" &&
    event.notification.params.threadId === id
  /** Answers the parent's next request with calls, and returns its request with their outputs. */
  const step = Effect.fnUntraced(function* (...calls: ReadonlyArray<Call>) {
    yield* callTools(yield* next(threadId), ...calls)
    return yield* next(threadId)
  })
  const begin = (text = "go") => client.request("turn/start", { threadId, input: userInput(text) })
  return { ...server, client, threadId, next, step, begin, ends }
})

describe("agents", () => {
  it.effect("work in threads of their own, and their parent gets the result", () =>
    Effect.gen(function* () {
      const { begin, client, ends, next, threadId } = yield* makeAgents()
      const { turn } = yield* begin()
      const first = yield* next(threadId)
      const offered = first.request.tools.filter((tool) => tool.type === "function" && tool.namespace !== undefined)
      assert.deepStrictEqual(
        offered.map(({ name }) => name),
        ["close_agent", "resume_agent", "send_input", "spawn_agent", "wait_agent"]
      )
      yield* callTools(first, ["spawn", "spawn_agent", { message: "count" }])
      const child = yield* next()
      const id = child.request.threadId
      assert.deepStrictEqual([textsOf(child.request).at(-1), child.request.rootTurnId], ["count", turn.id])
      assert.isFalse(child.request.tools.some((tool) => tool.type === "function" && tool.namespace !== undefined))
      const second = yield* next(threadId)
      assert.strictEqual(agentIn(second.request, "spawn"), id)
      yield* callTools(second, ["wait", "wait_agent", { targets: [id] }])
      yield* child.finish("three")
      const third = yield* next(threadId)
      assert.strictEqual(
        outputOf(third.request, "wait"),
        JSON.stringify({ status: { [id]: { completed: "three" } }, timed_out: false })
      )
      const status = { agent_path: id, status: { completed: "three" } }
      assert.deepStrictEqual(notices(third.request), [
        `<subagent_notification>\n${JSON.stringify(status)}\n</subagent_notification>`
      ])
      yield* third.finish("it is three")
      const events = yield* client.until(ends(threadId))
      assert.deepStrictEqual(itemsIn(events).map(shown), [
        {
          id: "spawn",
          tool: "spawnAgent",
          status: "completed",
          prompt: "count",
          receiverThreadIds: [id],
          agentsStates: { [id]: { status: "pendingInit", message: null } }
        },
        {
          id: "wait",
          tool: "wait",
          status: "completed",
          prompt: null,
          receiverThreadIds: [id],
          agentsStates: { [id]: { status: "completed", message: "three" } }
        }
      ])
      const ofChild = events.flatMap((event) =>
        event._tag === "ServerNotification" && JSON.stringify(event.notification.params).includes(`"threadId":"${id}"`)
          ? [nameOf(event)]
          : []
      )
      assert.include(ofChild, "item/agentMessage/delta")
      assert.include(ofChild, "turn/completed")
      const { thread } = yield* client.request("thread/read", { threadId: id })
      const { agentNickname, parentThreadId, sessionId, source, threadSource } = thread
      assert.deepStrictEqual(
        { parentThreadId, sessionId, source, threadSource },
        {
          parentThreadId: threadId,
          sessionId: threadId,
          source: {
            subAgent: {
              thread_spawn: {
                parent_thread_id: threadId,
                depth: 1,
                agent_path: null,
                agent_nickname: agentNickname,
                agent_role: null
              }
            }
          },
          threadSource: "subagent"
        }
      )
      const list = (kind: "subAgent" | "subAgentThreadSpawn" | "subAgentReview") =>
        Effect.map(client.request("thread/list", { sourceKinds: [kind] }), ({ data }) => data.map(({ id }) => id))
      assert.deepStrictEqual(
        [yield* list("subAgent"), yield* list("subAgentThreadSpawn"), yield* list("subAgentReview")],
        [[id], [id], []]
      )
    })
  )

  it.effect("are refused above the limits of the tree, until one is closed", () =>
    Effect.gen(function* () {
      const { begin, client, ends, next, step, threadId } = yield* makeAgents({
        config: { "agents.max_threads": 1, "agents.max_depth": 2 }
      })
      yield* begin()
      const spawned = yield* step(["one", "spawn_agent", { message: "a" }])
      const id = agentIn(spawned.request, "one")
      const child = yield* next(id)
      yield* callTools(child, ["deep", "spawn_agent", { message: "b" }])
      const refused = yield* next(id)
      assert.strictEqual(outputOf(refused.request, "deep"), "collab spawn failed: agent thread limit reached")
      yield* refused.finish("alone")
      yield* callTools(spawned, ["two", "spawn_agent", { message: "c" }])
      const second = yield* next(threadId)
      assert.strictEqual(outputOf(second.request, "two"), "collab spawn failed: agent thread limit reached")
      yield* callTools(second, ["close", "close_agent", { target: id }])
      const closed = yield* next(threadId)
      assert.strictEqual(outputOf(closed.request, "close"), JSON.stringify({ previous_status: { completed: "alone" } }))
      yield* callTools(closed, ["three", "spawn_agent", { message: "d" }])
      const third = yield* next(threadId)
      const other = agentIn(third.request, "three")
      assert.notStrictEqual(other, id)
      yield* third.finish("over")
      const events = yield* client.until(ends(threadId))
      assert.deepStrictEqual(
        itemsIn(events).map(({ id, status }) => [id, status]),
        [
          ["one", "completed"],
          ["deep", "failed"],
          ["two", "failed"],
          ["close", "completed"],
          ["three", "completed"]
        ]
      )
      assert.include(events.map(nameOf), "warning")
      assert.deepStrictEqual((yield* client.request("thread/loaded/list", {})).data, [threadId, other])
    })
  )

  it.effect("take input while they work, are interrupted for it, and are resumed after they were closed", () =>
    Effect.gen(function* () {
      const { begin, next, step, threadId } = yield* makeAgents()
      yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "first" }])
      const id = agentIn(spawned.request, "spawn")
      const first = yield* next(id)
      yield* callTools(spawned, ["more", "send_input", { target: id, message: "second" }])
      const sent = yield* next(threadId)
      yield* first.finish("one")
      const continued = yield* next(id)
      assert.deepStrictEqual(textsOf(continued.request).slice(-2), ["first", "second"])
      yield* callTools(sent, ["now", "send_input", { target: id, message: "third", interrupt: true }])
      yield* continued.closed
      const third = yield* next(id)
      assert.strictEqual(textsOf(third.request).at(-1), "third")
      const interrupted = yield* next(threadId)
      yield* callTools(interrupted, ["close", "close_agent", { target: id }])
      yield* third.closed
      const closed = yield* next(threadId)
      assert.strictEqual(outputOf(closed.request, "close"), JSON.stringify({ previous_status: "running" }))
      const notice = JSON.stringify({ agent_path: id, status: "shutdown" })
      assert.deepStrictEqual(notices(closed.request), [`<subagent_notification>\n${notice}\n</subagent_notification>`])
      yield* callTools(
        closed,
        ["gone", "wait_agent", { targets: [id] }],
        ["none", "send_input", { target: id, message: "x" }]
      )
      const gone = yield* next(threadId)
      assert.deepStrictEqual(
        [outputOf(gone.request, "gone"), outputOf(gone.request, "none")],
        [JSON.stringify({ status: { [id]: "not_found" }, timed_out: false }), `agent with id ${id} not found`]
      )
      yield* callTools(gone, ["resume", "resume_agent", { id }])
      const resumed = yield* next(threadId)
      assert.strictEqual(outputOf(resumed.request, "resume"), JSON.stringify({ status: "pending_init" }))
      yield* callTools(resumed, ["again", "send_input", { target: id, message: "fourth" }])
      const fourth = yield* next(id)
      assert.deepStrictEqual(textsOf(fourth.request).slice(-1), ["fourth"])
      assert.include(textsOf(fourth.request), "third")
    })
  )

  it.effect("have the policies, the folder and the sandbox of the parent, and ask its clients", () =>
    Effect.gen(function* () {
      const { begin, client, next, serverRequests, step, threadId, threads } = yield* makeAgents({
        start: { approvalPolicy: "untrusted", sandbox: "read-only" }
      })
      assert.isDefined(serverRequests)
      yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "touch" }])
      const id = agentIn(spawned.request, "spawn")
      const parent = threads.find(threadId)!.settings
      assert.deepStrictEqual(threads.find(id)!.settings, parent)
      assert.deepStrictEqual([parent.approvalPolicy, parent.sandboxPolicy.type], ["untrusted", "readOnly"])
      const child = yield* next(id)
      const item = {
        type: "function_call" as const,
        call_id: "ask",
        name: "exec_command",
        arguments: '{"cmd":"touch x"}'
      }
      yield* child.emit({ _tag: "ItemDone", item })
      yield* child.finish()
      const asked = yield* client.asked
      assert.strictEqual(asked.method, "item/commandExecution/requestApproval")
      assert.include(JSON.stringify(asked.params), `"threadId":"${id}"`)
    })
  )

  it.effect(
    "get the stricter policies of the parent with their next input, and keep those that a client gave them",
    () =>
      Effect.gen(function* () {
        const { begin, client, ends, next, step, threadId, threads } = yield* makeAgents({
          start: { approvalPolicy: "never", sandbox: "workspace-write" }
        })
        yield* begin()
        const spawned = yield* step(
          ["one", "spawn_agent", { message: "first" }],
          ["two", "spawn_agent", { message: "second" }]
        )
        const [one, two] = [agentIn(spawned.request, "one"), agentIn(spawned.request, "two")]
        yield* spawned.finish("started")
        yield* client.until(ends(threadId))
        for (const id of [one, two]) {
          yield* Effect.flatMap(next(id), (call) => call.finish("done"))
          yield* client.until(ends(id))
        }
        const readOnly = { type: "readOnly" as const, networkAccess: false }
        const fullAccess = { type: "dangerFullAccess" as const }
        yield* client.request("turn/start", { threadId: two, input: userInput("x"), sandboxPolicy: fullAccess })
        yield* Effect.flatMap(next(two), (call) => call.finish("mine"))
        yield* client.until(ends(two))
        yield* client.request("turn/start", { threadId, input: userInput("go on"), sandboxPolicy: readOnly })
        yield* step(
          ["again one", "send_input", { target: one, message: "more" }],
          ["again two", "send_input", { target: two, message: "more" }]
        )
        yield* next(one)
        yield* next(two)
        const sandboxOf = (id: string) => threads.find(id)?.settings.sandboxPolicy.type
        assert.deepStrictEqual(
          [sandboxOf(threadId), sandboxOf(one), sandboxOf(two)],
          ["readOnly", "readOnly", "dangerFullAccess"]
        )
      })
  )

  it.effect("end with the status of their last turn, and a wait ends with its time", () =>
    Effect.gen(function* () {
      const { begin, client, ends, next, step, threadId } = yield* makeAgents()
      yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "fail" }])
      const id = agentIn(spawned.request, "spawn")
      const child = yield* next(id)
      yield* callTools(spawned, ["short", "wait_agent", { targets: [id], timeout_ms: 1 }])
      yield* client.until((event) => itemsIn([event], "item/started").some((item) => item.id === "short"))
      yield* TestClock.adjust("10 seconds")
      const over = yield* next(threadId)
      assert.strictEqual(outputOf(over.request, "short"), JSON.stringify({ status: {}, timed_out: true }))
      yield* callTools(over, ["wait", "wait_agent", { targets: [id] }])
      yield* child.fail(new ModelError({ message: "no such thing", info: "badRequest" }))
      const failed = yield* next(threadId)
      const { status } = JSON.parse(String(outputOf(failed.request, "wait")))
      assert.deepStrictEqual(Object.keys(status[id]), ["errored"])
      yield* failed.finish("too bad")
      const events = yield* client.until(ends(threadId))
      assert.deepStrictEqual(
        itemsIn(events).map(({ id, status }) => [id, status]),
        [
          ["short", "completed"],
          ["wait", "failed"]
        ]
      )
    })
  )

  it.effect("that do not exist, or are not the thread's own, are unknown", () =>
    Effect.gen(function* () {
      const { begin, client, next, step, threadId } = yield* makeAgents({ config: { "agents.max_depth": 2 } })
      const other = yield* client.request("thread/start", { cwd })
      yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "attack" }])
      const id = agentIn(spawned.request, "spawn")
      const child = yield* next(id)
      const calls = [threadId, id, other.thread.id].flatMap((target): ReadonlyArray<Call> => [
        [`close ${target}`, "close_agent", { target }],
        [`send ${target}`, "send_input", { target, message: "x" }],
        [`resume ${target}`, "resume_agent", { id: target }]
      ])
      yield* callTools(child, ...calls)
      const refused = yield* next(id)
      for (const [callId] of calls) {
        const target = callId.split(" ")[1]
        assert.strictEqual(outputOf(refused.request, callId), `agent with id ${target} not found`)
      }
      assert.deepStrictEqual((yield* client.request("thread/loaded/list", {})).data, [threadId, other.thread.id, id])
    })
  )

  it.effect("are not started by wrong arguments", () =>
    Effect.gen(function* () {
      const { begin, client, ends, step, threadId } = yield* makeAgents()
      yield* begin()
      const cases: ReadonlyArray<Call> = [
        ["none", "spawn_agent", {}],
        ["empty", "spawn_agent", { message: " " }],
        ["both", "spawn_agent", { message: "x", items: [{ type: "text", text: "y" }] }],
        ["items", "spawn_agent", { items: [] }],
        ["part", "send_input", { target: threadId, items: [{ type: "audio", audio_url: "data:" }] }],
        ["model", "spawn_agent", { message: "x", model: "nomodel" }],
        ["effort", "spawn_agent", { message: "x", reasoning_effort: "silly" }],
        ["ids", "wait_agent", { targets: [] }],
        ["zero", "wait_agent", { targets: [threadId], timeout_ms: 0 }],
        ["json", "close_agent", "nope"],
        ["type", "resume_agent", { id: 5 }],
        ["id", "close_agent", { target: "x" }]
      ]
      const { request, finish } = yield* step(...cases)
      const told = Object.fromEntries(cases.map(([id]) => [id, outputOf(request, id)]))
      const { id, json, type, ...texts } = told
      assert.deepStrictEqual(texts, {
        none: "Provide one of: message or items",
        empty: "Empty message can't be sent to an agent",
        both: "Provide either message or items, but not both",
        items: "Items can't be empty",
        part: "items[0] of type audio is not supported or incomplete",
        model:
          "Unknown model `nomodel` for spawn_agent. Available models: gpt-6.1-sol, gpt-6-astra, gpt-6-sol, gpt-6-luna, gpt-5.6-sol",
        effort: "Reasoning effort `silly` is not supported for model `gpt-5`. Supported reasoning efforts: ",
        ids: "agent ids must be non-empty",
        zero: "timeout_ms must be greater than zero"
      })
      for (const text of [json, type]) assert.match(String(text), /^failed to parse function arguments: /)
      assert.match(String(id), /^invalid agent id x: /)
      yield* finish("nothing")
      // Only calls that can be understood are shown.
      assert.deepStrictEqual(
        itemsIn(yield* client.until(ends(threadId))).map(({ id, status }) => [id, status]),
        [
          ["model", "failed"],
          ["effort", "failed"]
        ]
      )
    })
  )

  it.effect("stop when their tree has used its tokens", () =>
    Effect.gen(function* () {
      const { begin, client, ends, next, step, threadId } = yield* makeAgents({
        config: { "spindle.agent_max_tokens": 5 }
      })
      yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "spend" }])
      const id = agentIn(spawned.request, "spawn")
      const child = yield* next(id)
      yield* callTools(spawned, ["wait", "wait_agent", { targets: [id] }])
      yield* child.finish("five tokens")
      const waited = yield* next(threadId)
      const used = "the agents of this session have used 5 of 5 tokens (spindle.agent_max_tokens)"
      assert.deepStrictEqual(JSON.parse(String(outputOf(waited.request, "wait"))).status[id], { errored: used })
      yield* callTools(
        waited,
        ["again", "send_input", { target: id, message: "more" }],
        ["another", "spawn_agent", { message: "more" }]
      )
      const refused = yield* next(threadId)
      for (const callId of ["again", "another"]) {
        assert.strictEqual(outputOf(refused.request, callId), `${used}; do the work yourself`)
      }
      yield* refused.finish("alone")
      const events = yield* client.until(ends(threadId))
      assert.strictEqual(events.filter((event) => nameOf(event) === "warning").length >= 2, true)
    })
  )

  it.effect("go on when their parent is interrupted, and end with it when it is archived or deleted", () =>
    Effect.gen(function* () {
      const { begin, client, ends, next, step, threadId } = yield* makeAgents()
      const { turn } = yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "long" }])
      const id = agentIn(spawned.request, "spawn")
      const child = yield* next(id)
      yield* callTools(spawned, ["wait", "wait_agent", { targets: [id] }])
      yield* client.until((event) => itemsIn([event], "item/started").some((item) => item.id === "wait"))
      yield* client.request("turn/interrupt", { threadId, turnId: turn.id })
      const events = yield* client.until(ends(threadId))
      assert.deepStrictEqual(
        itemsIn(events).map(({ id, status }) => [id, status]),
        [["wait", "interrupted"]]
      )
      yield* child.finish("done")
      yield* client.until(ends(id))
      yield* begin("again")
      const later = yield* next(threadId)
      assert.strictEqual(notices(later.request).length, 1)
      yield* later.finish("good")
      yield* client.until(ends(threadId))
      yield* client.request("thread/archive", { threadId })
      assert.strictEqual((yield* client.notified("thread/archived")).threadId, threadId)
      assert.strictEqual((yield* client.notified("thread/archived")).threadId, id)
      assert.deepStrictEqual((yield* client.request("thread/loaded/list", {})).data, [])
      yield* client.request("thread/delete", { threadId })
      assert.strictEqual((yield* client.notified("thread/deleted")).threadId, id)
      assert.strictEqual((yield* client.notified("thread/deleted")).threadId, threadId)
    })
  )

  it.effect("are shown to a client that resumes their parent", () =>
    Effect.gen(function* () {
      const { begin, client, connect, next, step, threadId } = yield* makeAgents()
      yield* begin()
      const spawned = yield* step(["spawn", "spawn_agent", { message: "work", fork_context: true }])
      const id = agentIn(spawned.request, "spawn")
      const child = yield* next(id)
      assert.deepStrictEqual(textsOf(child.request).slice(-2), ["go", "work"])
      assert.isUndefined(child.request.input.find(({ type }) => type === "function_call"))
      assert.isDefined(client)
      const late = yield* connect({ capabilities: { experimentalApi: true } })
      yield* late.request("thread/resume", { threadId })
      yield* child.finish("worked")
      const { threadId: completed } = yield* late.notified("turn/completed")
      assert.strictEqual(completed, id)
    })
  )
})
