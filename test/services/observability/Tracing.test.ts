import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { TraceContext } from "../../../src/protocol/jsonrpc/Envelope.ts"
import { ModelError } from "../../../src/services/model/ModelProvider.ts"
import * as RemoteLink from "../../../src/services/client/RemoteLink.ts"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import * as FakeServer from "../../support/FakeServer.ts"
import { makeRecorder, parentOf, type Recorded } from "../../support/Measured.ts"
import { makeProcessor } from "../../support/Processor.ts"
import { makeServer, userInput } from "../../support/Server.ts"
import { text } from "../../../src/services/tool/Tool.ts"

const List = "thread/loaded/list"
const page = { data: [], nextCursor: null }

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const traceparent = `00-${traceId}-${spanId}-01`

const errorOf = ({ exit }: Recorded): Option.Option<unknown> =>
  exit?._tag === "Failure" ? Cause.findErrorOption(exit.cause) : Option.none()

/** Sends one request with this trace, and returns its span. */
const ask = Effect.fnUntraced(function* (trace: unknown) {
  const { named, record } = makeRecorder()
  const { connect } = yield* record(makeProcessor({ [List]: () => Effect.succeed(page) }))
  const { next, send } = yield* record(connect())
  // A trace context from a wire is unchecked.
  const request = { id: 1, method: List, params: {}, trace: trace as TraceContext }
  send({ _tag: "Request", request })
  assert.deepStrictEqual(yield* next, { id: 1, result: page })
  return named(`spindle.request ${List}`)
})

describe("Tracing", () => {
  it.effect("puts a request into the trace of its caller", () =>
    Effect.gen(function* () {
      const { exit, span } = yield* ask({ traceparent, tracestate: "vendor=x" })
      assert.deepStrictEqual(
        Option.map(span.parent, (parent) => ({ ...parent, annotations: undefined })),
        Option.some({ _tag: "ExternalSpan", traceId, spanId, sampled: true, annotations: undefined })
      )
      assert.strictEqual(span.traceId, traceId)
      assert.strictEqual(span.kind, "server")
      assert.deepStrictEqual(Object.fromEntries(span.attributes), {
        "rpc.system": "jsonrpc",
        "rpc.method": List,
        "rpc.jsonrpc.request_id": "1",
        "spindle.connection.id": 0,
        "spindle.connection.origin": "stdio",
        "w3c.tracestate": "vendor=x"
      })
      assert.deepStrictEqual(exit, Exit.succeed(page))
    })
  )

  it.effect("records no span of an unsampled trace", () =>
    Effect.gen(function* () {
      const { span } = yield* ask({ traceparent: traceparent.replace(/01$/, "00") })
      assert.isFalse(span.sampled)
    })
  )

  it.effect.each([
    [null],
    [7],
    ["00"],
    [[]],
    [{}],
    [{ traceparent: null }],
    [{ traceparent: 7 }],
    [{ traceparent: "" }],
    [{ traceparent: `ff-${traceId}-${spanId}-01` }],
    [{ traceparent: `00-${"0".repeat(32)}-${spanId}-01` }],
    [{ traceparent: `00-${traceId}-${"0".repeat(16)}-01` }],
    [{ traceparent: `00-${traceId.toUpperCase()}-${spanId}-01` }],
    [{ traceparent: `00-${traceId}-${spanId}` }],
    [{ traceparent: `b3-${traceparent}`, tracestate: "vendor=x" }]
  ])("begins a trace of its own for a request with the trace %j", ([trace]) =>
    Effect.gen(function* () {
      const { span } = yield* ask(trace)
      assert.deepStrictEqual(span.parent, Option.none())
      assert.notInclude(Array.from(span.attributes.keys()), "w3c.tracestate")
    })
  )

  it.effect("joins the caller's trace in an embedding program, not that of the server's construction", () =>
    Effect.gen(function* () {
      const { named, record } = makeRecorder()
      yield* Effect.gen(function* () {
        const { connect } = yield* Effect.withSpan(makeServer(), "building")
        const client = yield* Effect.withSpan(connect(), "connecting")
        yield* Effect.withSpan(client.request(List, {}), "caller")
      }).pipe(record)
      assert.strictEqual(parentOf(named(`spindle.request ${List}`)), named("caller").span.spanId)
    })
  )

  it.effect("sends the span of a remote client with its requests", () =>
    Effect.gen(function* () {
      const { named, record } = makeRecorder()
      const server = yield* FakeServer.make
      const connecting = RemoteLink.make(server.endpoint, { clientName: "t", clientVersion: "1", heartbeat: false })
      const fiber = yield* Effect.forkChild(connecting)
      const connection = yield* server.accept
      yield* FakeServer.welcome(connection)
      const { link } = yield* Fiber.join(fiber)
      yield* Effect.forkChild(record(Effect.withSpan(link.request(List, {}), "caller")))
      const received = yield* connection.receive
      const { span } = named("caller")
      assert.deepInclude(received, { method: List, trace: { traceparent: `00-${span.traceId}-${span.spanId}-01` } })
      yield* Effect.forkChild(link.request(List, {}))
      assert.notProperty(yield* connection.receive, "trace")
    }).pipe(Effect.scoped)
  )

  it.effect("ends the span of a failed request with its error", () =>
    Effect.gen(function* () {
      const { named, record } = makeRecorder()
      const error = new RequestError({ code: -32600, message: "no" })
      const { connect } = yield* record(makeProcessor({ [List]: () => Effect.fail(error) }))
      const client = yield* record(connect())
      client.request(1, List)
      yield* client.next
      assert.deepStrictEqual(errorOf(named(`spindle.request ${List}`)), Option.some(error))
    })
  )

  it.effect("contains a turn with its model requests and tool calls, in the request that started it", () =>
    Effect.gen(function* () {
      const { named, record, recorded } = makeRecorder()
      yield* Effect.gen(function* () {
        const tool = {
          spec: { type: "function" as const, name: "look", description: "", parameters: {}, strict: false },
          run: () => Effect.succeed(text("seen"))
        }
        const { connect, model } = yield* makeServer({ toolbox: [tool] })
        const client = yield* connect()
        const { thread } = yield* client.request("thread/start", {})
        const { turn } = yield* client.request("turn/start", { threadId: thread.id, input: userInput("a secret") })
        yield* model.call(["look", "call_1"], ["unknown", "call_2"])
        yield* model.reply("another secret")
        yield* client.notified("turn/completed")

        const whole = named("spindle.turn")
        assert.strictEqual(parentOf(whole), named("spindle.request turn/start").span.spanId)
        assert.deepStrictEqual(Object.fromEntries(whole.span.attributes), {
          "spindle.thread.id": thread.id,
          "spindle.turn.id": turn.id,
          "gen_ai.conversation.id": thread.id,
          "gen_ai.request.model": "gpt-6.1-sol",
          "spindle.turn.status": "completed"
        })
        const called = named("spindle.tool_call look")
        assert.strictEqual(parentOf(called), whole.span.spanId)
        assert.deepStrictEqual(Object.fromEntries(called.span.attributes), {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": "look",
          "gen_ai.tool.call.id": "call_1",
          "spindle.tool.success": true
        })
        const asked = recorded.filter(({ span }) => span.name === "spindle.model_request")
        assert.deepStrictEqual(asked.map(parentOf), [whole.span.spanId, whole.span.spanId])
        assert.deepInclude(Object.fromEntries(asked[1]?.span.attributes ?? []), {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "openai",
          "gen_ai.request.model": "gpt-6.1-sol",
          "gen_ai.usage.input_tokens": 3,
          "gen_ai.usage.output_tokens": 2
        })
      }).pipe(record)
      assert.isTrue(recorded.every(({ exit }) => exit !== undefined))
      assert.notInclude(JSON.stringify(recorded.map(({ span }) => Array.from(span.attributes))), "secret")
    })
  )

  it.effect("records the end of a failed turn and of an interrupted one", () =>
    Effect.gen(function* () {
      const { record, recorded } = makeRecorder()
      const error = new ModelError({ message: "no", info: "other" })
      yield* Effect.gen(function* () {
        const { connect, model } = yield* makeServer()
        const client = yield* connect()
        const { thread } = yield* client.request("thread/start", {})
        const start = client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        yield* start
        yield* (yield* model.next).fail(error)
        yield* client.notified("turn/completed")
        const { turn } = yield* start
        yield* model.next
        yield* client.request("turn/interrupt", { threadId: thread.id, turnId: turn.id })
        yield* client.notified("turn/completed")
      }).pipe(record)
      const turns = recorded.filter(({ span }) => span.name === "spindle.turn")
      assert.deepStrictEqual(
        turns.map(({ span }) => span.attributes.get("spindle.turn.status")),
        ["failed", "interrupted"]
      )
      assert.deepStrictEqual(turns.slice(0, 1).map(errorOf), [Option.some(error)])
      assert.isTrue(turns[1]?.exit?._tag === "Failure" && Cause.hasInterruptsOnly(turns[1].exit.cause))
    })
  )

  it.effect("creates no spans without a tracer", () =>
    Effect.gen(function* () {
      const seen: Array<Tracer.AnySpan> = []
      const look = Effect.map(Effect.option(Effect.currentSpan), (span) => {
        if (Option.isSome(span)) seen.push(span.value)
        return page
      })
      const { connect } = yield* makeProcessor({ [List]: () => look })
      const client = yield* connect()
      client.request(1, List)
      yield* client.next
      assert.deepStrictEqual(seen, [])
    })
  )
})
