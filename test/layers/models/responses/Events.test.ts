import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Limits, Reader, type Progress } from "../../../../src/layers/models/responses/Events.ts"
import type { ResponseItem } from "../../../../src/protocol/v2/item/ResponseItem.ts"
import type { ModelEvent } from "../../../../src/services/model/ModelProvider.ts"
import { assistant, Completed, encode, wire } from "../Scripted.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const readAll = (chunks: ReadonlyArray<Uint8Array>, limits?: Partial<Limits>) => {
  const items: Array<ResponseItem> = []
  const reader = new Reader((index) => `made-up-${index}`, items, limits)
  const out: Array<ModelEvent> = []
  let progress: Progress = { _tag: "Open" }
  for (const chunk of chunks) progress = reader.feed(chunk, out)
  return { out, progress, skipped: reader.skipped(), events: reader.events, items }
}

const read = (...events: ReadonlyArray<object | string>) =>
  readAll([bytes(events.map((event) => (typeof event === "string" ? event : encode(event))).join(""))])

const reasoning = { type: "reasoning", id: "rs_1", summary: [] }

describe("Events", () => {
  it("reads a message from its announcement to its end", () => {
    const { out, progress } = read(
      wire.created,
      wire.messageAdded("msg_1"),
      wire.delta("msg_1", "Hel"),
      wire.delta("msg_1", "lo"),
      wire.done(assistant("msg_1", "Hello")),
      wire.completed({
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens: 6,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 16
      })
    )
    assert.deepStrictEqual(out, [
      { _tag: "ItemStarted", itemId: "msg_1", kind: "message" },
      { _tag: "TextDelta", itemId: "msg_1", delta: "Hel" },
      { _tag: "TextDelta", itemId: "msg_1", delta: "lo" },
      { _tag: "ItemDone", item: assistant("msg_1", "Hello") },
      {
        _tag: "Completed",
        usage: {
          inputTokens: 10,
          cachedInputTokens: 4,
          outputTokens: 6,
          reasoningOutputTokens: 2,
          totalTokens: 16
        },
        endTurn: true
      }
    ])
    assert.deepStrictEqual(progress, { _tag: "Completed" })
  })

  it("reads summary parts and raw reasoning text of a reasoning item", () => {
    const { out } = read(
      wire.added(reasoning),
      { type: "response.reasoning_summary_part.added", item_id: "rs_1", summary_index: 0 },
      { type: "response.reasoning_summary_text.delta", item_id: "rs_1", summary_index: 0, delta: "why" },
      { type: "response.reasoning_text.delta", item_id: "rs_1", content_index: 2, delta: "raw" },
      wire.done({ ...reasoning, summary: [{ type: "summary_text", text: "why" }], encrypted_content: "e" }),
      wire.completed()
    )
    assert.deepStrictEqual(out, [
      { _tag: "ItemStarted", itemId: "rs_1", kind: "reasoning" },
      { _tag: "SummaryPartAdded", itemId: "rs_1", summaryIndex: 0 },
      { _tag: "SummaryDelta", itemId: "rs_1", summaryIndex: 0, delta: "why" },
      { _tag: "ReasoningDelta", itemId: "rs_1", contentIndex: 2, delta: "raw" },
      {
        _tag: "ItemDone",
        item: {
          type: "reasoning",
          id: "rs_1",
          summary: [{ type: "summary_text", text: "why" }],
          encrypted_content: "e"
        }
      },
      Completed
    ])
  })

  it("assigns deltas to the open item, whatever id they carry", () => {
    const { out } = read(
      wire.messageAdded("msg_1"),
      wire.delta("other", "x"),
      wire.messageAdded("msg_2"),
      wire.delta("msg_1", "y")
    )
    assert.deepStrictEqual(
      out.filter((event) => event._tag === "TextDelta"),
      [
        { _tag: "TextDelta", itemId: "msg_1", delta: "x" },
        { _tag: "TextDelta", itemId: "msg_2", delta: "y" }
      ]
    )
  })

  it("skips deltas without an item, and reports it once", () => {
    const { out, skipped } = read(
      wire.delta("msg_1", "early"),
      wire.delta("msg_1", "early too"),
      wire.added(reasoning),
      wire.delta("rs_1", "text in a thought"),
      wire.messageAdded("msg_1"),
      wire.delta("msg_1", ""),
      { type: "response.output_text.delta", item_id: "msg_1", delta: 5 },
      wire.done(assistant("msg_1", "")),
      wire.delta("msg_1", "late")
    )
    assert.deepStrictEqual(
      out.map((event) => event._tag),
      ["ItemStarted", "ItemStarted", "ItemDone"]
    )
    assert.deepStrictEqual(skipped, ["a delta without an active item", "a delta without text"])
  })

  it("generates an id for an unnamed item, and keeps it to its end", () => {
    const { id: _, ...unnamed } = assistant("", "Hello")
    const { out } = read(
      wire.done(assistant("msg_1", "a")),
      wire.added({ ...unnamed, content: [] }),
      wire.done(unnamed)
    )
    assert.deepStrictEqual(out.slice(1), [
      { _tag: "ItemStarted", itemId: "made-up-1", kind: "message" },
      { _tag: "ItemDone", item: { ...assistant("made-up-1", "Hello") } }
    ])
  })

  it("delivers calls complete and without announcement", () => {
    const { out, items } = read(
      wire.added({ type: "function_call", id: "fc_1", name: "exec_command" }),
      wire.call("c1")
    )
    const item = { type: "function_call", id: "fc_c1", call_id: "c1", name: "exec_command", arguments: "{}" } as const
    assert.deepStrictEqual(out, [{ _tag: "ItemDone", item }])
    assert.deepStrictEqual(items, [item])
  })

  it("skips garbage, unknown events, unknown items and the error event", () => {
    const { out, progress, skipped } = read(
      "event: response.output_text.delta\ndata: {not json\n\n",
      "data: [DONE]\n\n",
      "data: 5\n\n",
      ": a comment\n\n",
      { type: "response.zzz", a: 1 },
      { type: "error", error: { message: "ignored" } },
      wire.done({ type: "zzz", id: "z" }),
      wire.done({ type: "other" }),
      wire.done({ type: "message" }),
      wire.done(5),
      wire.done(assistant("msg_1", "fine")),
      wire.completed()
    )
    assert.deepStrictEqual(out, [{ _tag: "ItemDone", item: assistant("msg_1", "fine") }, Completed])
    assert.deepStrictEqual(progress, { _tag: "Completed" })
    assert.deepStrictEqual(skipped, ["an event that is not a JSON object", "an item outside the protocol"])
  })

  it("reads the type from the data, and multi-line data", () => {
    const { out } = read(
      `: hi\r\nretry: 5\r\nid: 7\r\nevent: response.zzz\r\ndata: {"type":"response.output_item.done",\r\ndata: "item":${JSON.stringify(assistant("m", "x"))}}\r\n\r\n`
    )
    assert.deepStrictEqual(out, [{ _tag: "ItemDone", item: assistant("m", "x") }])
  })

  it("does not parse after the end of the answer", () => {
    const { out } = read(wire.completed(), wire.done(assistant("msg_1", "late")))
    assert.deepStrictEqual(out, [Completed])
  })

  it("reports whether the model requests a continuation", () => {
    const end = (endTurn: unknown) => read({ type: "response.completed", response: { end_turn: endTurn } }).out
    assert.deepStrictEqual(end(false), [{ _tag: "Completed", usage: null, endTurn: false }])
    assert.deepStrictEqual(end(null), [Completed])
  })

  it("treats a usage without counts as none", () => {
    assert.deepStrictEqual(read(wire.completed({ input_tokens: "3" })).out, [Completed])
  })

  it("treats missing counts of the usage as 0", () => {
    const { out } = read(wire.completed({ input_tokens: 3, output_tokens: 4, output_tokens_details: null }))
    assert.deepStrictEqual(out, [
      {
        _tag: "Completed",
        usage: { inputTokens: 3, cachedInputTokens: 0, outputTokens: 4, reasoningOutputTokens: 0, totalTokens: 7 },
        endTurn: true
      }
    ])
  })

  it("stops with an error at an event that exceeds the size limit", () => {
    const chunks = [bytes("data: "), ...Array.from({ length: 10 }, () => bytes("x".repeat(200)))]
    const { progress } = readAll(chunks, { event: 1000 })
    assert.strictEqual(
      progress._tag === "Failed" ? progress.failure.error.message : progress._tag,
      "stream disconnected before completion: SSE event exceeds the size limit"
    )
  })

  describe("a server that violates the protocol or a limit", () => {
    const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`
    const search = (args: string) =>
      `data: {"type":"response.output_item.done","item":{"type":"tool_search_call","call_id":"c","execution":"client","arguments":${args}}}\n\n`
    const failureOf = (progress: Progress) =>
      progress._tag === "Failed" ? [progress.failure.error.message, progress.failure.retry] : progress._tag

    it("nests an item deeper than 127 levels: it is skipped", () => {
      for (const levels of [126, 5000, 100_000]) {
        const { items, progress, skipped } = read(search(deep(levels)), wire.completed())
        assert.deepStrictEqual(
          [items, skipped, progress._tag],
          [[], ["an event that is nested too deeply"], "Completed"]
        )
      }
      assert.strictEqual(read(search(deep(125))).items.length, 1)
    })

    it("fills an event with more values than are parsed: it is skipped", () => {
      const { items, skipped } = read(search(`[${"1,".repeat(250_000)}1]`))
      assert.deepStrictEqual([items, skipped], [[], ["an event with too many values"]])
    })

    it("gives an item an id that is not a string: it is skipped from its start to its end", () => {
      for (const id of [5, 1.5, true, { toString: 1 }, ["a"]]) {
        const { out } = read(
          wire.added({ type: "message", role: "assistant", id, content: [] }),
          wire.delta("x", "lost"),
          wire.done({ ...assistant("", "lost"), id }),
          wire.completed()
        )
        assert.deepStrictEqual(out, [Completed])
      }
    })

    it("gives an item an unusable id: it gets another one, which it keeps", () => {
      for (const id of [null, "", "x".repeat(257)]) {
        const { out } = read(
          wire.added({ type: "message", role: "assistant", id, content: [] }),
          wire.delta("x", "text"),
          wire.done({ ...assistant("", "text"), id })
        )
        assert.deepStrictEqual(out, [
          { _tag: "ItemStarted", itemId: "made-up-0", kind: "message" },
          { _tag: "TextDelta", itemId: "made-up-0", delta: "text" },
          { _tag: "ItemDone", item: assistant("made-up-0", "text") }
        ])
        const { id: _, ...unnamed } = assistant("", "text")
        assert.deepStrictEqual(read(wire.done({ ...unnamed, id })).items, [unnamed])
      }
    })

    it("gives an item its id only at its end: it completes under the announced id", () => {
      const { out } = read(
        wire.added({ type: "message", role: "assistant", content: [] }),
        wire.done(assistant("late", "text"))
      )
      assert.deepStrictEqual(out, [
        { _tag: "ItemStarted", itemId: "made-up-0", kind: "message" },
        { _tag: "ItemDone", item: assistant("made-up-0", "text") }
      ])
    })

    it("gives a call an id longer than 256 characters: it is skipped", () => {
      assert.deepStrictEqual(read(wire.call("c".repeat(257))).items, [])
      assert.strictEqual(read(wire.call("c".repeat(256))).items.length, 1)
    })

    it("sends lone surrogates: they become replacement characters", () => {
      const { out } = read(
        wire.messageAdded("m"),
        'data: {"type":"response.output_text.delta","delta":"a\\ud83d"}\n\n',
        'data: {"type":"response.output_text.delta","delta":"\\ud83d\\ude00 \\\\ud83d"}\n\n'
      )
      assert.deepStrictEqual(out.slice(1), [
        { _tag: "TextDelta", itemId: "m", delta: "a\ufffd" },
        { _tag: "TextDelta", itemId: "m", delta: "😀 \\ud83d" }
      ])
    })

    it("reports impossible token counts: they are ignored", () => {
      for (const count of [-5, 1.5, "7", 2 ** 53, 1e13, Number.POSITIVE_INFINITY])
        assert.deepStrictEqual(read(wire.completed({ input_tokens: count, output_tokens: count })).out, [Completed])
      assert.deepStrictEqual(
        read('data: {"type":"response.completed","response":{"usage":{"input_tokens":1e400}}}\n\n').out,
        [Completed]
      )
    })

    it("sends an event that is larger than its kind may be: the answer fails without a retry", () => {
      const limits = { event: 4000, text: 1000 }
      const tooLarge = ["stream disconnected before completion: SSE event exceeds the size limit", "never"]
      const image = { type: "image_generation_call", status: "completed", result: "x".repeat(2000) }
      const of = (event: object) => failureOf(readAll([bytes(encode(event))], limits).progress)
      assert.deepStrictEqual(of(wire.done(image)), "Open")
      assert.deepStrictEqual(of({ ...wire.completed(), padding: "x".repeat(2000) }), "Completed")
      assert.deepStrictEqual(of(wire.done({ ...image, result: "x".repeat(4000) })), tooLarge)
      assert.deepStrictEqual(of(wire.done(assistant("m", "x".repeat(2000)))), tooLarge)
      assert.deepStrictEqual(of(wire.delta("m", `"image_generation_call"${"x".repeat(2000)}`)), tooLarge)
    })

    it("sends more bytes than an answer may have: the answer fails without a retry", () => {
      const comment = bytes(": x\n")
      const { progress } = readAll(
        Array.from({ length: 26 }, () => comment),
        { answer: 100 }
      )
      assert.deepStrictEqual(failureOf(progress), [
        "stream disconnected before completion: the answer exceeds the size limit",
        "never"
      ])
    })

    it("sends more items than an answer may have: the answer fails without a retry", () => {
      const tooMany = ["stream disconnected before completion: the answer has too many items", "never"]
      const calls = [bytes([1, 2, 3, 4].map((call) => encode(wire.call(`c${call}`))).join(""))]
      const starts = [bytes([1, 2, 3, 4].map((id) => encode(wire.messageAdded(`m${id}`))).join(""))]
      assert.deepStrictEqual(failureOf(readAll(calls, { items: 3 }).progress), tooMany)
      assert.strictEqual(readAll(calls, { items: 3 }).items.length, 3)
      assert.deepStrictEqual(failureOf(readAll(starts, { items: 3 }).progress), tooMany)
    })
  })

  it("stops with an error at bytes that are not text", () => {
    const { progress, out } = readAll([
      bytes(encode(wire.messageAdded("m"))),
      Uint8Array.of(0x64, 0xff, 0xfe),
      bytes("x")
    ])
    assert.deepStrictEqual(out, [{ _tag: "ItemStarted", itemId: "m", kind: "message" }])
    assert.strictEqual(
      progress._tag === "Failed" ? progress.failure.error.message : progress._tag,
      "stream disconnected before completion: UTF8 error: invalid utf-8 sequence of 1 bytes from index 0"
    )
  })

  it.effect.prop(
    "reads the same events for any split of the bytes",
    [Schema.Array(Schema.String), Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })))],
    ([words, sizes]) =>
      Effect.sync(() => {
        const text = `${words.join("")}é€😀`
        const whole = bytes(
          [
            ": ping\r\n\r\n",
            wire.messageAdded("msg_1"),
            ...words.map((word) => wire.delta("msg_1", word)),
            wire.delta("msg_1", "é€😀"),
            "data: {half\n\n",
            wire.done(assistant("msg_1", text)),
            wire.completed({ input_tokens: 1, output_tokens: 2, total_tokens: 3 })
          ]
            .map((event) => (typeof event === "string" ? event : encode(event)))
            .join("")
        )
        const chunks: Array<Uint8Array> = []
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes.length === 0 ? 1 : (sizes[i % sizes.length] ?? 1)
          chunks.push(whole.subarray(at, at + size))
          at += size
        }
        assert.deepStrictEqual(readAll(chunks), readAll([whole]))
      })
  )
})
