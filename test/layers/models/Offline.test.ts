import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Offline from "../../../src/layers/models/Offline.ts"
import type { ResponseItem } from "../../../src/protocol/v2/item/ResponseItem.ts"
import {
  ModelError,
  type ModelEvent,
  ModelProvider,
  type ModelRequest
} from "../../../src/services/model/ModelProvider.ts"
import type { ToolSpec } from "../../../src/services/tool/Tool.ts"
import { answerTo, assistant, request } from "./Scripted.ts"

const exec: ToolSpec = { type: "function", name: "exec_command", description: "", parameters: {}, strict: false }
const custom: ToolSpec = { type: "custom", name: "apply_patch", description: "", format: {} }

const user = (text: string): ResponseItem => ({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text }]
})

const ask = (input: ReadonlyArray<ResponseItem>, asked: Partial<ModelRequest> = {}) =>
  Effect.provide(answerTo({ ...request, input, tools: [exec, custom], ...asked }), Offline.layer)

/** A turn with this user message. */
const askText = (text: string, asked: Partial<ModelRequest> = {}) => ask([user(text)], { prompt: text, ...asked })

const itemsOf = (events: ReadonlyArray<ModelEvent>) =>
  events.flatMap((event) => (event._tag === "ItemDone" ? [event.item] : []))

const textsOf = (events: ReadonlyArray<ModelEvent>) =>
  itemsOf(events).flatMap((item) =>
    item.type === "message" ? item.content.map((part) => ("text" in part ? part.text : "")) : []
  )

const callsOf = (events: ReadonlyArray<ModelEvent>) =>
  itemsOf(events).filter(({ type }) => type === "function_call" || type === "custom_tool_call")

const call = (callId: string, input: string, name = "exec_command"): ResponseItem => ({
  type: "function_call",
  call_id: callId,
  name,
  arguments: input
})
const output = (callId: string, text: string): ResponseItem => ({
  type: "function_call_output",
  call_id: callId,
  output: text
})
const ran = (code: number, text: string) =>
  `Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code ${code}\nOriginal token count: 2\nOutput:\n${text}`

const oneLine = (text: string): string => text.replaceAll(/[\r\n\u2028\u2029]/g, " ")

const directive = Arbitrary.schema(Schema.Literals(["run: echo a", "say: b", "exec_command: {}", "", "think: c"]))

describe("Offline", () => {
  it.effect("follows `say:` word by word, and counts the words", () =>
    Effect.gen(function* () {
      const { error, events } = yield* askText("say: Hello  wide world")
      const itemId = "msg_turn-1_1"
      assert.strictEqual(error, null)
      assert.deepStrictEqual(events, [
        { _tag: "ItemStarted", itemId, kind: "message" },
        { _tag: "TextDelta", itemId, delta: "Hello  " },
        { _tag: "TextDelta", itemId, delta: "wide " },
        { _tag: "TextDelta", itemId, delta: "world" },
        { _tag: "ItemDone", item: assistant(itemId, "Hello  wide world") },
        {
          _tag: "Completed",
          usage: {
            inputTokens: 4,
            cachedInputTokens: 0,
            outputTokens: 3,
            reasoningOutputTokens: 0,
            totalTokens: 7
          },
          endTurn: true
        }
      ])
    })
  )

  it.effect("follows `think:` with a reasoning item and a message", () =>
    Effect.gen(function* () {
      const { events } = yield* askText("think: about it")
      const itemId = "rs_turn-1_1"
      assert.deepStrictEqual(events.slice(0, 5), [
        { _tag: "ItemStarted", itemId, kind: "reasoning" },
        { _tag: "SummaryPartAdded", itemId, summaryIndex: 0 },
        { _tag: "SummaryDelta", itemId, summaryIndex: 0, delta: "about " },
        { _tag: "SummaryDelta", itemId, summaryIndex: 0, delta: "it" },
        {
          _tag: "ItemDone",
          item: {
            type: "reasoning",
            id: itemId,
            summary: [{ type: "summary_text", text: "about it" }],
            encrypted_content: null
          }
        }
      ])
      assert.deepStrictEqual(textsOf(events), ["about it"])
    })
  )

  it.effect("calls the shell once per line, and other tools by name", () =>
    Effect.gen(function* () {
      const { events } = yield* askText(
        'run: echo "hi"\n\nrun: pwd\r\napply_patch: "*** Begin\\n*** End"\n \t\nexec_command: {"cmd":1}\n'
      )
      assert.deepStrictEqual(itemsOf(events), [
        { type: "function_call", call_id: "call_turn-1_1", name: "exec_command", arguments: '{"cmd":"echo \\"hi\\""}' },
        { type: "function_call", call_id: "call_turn-1_2", name: "exec_command", arguments: '{"cmd":"pwd"}' },
        { type: "custom_tool_call", call_id: "call_turn-1_3", name: "apply_patch", input: "*** Begin\n*** End" },
        { type: "function_call", call_id: "call_turn-1_4", name: "exec_command", arguments: '{"cmd":1}' }
      ])
    })
  )

  it.effect("makes the calls behind `then` when the outputs of the earlier ones are back", () =>
    Effect.gen(function* () {
      const prompt = "then\nsay: one\nrun: a\nthen\nthen\nsay: two\nrun: b\nrun: c\nthen\nsay: three"
      const input: Array<ResponseItem> = [user(prompt)]
      const seen: Array<unknown> = []
      for (const ids of [["c1"], ["c2", "c3"], []]) {
        const { events } = yield* ask(input, { prompt })
        const calls = callsOf(events)
        seen.push([textsOf(events), calls.map((item) => ("arguments" in item ? item.arguments : ""))])
        calls.forEach((item, index) => {
          const id = ids[index] ?? ""
          input.push({ ...item, call_id: id } as ResponseItem, output(id, ran(0, "ok")))
        })
      }
      assert.deepStrictEqual(seen, [
        [["one"], ['{"cmd":"a"}']],
        [["two"], ['{"cmd":"b"}', '{"cmd":"c"}']],
        [["three"], []]
      ])
    })
  )

  it.effect("reports a missing shell", () =>
    Effect.gen(function* () {
      const { events } = yield* askText("run: ls", { tools: [] })
      assert.deepStrictEqual(textsOf(events), ["I cannot run `ls`: the tool exec_command is not offered here."])
    })
  )

  it.effect("reports the outputs of its calls", () =>
    Effect.gen(function* () {
      const { events } = yield* ask(
        [
          user("run: ls"),
          call("c1", '{"cmd":"ls"}'),
          call("c2", '{"cmd":"false"}'),
          call("c3", '{"cmd":"sleep 9"}'),
          call("c4", '{"cmd":"rm"}'),
          call("c5", "{}", "view_image"),
          call("c6", '{"cmd":"x"}'),
          output("c1", ran(0, "a\nb\n")),
          output("c2", ran(1, "")),
          output("c3", "Chunk ID: 1\nWall time: 10 seconds\nProcess running with session ID 7\nOutput:\nsoon\n"),
          output("c4", "rejected by user"),
          output("c5", "attached")
        ],
        { prompt: "run: ls" }
      )
      assert.deepStrictEqual(textsOf(events), [
        [
          "I ran `ls`. It went well (exit code 0) and printed:\n\na\nb",
          "I ran `false`. It failed (exit code 1) and printed nothing.",
          "`sleep 9` is still running as session 7.\n\nsoon",
          "`rm` did not run:\n\nrejected by user",
          "view_image answered:\n\nattached",
          "exec_command has not answered."
        ].join("\n\n")
      ])
    })
  )

  it.effect("follows only the user's message, and nothing else in the conversation", () =>
    Effect.gen(function* () {
      const conversation = [
        user("# AGENTS.md instructions for /x\nrun: no"),
        user("run: no"),
        assistant("msg_1", "run: no"),
        call("c1", "{}"),
        output("c1", "run: no"),
        user("run: no"),
        user("<turn_aborted>\nrun: no\n</turn_aborted>")
      ]
      const own = yield* ask([...conversation, user("say: second")], { prompt: "say: second" })
      assert.deepStrictEqual(textsOf(own.events), ["second"])
      const none = yield* ask(conversation, { prompt: null })
      assert.include(textsOf(none.events)[0], "You said nothing")
      assert.deepStrictEqual(callsOf(none.events), [])
    })
  )

  it.effect.each([
    "Review this:\n  run: echo B > B\n",
    "  run: echo indented",
    "\trun: echo indented",
    "run: echo a\nand tell me\nrun: echo b",
    "run: echo a\nno_such_tool: {}",
    "run: echo a\nrun:",
    "run: echo a\ncount: -1",
    "run: echo a\n  run: echo b",
    "Run: echo capital",
    "RUN: echo capitals",
    "- run: echo a list",
    "> run: echo a quotation",
    "```\nrun: echo fenced\n```",
    "<stdin>\nrun: echo piped\n</stdin>",
    "jobs:\n  build:\n    steps:\n      - run: npm ci",
    "run : echo a blank before the colon",
    "run: echo a\rrun: echo b",
    "run: echo a\u2028run: echo b",
    "\uFEFFrun: echo a mark"
  ])("takes %j for plain text", (text) =>
    Effect.gen(function* () {
      const { events } = yield* askText(text)
      assert.deepStrictEqual(callsOf(events), [])
      assert.include(textsOf(events).join(), "I did nothing")
    })
  )

  it.effect("counts in as many deltas", () =>
    Effect.gen(function* () {
      const { events } = yield* askText("count: 1200")
      const deltas = events.flatMap((event) => (event._tag === "TextDelta" ? [event.delta] : []))
      assert.strictEqual(deltas.length, 1200)
      assert.deepStrictEqual([deltas[0], deltas[1199]], ["1 ", "1200"])
      assert.deepStrictEqual(textsOf(events), [deltas.join("")])
    })
  )

  it.effect("follows `fail:` after the preceding lines", () =>
    Effect.gen(function* () {
      const { error, events } = yield* askText("say: a\nfail: no more\nsay: b")
      assert.deepStrictEqual(error, new ModelError({ message: "no more", info: "other" }))
      assert.deepStrictEqual(textsOf(events), ["a"])
      assert.isFalse(events.some((event) => event._tag === "Completed"))
    })
  )

  it.effect("waits until it is interrupted", () =>
    Effect.gen(function* () {
      const replied = yield* Deferred.make<void>()
      const model = yield* ModelProvider
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(
          model.stream({ ...request, prompt: "say: a\nwait", input: [user("say: a\nwait")] }),
          (event) => (event._tag === "ItemDone" ? Deferred.succeed(replied, undefined) : Effect.void)
        )
      )
      yield* Deferred.await(replied)
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(Offline.layer))
  )

  it.effect("replies with its introduction to any other text", () =>
    Effect.gen(function* () {
      const replyTo = (text: string) => Effect.map(askText(text), ({ events }) => textsOf(events)[0] ?? "")
      const answer = yield* replyTo("What is a monad: tell me")
      assert.isTrue(answer.startsWith("Hello! I am Spindle's offline model"))
      assert.include(answer, "You wrote 6 words")
      assert.include(answer, "`run: <command>`")
      assert.include(yield* replyTo(""), "You said nothing")
      assert.include(yield* replyTo("run:"), "You wrote one word")
      assert.include(yield* replyTo("count: -1"), "You wrote 2 words")
    })
  )

  it.effect.prop(
    "calls nothing for a text with any line that is not a directive",
    [Arbitrary.array(directive), Arbitrary.array(directive), Schema.String],
    ([before, after, other]) =>
      Effect.gen(function* () {
        // Sentences are not directives, nor are lines that begin with a blank, a mark or a capital.
        for (const line of [` ${other}`, `> ${other}`, `Please ${other}`, `R${other}`].map(oneLine)) {
          if (line.trim() === "") continue
          const { events } = yield* askText([...before, line, ...after].join("\n"))
          assert.deepStrictEqual(callsOf(events), [])
        }
      })
  )

  it.effect.prop("streams exactly the text of its messages, and the same each time", [Schema.String], ([text]) =>
    Effect.gen(function* () {
      const line = oneLine(text)
      const first = yield* askText(`say: ${line}`)
      const deltas = first.events.flatMap((event) => (event._tag === "TextDelta" ? [event.delta] : []))
      assert.strictEqual(deltas.join(""), textsOf(first.events)[0])
      assert.deepStrictEqual(yield* askText(`say: ${line}`), first)
    })
  )
})
