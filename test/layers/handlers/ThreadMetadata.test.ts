import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RequestError } from "../../../src/services/routing/RequestError.ts"
import { invalid, makeThread } from "../../support/Threads.ts"
import { cwd, userInput } from "../../support/Server.ts"

const stranger = "0198c0de-0000-7000-8000-000000000000"
const pinned = "01984de2-8f74-7c91-a3b2-5c5e937cf318"

const invalidParams = (message: string) => new RequestError({ code: -32602, message })

describe("thread/name/set, thread/metadata/update and thread/settings/update", () => {
  it.effect("name a thread for every client, loaded or not", () =>
    Effect.gen(function* () {
      const { client, connect, threadId, turn } = yield* makeThread()
      const other = yield* connect()
      yield* turn("one", "first")
      yield* client.request("thread/name/set", { threadId, name: "  A\nname \u0000 " })
      const named = { threadId, threadName: "A\nname \u0000" }
      assert.deepStrictEqual(yield* client.notified("thread/name/updated"), named)
      assert.deepStrictEqual(yield* other.notified("thread/name/updated"), named)
      yield* client.request("thread/archive", { threadId })
      yield* client.request("thread/unarchive", { threadId })
      yield* client.request("thread/name/set", { threadId, name: "n".repeat(1_000_000) })
      assert.strictEqual((yield* other.notified("thread/name/updated")).threadName?.length, 1_000_000)
      assert.strictEqual((yield* client.request("thread/read", { threadId })).thread.name?.length, 1_000_000)
      const { thread: ephemeral } = yield* client.request("thread/start", { cwd, ephemeral: true })
      const failures = yield* Effect.forEach(
        [
          { threadId, name: "  " },
          { threadId: stranger, name: "n" },
          { threadId: ephemeral.id, name: "n" }
        ],
        (params) => Effect.flip(client.request("thread/name/set", params))
      )
      assert.deepStrictEqual(failures, [
        invalid("thread name must not be empty"),
        invalid(`no rollout found for thread id ${stranger}`),
        invalid(`ephemeral thread does not support metadata updates: ${ephemeral.id}`)
      ])
    })
  )

  it.effect("keep facts about the repository that are not mentioned", () =>
    Effect.gen(function* () {
      const { client, threadId } = yield* makeThread()
      const update = (gitInfo: object) => client.request("thread/metadata/update", { threadId, gitInfo })
      yield* update({ sha: " abc ", branch: "b" })
      const { thread } = yield* update({ branch: null, originUrl: "u" })
      assert.deepStrictEqual(thread.gitInfo, { sha: "abc", branch: null, originUrl: "u" })
      assert.isNull((yield* update({ sha: null, originUrl: null })).thread.gitInfo)
      const failures = yield* Effect.forEach(
        [{}, { gitInfo: {} }, { gitInfo: { sha: " " } }, { projectId: "nope" }],
        (params) => Effect.flip(client.request("thread/metadata/update", { threadId, ...params }))
      )
      assert.deepStrictEqual(
        failures,
        [
          "thread metadata update must include at least one field",
          "gitInfo must include at least one field",
          "gitInfo.sha must not be empty",
          "project not found: nope"
        ].map((message) => invalid(message))
      )
    })
  )

  it.effect("change the settings of later turns, and say so once", () =>
    Effect.gen(function* () {
      const { client, model, start, threadId } = yield* makeThread()
      yield* client.request("thread/settings/update", { threadId, effort: "low" })
      assert.strictEqual((yield* client.notified("thread/settings/updated")).threadSettings.effort, "low")
      yield* client.request("thread/settings/update", { threadId, effort: "low" })
      yield* start("hello")
      const names = yield* client.names("turn/started")
      assert.notInclude(names, "thread/settings/updated")
      assert.strictEqual((yield* model.reply("hi")).request.effort, "low")
      const both = { permissions: ":read-only", sandboxPolicy: { type: "dangerFullAccess" as const } }
      const refused = yield* Effect.flip(client.request("thread/settings/update", { threadId, ...both }))
      assert.deepStrictEqual(refused, invalid("`permissions` cannot be combined with `sandboxPolicy`"))
    })
  )
})

describe("thread/readState/update", () => {
  it.effect("changes the state that the client saw, and no other", () =>
    Effect.gen(function* () {
      const { client, threadId, turn } = yield* makeThread()
      const stale = { threadId, operation: { type: "read" }, expectedRevision: "r" } as const
      assert.deepStrictEqual(
        yield* Effect.flip(client.request("thread/readState/update", stale)),
        invalid("thread read state unavailable")
      )
      const { turn: first } = yield* turn("one", "first")
      yield* turn("two", "second")
      const { readState } = yield* client.request("thread/read", { threadId })
      assert.deepStrictEqual(readState?.firstUnread, { type: "turn", turnId: first.id })
      assert.deepStrictEqual((yield* client.request("thread/list", {})).readStates, { [threadId]: readState })
      assert.deepStrictEqual((yield* client.request("thread/list", { cwd: [] })).data, [])
      const refused = yield* Effect.flip(client.request("thread/readState/update", stale))
      assert.deepStrictEqual(
        refused,
        new RequestError({
          code: -32600,
          message: "read state changed",
          data: { reason: "readStateConflict", readState }
        })
      )
      const expectedRevision = readState?.revision ?? ""
      const read = yield* client.request("thread/readState/update", { ...stale, expectedRevision })
      assert.isNull(read.readState.firstUnread)
      assert.deepStrictEqual(yield* client.notified("thread/readState/changed"), {
        threadId,
        readState: read.readState
      })
    })
  )
})

describe("attachments", () => {
  it.effect("are added once, listed, found by their identity and removed", () =>
    Effect.gen(function* () {
      const { client, connect, threadId } = yield* makeThread()
      const other = yield* connect()
      const identity = { attachmentType: "link", identityKey: "k" }
      const created = yield* client.request("thread/attachment/add", { threadId, ...identity, payload: { a: 1 } })
      assert.strictEqual(created.outcome, "created")
      assert.deepStrictEqual(yield* other.notified("thread/attachment/updated"), {
        threadId,
        ...identity,
        attachmentId: created.attachment.id,
        operation: "created"
      })
      const again = yield* client.request("thread/attachment/add", { threadId, ...identity, payload: null })
      assert.deepStrictEqual(again, { outcome: "existing", attachment: created.attachment })
      yield* client.request("thread/attachment/add", { threadId, ...identity, identityKey: "k2", payload: null })
      const first = yield* client.request("thread/attachment/list", { threadId, limit: 1 })
      const second = yield* client.request("thread/attachment/list", { threadId, cursor: first.nextCursor })
      assert.deepStrictEqual(
        [...first.data, ...second.data].map(({ identityKey }) => identityKey),
        ["k", "k2"]
      )
      assert.isNull(second.nextCursor)
      assert.deepStrictEqual(yield* client.request("thread/attachmentOwner/list", identity), {
        data: [{ threadId, archived: false }],
        nextCursor: null
      })
      yield* client.request("thread/attachment/remove", { threadId, ...identity })
      yield* client.request("thread/attachment/remove", { threadId, ...identity })
      assert.deepStrictEqual((yield* client.request("thread/attachmentOwner/list", identity)).data, [])
      const failures = yield* Effect.all([
        Effect.flip(client.request("thread/attachment/add", { threadId, ...identity, attachmentType: "", payload: 1 })),
        Effect.flip(client.request("thread/attachment/add", { threadId, ...identity, payload: "x".repeat(70_000) })),
        Effect.flip(client.request("thread/attachment/add", { threadId: stranger, ...identity, payload: 1 })),
        Effect.flip(client.request("thread/attachment/list", { threadId, cursor: "garbage" })),
        Effect.flip(client.request("thread/attachmentOwner/list", { ...identity, cursor: "garbage" }))
      ])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(failures, [
        invalidParams("attachmentType must not be empty"),
        invalidParams("attachment payload must not exceed 65536 bytes"),
        invalidParams(`thread not found: ${stranger}`),
        invalidParams("invalid pagination cursor"),
        invalidParams("invalid pagination cursor")
      ])
    })
  )
})

describe("sections", () => {
  it.effect("are created, renamed, listed and deleted; their threads stay", () =>
    Effect.gen(function* () {
      const { client, threadId, turn } = yield* makeThread()
      yield* turn("one", "first")
      const { section } = yield* client.request("threadSection/create", { name: " A " })
      assert.deepStrictEqual([section.name, section.appearance], ["A", null])
      const appearance = { icon: "i", color: null }
      const updated = yield* client.request("threadSection/update", { sectionId: section.id, name: "B", appearance })
      assert.deepStrictEqual(updated.section, { id: section.id, name: "B", appearance })
      const page = yield* client.request("threadSection/list", { limit: 1 })
      assert.deepStrictEqual([page.data.map(({ id }) => id), page.nextCursor], [[pinned], pinned])
      yield* client.request("thread/section/move", { threadId, sectionId: section.id })
      assert.deepStrictEqual(yield* client.notified("thread/section/changed"), { threadId, sectionId: section.id })
      const { thread } = yield* client.request("thread/read", { threadId })
      assert.deepStrictEqual(thread.section, updated.section)
      yield* client.request("threadSection/delete", { sectionId: section.id })
      assert.isNull((yield* client.request("thread/read", { threadId })).thread.section)
      const inNone = yield* client.request("thread/list", { sectionId: null })
      assert.deepStrictEqual(
        inNone.data.map(({ id }) => id),
        [threadId]
      )
      const failures = yield* Effect.all([
        Effect.flip(client.request("threadSection/create", { name: " " })),
        Effect.flip(client.request("threadSection/update", { sectionId: pinned, name: "q" })),
        Effect.flip(client.request("threadSection/delete", { sectionId: pinned })),
        Effect.flip(client.request("threadSection/delete", { sectionId: section.id }))
      ])
      assert.deepStrictEqual<ReadonlyArray<unknown>>(failures, [
        invalidParams("section name must not be empty"),
        invalidParams("the built-in pinned section cannot be renamed"),
        invalidParams("the built-in pinned section cannot be deleted"),
        invalidParams(`thread section not found: ${section.id}`)
      ])
    })
  )

  it.effect("keep the order in which threads are moved, however often", () =>
    Effect.gen(function* () {
      const { client, model } = yield* makeThread()
      const ids = yield* Effect.forEach(["a", "b", "c"], (word) =>
        Effect.gen(function* () {
          const { thread } = yield* client.request("thread/start", { cwd })
          yield* client.request("turn/start", { threadId: thread.id, input: userInput(word) })
          yield* model.reply("ok")
          yield* client.notified("turn/completed")
          yield* client.request("thread/section/move", { threadId: thread.id, sectionId: pinned })
          return thread.id
        })
      )
      const order = Effect.map(
        client.request("thread/list", { sectionId: pinned, sortKey: "section_position" }),
        ({ data }) => data.map(({ id }) => ids.indexOf(id))
      )
      assert.deepStrictEqual(yield* order, [0, 1, 2])
      const move = (from: number, before: number) =>
        client.request("thread/section/move", {
          threadId: ids[from] ?? "",
          sectionId: pinned,
          beforeThreadId: ids[before] ?? ""
        })
      // More moves into one gap than it has positions.
      for (let round = 0; round < 15; round++) {
        yield* move(1, 2)
        yield* move(0, 2)
        assert.deepStrictEqual(yield* order, [1, 0, 2])
        yield* move(0, 1)
        yield* move(1, 2)
        assert.deepStrictEqual(yield* order, [0, 1, 2])
      }
      const [first = ""] = ids
      const failures = yield* Effect.forEach(
        [
          { sectionId: "nope" },
          { sectionId: pinned, beforeThreadId: first },
          { sectionId: null, beforeThreadId: stranger },
          { sectionId: pinned, beforeThreadId: stranger }
        ],
        (params) => Effect.flip(client.request("thread/section/move", { threadId: first, ...params }))
      )
      assert.deepStrictEqual(
        failures,
        [
          "section nope does not exist",
          `thread ${first} cannot be moved before itself`,
          "beforeThreadId requires a non-null sectionId",
          `before thread ${stranger} is not in section ${pinned}`
        ].map((message) => invalid(message))
      )
    })
  )
})
