import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { invalid, makeThread } from "../../support/Threads.ts"
import { cwd } from "../../support/Server.ts"

const stranger = "0198c0de-0000-7000-8000-000000000000"

const malformed =
  "invalid thread id: invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `z` at 1"

const unsupported = (method: string) => new RequestError({ code: -32601, message: `${method} is not supported yet` })

/** A thread with three turns. */
const makeHistory = Effect.gen(function* () {
  const made = yield* makeThread()
  const ids: Array<string> = []
  for (const word of ["one", "two", "three"]) ids.push((yield* made.turn(`question ${word}`, `Answer ${word}`)).turn.id)
  return { ...made, ids }
})

describe("thread/turns/list", () => {
  it.effect("pages in both directions, newest first unless asked otherwise", () =>
    Effect.gen(function* () {
      const { client, ids, threadId } = yield* makeHistory
      const all = yield* client.request("thread/turns/list", { threadId })
      assert.deepStrictEqual(
        all.data.map(({ id }) => id),
        ids.toReversed()
      )
      assert.deepStrictEqual(
        all.data.map(({ items, itemsView }) => [itemsView, items.map(({ type }) => type)]),
        ids.map(() => ["summary", ["userMessage", "agentMessage"]])
      )
      const first = yield* client.request("thread/turns/list", { threadId, limit: 2, sortDirection: "asc" })
      const second = yield* client.request("thread/turns/list", {
        threadId,
        limit: 2,
        sortDirection: "asc",
        cursor: first.nextCursor
      })
      assert.deepStrictEqual(
        [...first.data, ...second.data].map(({ id }) => id),
        ids
      )
      assert.isNull(second.nextCursor)
      const back = yield* client.request("thread/turns/list", { threadId, cursor: second.backwardsCursor })
      assert.deepStrictEqual(
        back.data.map(({ id }) => id),
        ids.toReversed()
      )
      const views = yield* client.request("thread/turns/list", { threadId, itemsView: "notLoaded", limit: 0 })
      assert.deepStrictEqual(
        views.data.map(({ id, items }) => [id, items]),
        [[ids[2] ?? "", []]]
      )
    })
  )

  it.effect("refuses cursors of other queries, and threads without a history", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeHistory
      const items = yield* client.request("thread/items/list", { threadId, limit: 1 })
      for (const cursor of ["garbage", "", items.nextCursor ?? ""]) {
        const refused = yield* Effect.flip(client.request("thread/turns/list", { threadId, cursor }))
        assert.deepStrictEqual(refused, invalid(`invalid cursor: ${cursor}`))
      }
      const { thread: fresh } = yield* client.request("thread/start", { cwd })
      const { thread: ephemeral } = yield* client.request("thread/start", { cwd, ephemeral: true })
      const errors = yield* Effect.forEach([stranger, "zzz", fresh.id, ephemeral.id], (id) =>
        Effect.flip(client.request("thread/turns/list", { threadId: id }))
      )
      assert.deepStrictEqual(errors, [
        invalid(`thread not loaded: ${stranger}`),
        invalid(malformed),
        unsupported("list_turns"),
        invalid("ephemeral threads do not support thread/turns/list")
      ])
    })
  )

  it.effect("shows the running turn, and pages on while the thread goes on", () =>
    Effect.gen(function* () {
      const { client, ids, model, start, threadId } = yield* makeHistory
      const page = yield* client.request("thread/turns/list", { threadId, limit: 1, sortDirection: "asc" })
      const { turn } = yield* start("question four")
      const call = yield* model.next
      const running = yield* client.request("thread/turns/list", { threadId, limit: 1, itemsView: "full" })
      assert.deepStrictEqual(
        running.data.map(({ id, items, status }) => [id, status, items.map(({ type }) => type)]),
        [[turn.id, "inProgress", ["userMessage"]]]
      )
      yield* call.finish("Answer four")
      yield* client.notified("turn/completed")
      const rest = yield* client.request("thread/turns/list", {
        threadId,
        sortDirection: "asc",
        cursor: page.nextCursor
      })
      assert.deepStrictEqual(
        rest.data.map(({ id, status }) => [id, status]),
        [...ids.slice(1), turn.id].map((id) => [id, "completed"])
      )
    })
  )
})

describe("thread/items/list and thread/items/read", () => {
  it.effect("page items of the thread and of a turn, oldest first, from a cursor or an item", () =>
    Effect.gen(function* () {
      const { client, ids, threadId } = yield* makeHistory
      const all = yield* client.request("thread/items/list", { threadId })
      assert.deepStrictEqual(
        all.data.map(({ item, turnId }) => [turnId, item.type]),
        ids.flatMap((id) => [
          [id, "userMessage"],
          [id, "agentMessage"]
        ])
      )
      const last = yield* client.request("thread/items/list", { threadId, sortDirection: "desc", limit: 1 })
      assert.deepStrictEqual(last.data, all.data.slice(-1))
      const [first] = all.data
      const behind = yield* client.request("thread/items/list", {
        threadId,
        turnId: ids[0] ?? "",
        cursor: { type: "item", itemId: first?.item.id ?? "" }
      })
      assert.deepStrictEqual(behind.data, all.data.slice(1, 2))
      const none = yield* client.request("thread/items/list", { threadId, turnId: "nope" })
      assert.deepStrictEqual(none, { data: [], nextCursor: null, backwardsCursor: null })
      const read = yield* client.request("thread/items/read", {
        threadId,
        turnId: ids[0] ?? "",
        itemIds: [all.data[1]?.item.id ?? "", "nope", first?.item.id ?? ""]
      })
      assert.deepStrictEqual(read.data, all.data.slice(0, 2))
    })
  )

  it.effect("refuse what they cannot find", () =>
    Effect.gen(function* () {
      const { client, ids, threadId } = yield* makeHistory
      const turnId = ids[0] ?? ""
      const anchor = { type: "item", itemId: "nope" } as const
      const params = (message: string) => new RequestError({ code: -32602, message })
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/items/list", { threadId, cursor: anchor })),
        Effect.flip(client.request("thread/items/list", { threadId, turnId, cursor: anchor })),
        Effect.flip(client.request("thread/items/list", { threadId: stranger })),
        Effect.flip(client.request("thread/items/read", { threadId, turnId, itemIds: [] })),
        Effect.flip(client.request("thread/items/read", { threadId, turnId, itemIds: Array(101).fill("x") })),
        Effect.flip(client.request("thread/items/read", { threadId: stranger, turnId, itemIds: ["x"] }))
      ])
      assert.deepStrictEqual(failures, [
        params("turnId is required when cursor is an item anchor"),
        params("cursor.itemId does not identify an item in the requested history scope"),
        unsupported("thread/items/list"),
        invalid("itemIds must contain 1 to 100 IDs"),
        invalid("itemIds must contain 1 to 100 IDs"),
        unsupported("thread/items/read")
      ])
    })
  )
})

describe("thread/searchOccurrences and thread/search", () => {
  it.effect("find text in any case, in pages", () =>
    Effect.gen(function* () {
      const { client, ids, threadId } = yield* makeHistory
      const first = yield* client.request("thread/searchOccurrences", { threadId, searchTerm: "ANSWER", limit: 2 })
      const second = yield* client.request("thread/searchOccurrences", {
        threadId,
        searchTerm: "ANSWER",
        cursor: first.nextCursor
      })
      assert.deepStrictEqual(
        [...first.data, ...second.data].map(({ snippet, snippetMatchRange, turnId }) => [
          turnId,
          snippet,
          snippetMatchRange
        ]),
        ["one", "two", "three"].map((word, index) => [ids[index], `Answer ${word}`, { start: 0, end: 6 }])
      )
      assert.isNull(second.nextCursor)
      const turns = yield* client.request("thread/turns/list", {
        threadId,
        cursor: second.data[0]?.turnCursor ?? "",
        limit: 1
      })
      assert.strictEqual(turns.data[0]?.id, ids[2])
      const found = yield* client.request("thread/search", { searchTerm: "answer TWO" })
      assert.deepStrictEqual(
        found.data.map(({ snippet, thread }) => [thread.id, snippet]),
        [[threadId, "Answer two"]]
      )
    })
  )

  it.effect("refuse empty terms and cursors of other searches", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeHistory
      const { nextCursor } = yield* client.request("thread/searchOccurrences", { threadId, searchTerm: "a", limit: 1 })
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/searchOccurrences", { threadId, searchTerm: " " })),
        Effect.flip(client.request("thread/searchOccurrences", { threadId, searchTerm: "b", cursor: nextCursor })),
        Effect.flip(client.request("thread/search", { searchTerm: "" })),
        Effect.flip(client.request("thread/search", { searchTerm: "a", cursor: "garbage" }))
      ])
      assert.deepStrictEqual(failures, [
        invalid("thread/searchOccurrences requires a non-empty searchTerm"),
        invalid(`invalid cursor: ${nextCursor}`),
        invalid("thread/search requires a non-empty searchTerm"),
        invalid("invalid cursor: garbage")
      ])
    })
  )
})

describe("thread/timeline/list", () => {
  it.effect("pages from the end of the thread, oldest entry of the page first", () =>
    Effect.gen(function* () {
      const { client, ids, threadId } = yield* makeHistory
      const all = yield* client.request("thread/timeline/list", { threadId })
      const shown = all.data.map((entry) =>
        entry.type === "realtime" ? [] : [entry.type, entry.turnId, entry.type === "item" ? entry.item.type : null]
      )
      assert.deepStrictEqual(
        shown,
        ids.flatMap((id) => [
          ["turnStarted", id, null],
          ["item", id, "userMessage"],
          ["item", id, "agentMessage"],
          ["turnCompleted", id, null]
        ])
      )
      assert.deepStrictEqual([all.nextCursor, all.activeRealtimeSessionAtPageStart], [null, null])
      const last = yield* client.request("thread/timeline/list", { threadId, limit: 5 })
      assert.deepStrictEqual(last.data, all.data.slice(-5))
      const [first] = last.data
      assert.deepStrictEqual(JSON.parse(last.nextCursor ?? "null"), {
        threadId,
        position: first?.position,
        kind: 3,
        id: ids[1]
      })
      const rest = yield* client.request("thread/timeline/list", { threadId, cursor: last.nextCursor, limit: 7 })
      assert.deepStrictEqual(rest, { ...all, data: all.data.slice(0, 7) })
    })
  )

  it.effect("refuses cursors of other threads and queries, and threads without a history", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeHistory
      const failure = (params: { readonly threadId: string; readonly cursor?: string }) =>
        Effect.flip(client.request("thread/timeline/list", params))
      const cursor = { threadId, position: 1, kind: 1, id: "x" }
      const turns = yield* client.request("thread/turns/list", { threadId, limit: 1 })
      const bad = ["", "garbage", "{}", turns.nextCursor ?? "", "x".repeat(5000)]
      for (const text of [
        ...bad,
        JSON.stringify({ ...cursor, kind: 9 }),
        JSON.stringify({ ...cursor, position: -1 })
      ]) {
        assert.deepStrictEqual(yield* failure({ threadId, cursor: text }), invalid("invalid thread timeline cursor"))
      }
      assert.deepStrictEqual(
        yield* failure({ threadId, cursor: JSON.stringify({ ...cursor, threadId: stranger }) }),
        invalid("thread timeline cursor belongs to another thread")
      )
      assert.deepStrictEqual(yield* failure({ threadId: stranger }), unsupported("thread/timeline/list"))
      const empty = yield* client.request("thread/start", { cwd })
      assert.deepStrictEqual(yield* failure({ threadId: empty.thread.id }), unsupported("thread/timeline/list"))
    })
  )
})
