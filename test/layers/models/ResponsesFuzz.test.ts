import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { ClientEvent } from "../../../src/services/client/ClientEvent.ts"
import { ModelProvider } from "../../../src/services/model/ModelProvider.ts"
import { makeThread } from "../../support/Threads.ts"
import { type Answer, bytes, encode, ok, provider, scripted, streamed } from "./Scripted.ts"

const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`

/** Ids as JSON, plausible and not. */
const Id = Schema.Literals([
  '"a"',
  '"b"',
  '""',
  "null",
  "5",
  "1.5",
  "true",
  '{"toString":1}',
  '"\\ud800"',
  '"__proto__"',
  `"${"x".repeat(300)}"`
])

/** Parts of items and events as JSON, plausible and not. */
const Value = Schema.Literals([
  '"text"',
  '""',
  "0",
  "-1",
  "1e400",
  "null",
  "[]",
  "{}",
  '{"toString":1,"__proto__":{"a":1}}',
  '[{"type":"output_text","text":"hi"}]',
  '[{"type":"summary_text","text":"why"}]',
  '"\\udc00"',
  deep
])

const Type = Schema.Literals([
  "message",
  "reasoning",
  "function_call",
  "custom_tool_call",
  "local_shell_call",
  "tool_search_call",
  "web_search_call",
  "image_generation_call",
  "compaction",
  "__proto__",
  "toString",
  "mystery"
])

const itemOf = (type: string, id: string, value: string) =>
  `{"type":"${type}","id":${id},"role":"assistant","content":${value},"summary":${value},"name":"exec_command","call_id":${id},"arguments":${value},"input":${value},"status":"completed","execution":"client","result":${value},"namespace":${value === '"text"' ? value : "null"}}`

const eventOf = (type: string, rest: string) => `event: ${type}\ndata: {"type":"response.${type}",${rest}}\n\n`

const delta = (kind: string) => (id: string, value: string) =>
  eventOf(kind, `"item_id":${id},"delta":${value},"summary_index":0,"content_index":0`)

/** The encoding of a kind of event. */
const spellings: Readonly<Record<string, (id: string, value: string, type: string) => string>> = {
  added: (id, value, type) => eventOf("output_item.added", `"item":${itemOf(type, id, value)}`),
  message: (id) => eventOf("output_item.added", `"item":${itemOf("message", id, "[]")}`),
  done: (id, value, type) => eventOf("output_item.done", `"item":${itemOf(type, id, value)}`),
  finished: (id) =>
    eventOf("output_item.done", `"item":${itemOf("message", id, '[{"type":"output_text","text":"x"}]')}`),
  call: (id) => eventOf("output_item.done", `"item":${itemOf("function_call", id, '"{}"')}`),
  search: (_, value) => eventOf("output_item.done", `"item":${itemOf("tool_search_call", '"a"', value)}`),
  deep: () => eventOf("output_item.done", `"item":${itemOf("tool_search_call", '"a"', deep)}`),
  text: delta("output_text.delta"),
  thought: delta("reasoning_text.delta"),
  summary: delta("reasoning_summary_text.delta"),
  part: delta("reasoning_summary_part.added"),
  completed: (_, value) =>
    eventOf("completed", `"response":{"id":"r","usage":{"input_tokens":${value}},"end_turn":${value}}`),
  failed: (_, value) => eventOf("failed", `"response":{"error":{"code":${value},"message":${value}}}`),
  incomplete: (_, value) => eventOf("incomplete", `"response":{"incomplete_details":{"reason":${value}}}`),
  bare: (_, value) => `data: ${value}\n\n`,
  endless: (_, value) => `data: {"type":"response.output_text.delta","delta":${value}`,
  noise: (id) => `: ${id}\rretry: 99999999999999999999\nid: ${id}\ndata\nevent\n\r\n`,
  twice: (id, value) =>
    `data: {"type":"response.output_item.added",\r\ndata: "item":${itemOf("reasoning", id, value)}}\r\r`
}

const Piece = Schema.Struct({ kind: Schema.Literals(Object.keys(spellings)), id: Id, value: Value, type: Type })

const spell = (pieces: ReadonlyArray<typeof Piece.Type>): string =>
  pieces.map(({ id, kind, type, value }) => spellings[kind]?.(id, value, type)).join("")

const Cut = Schema.Struct({
  /** Size of a network chunk in bytes. */
  size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 })),
  end: Schema.Literals(["proper", "early", "broken", "not text"])
})

const completed = encode({ type: "response.completed", response: { id: "r" } })

const answerOf = (text: string, { end, size: wanted }: typeof Cut.Type): Answer => {
  const whole = bytes(end === "proper" ? `${text}\n\n${completed}` : text)
  const size = Math.max(wanted, Math.ceil(whole.length / 100))
  const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
    whole.subarray(index * size, (index + 1) * size)
  )
  const body = Stream.fromIterable(end === "not text" ? [...chunks, Uint8Array.of(0x22, 0xff)] : chunks)
  return streamed(end === "broken" ? Stream.concat(body, Stream.fail(new Error("terminated"))) : body)
}

/** The published items of a turn and its end. */
const checked = (events: ReadonlyArray<ClientEvent>) => {
  const open = new Set<string>()
  let ends = 0
  for (const event of events) {
    if (event._tag !== "ServerNotification") continue
    const { notification } = event
    switch (notification.method) {
      case "item/started":
        open.add(notification.params.item.id)
        break
      case "item/completed":
        assert.isTrue(open.delete(notification.params.item.id), "an item that was not started completes")
        break
      case "item/agentMessage/delta":
      case "item/reasoning/textDelta":
      case "item/reasoning/summaryTextDelta":
      case "item/reasoning/summaryPartAdded":
        assert.isTrue(open.has(notification.params.itemId), "a delta of an item that is not open")
        break
      case "turn/completed":
        ends++
        assert.include(["completed", "failed"], notification.params.turn.status)
        assert.notInclude(notification.params.turn.error?.message ?? "", "internal error")
    }
  }
  assert.strictEqual(ends, 1)
}

/** The scripted server for every provider. */
const asked = Layer.effect(
  ModelProvider,
  Effect.map(ModelProvider, (model) =>
    ModelProvider.of({ stream: (request) => model.stream({ ...request, providerInfo: provider }) })
  )
)

const isEnd = (event: ClientEvent) =>
  event._tag === "ServerNotification" && event.notification.method === "turn/completed"

describe("Responses", () => {
  it.effect.prop(
    "ends every turn once for any server output, and the thread continues",
    [Arbitrary.array(Arbitrary.schema(Piece), { maxLength: 12 }), Cut],
    ([pieces, cut]) =>
      Effect.gen(function* () {
        const answers: Array<Answer> = [answerOf(spell(pieces), cut)]
        const { layer, sent } = scripted([Effect.suspend(() => answers.shift() ?? ok("fine"))])
        const { client, start } = yield* makeThread({ model: Layer.provide(asked, layer) })
        yield* start("hello")
        checked(yield* client.until(isEnd))
        yield* start("again")
        const events = yield* client.until(isEnd)
        checked(events)
        const last = events.at(-1)
        assert.strictEqual(
          last?._tag === "ServerNotification" && last.notification.method === "turn/completed"
            ? last.notification.params.turn.status
            : last,
          "completed"
        )
        assert.isAtLeast(sent.length, 2)
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 60 }, timeout: 120_000 }
  )
})
