import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import process from "node:process"
import type { ParamsInputOf } from "../../../src/protocol/Methods.ts"
import { makeServer, nameOf, userInput } from "../../support/Server.ts"
import { invalid, paramsOf } from "../../support/Threads.ts"
import { directory } from "../tools/TestShell.ts"

type Completed = { readonly item: { readonly id: string; readonly status: string; readonly exitCode: number | null } }

const unknown = "00000000-0000-7000-8000-000000000000"

/** A server with real commands, and two clients of a thread: one that started it, one that does not follow it. */
const setUp = Effect.gen(function* () {
  const cwd = yield* directory
  const server = yield* makeServer({
    ownTools: true,
    executables: { shell: "/bin/sh" },
    environment: { PATH: process.env["PATH"] }
  })
  const client = yield* server.connect({ capabilities: { experimentalApi: true } })
  const other = yield* server.connect({ capabilities: { experimentalApi: true } })
  const { thread } = yield* client.request("thread/start", {
    cwd,
    approvalPolicy: "never",
    sandbox: "danger-full-access"
  })
  const threadId = thread.id
  const list = (page: Omit<ParamsInputOf<"thread/backgroundTerminals/list">, "threadId"> = {}) =>
    other.request("thread/backgroundTerminals/list", { threadId, ...page })
  return { ...server, client, cwd, list, other, threadId }
})

/** A turn that leaves these commands running, by their call ids. */
const leave = Effect.fnUntraced(function* (
  { client, model, threadId }: Effect.Success<typeof setUp>,
  commands: Readonly<Record<string, string>>
) {
  yield* client.request("turn/start", { threadId, input: userInput("go") })
  const call = yield* model.next
  yield* Effect.forEach(Object.entries(commands), ([callId, cmd]) =>
    call.emit({
      _tag: "ItemDone",
      item: {
        type: "function_call",
        call_id: callId,
        name: "exec_command",
        arguments: JSON.stringify({ cmd, yield_time_ms: 0 })
      }
    })
  )
  yield* call.finish()
  yield* model.reply("done")
  yield* client.notified("turn/completed")
})

// The commands are left running after the shortest yield time.
describe("background terminals", () => {
  it.live("are listed by their process id, in pages", () =>
    Effect.gen(function* () {
      const server = yield* setUp
      const { cwd, list } = server
      assert.deepStrictEqual(yield* list(), { data: [], nextCursor: null })
      yield* leave(server, { a: "sleep 1001", b: "sleep 1002; true", c: "sleep 1003" })
      const all = yield* list()
      assert.isNull(all.nextCursor)
      const ids = all.data.map(({ processId }) => Number(processId))
      assert.deepStrictEqual(
        ids,
        ids.toSorted((a, b) => a - b)
      )
      const lines: Readonly<Record<string, string>> = { a: "sleep 1001", b: "sleep 1002; true", c: "sleep 1003" }
      for (const { itemId, processId, ...rest } of all.data) {
        const command = lines[itemId]
        assert.deepStrictEqual<unknown>(rest, { command, cwd, osPid: null, cpuPercent: null, rssKb: null })
        assert.match(processId, /^\d+$/)
      }
      const [first, ...others] = all.data
      const page = { data: [first], nextCursor: first?.processId ?? "" }
      assert.deepStrictEqual<unknown>(yield* list({ limit: 1 }), page)
      assert.deepStrictEqual<unknown>(yield* list({ limit: 0 }), page)
      assert.deepStrictEqual<unknown>(yield* list({ cursor: page.nextCursor }), { data: others, nextCursor: null })
      assert.deepStrictEqual(yield* list({ cursor: "-5" }), all)
    })
  )

  it.live("are terminated by any client, and every subscriber sees the end", () =>
    Effect.gen(function* () {
      const server = yield* setUp
      const { client, list, other, threadId } = server
      yield* leave(server, { a: "sleep 1001" })
      const processId = (yield* list()).data[0]?.processId ?? ""
      const terminate = (processId: string) =>
        other.request("thread/backgroundTerminals/terminate", { threadId, processId })
      assert.deepStrictEqual(yield* terminate(processId), { terminated: true })
      const { item } = yield* client.notified("item/completed")
      assert.deepInclude(item, { type: "commandExecution", id: "a", status: "failed", exitCode: -1, processId })
      assert.deepStrictEqual(yield* terminate(processId), { terminated: false })
      assert.deepStrictEqual(yield* list(), { data: [], nextCursor: null })
    })
  )

  it.live("are cleaned all at once, also one that a turn waits for", () =>
    Effect.gen(function* () {
      const server = yield* setUp
      const { client, list, model, other, threadId } = server
      yield* leave(server, { a: "sleep 1001" })
      yield* client.request("turn/start", { threadId, input: userInput("wait") })
      const call = yield* model.next
      yield* call.emit({
        _tag: "ItemDone",
        item: { type: "function_call", call_id: "b", name: "exec_command", arguments: '{"cmd":"sleep 1002"}' }
      })
      yield* call.finish()
      yield* client.until((event) => JSON.stringify(paramsOf(event) ?? {}).includes("sleep 1002"))
      assert.deepStrictEqual(yield* other.request("thread/backgroundTerminals/clean", { threadId }), {})
      const ended = new Map<string, unknown>()
      yield* client.until((event) => {
        const item = nameOf(event) === "item/completed" ? (paramsOf(event) as Completed).item : undefined
        if (item !== undefined) ended.set(item.id, [item.status, item.exitCode])
        return ended.size === 2
      })
      assert.deepStrictEqual(
        ended,
        new Map([
          ["a", ["failed", -1]],
          ["b", ["failed", -1]]
        ])
      )
      const next = yield* model.next
      assert.include(JSON.stringify(next.request.input), "Process exited with code -1")
      assert.deepStrictEqual(yield* list(), { data: [], nextCursor: null })
    })
  )

  const list = "thread/backgroundTerminals/list"
  const terminate = "thread/backgroundTerminals/terminate"
  const id = "invalid background terminal process id"
  const refused = [
    [list, { threadId: unknown }, `thread not found: ${unknown}`],
    ["thread/backgroundTerminals/clean", { threadId: unknown }, `thread not found: ${unknown}`],
    [terminate, { threadId: unknown, processId: "1" }, `thread not found: ${unknown}`],
    [list, { cursor: "bad" }, "invalid cursor: invalid digit found in string"],
    [list, { cursor: "" }, "invalid cursor: cannot parse integer from empty string"],
    [terminate, { processId: "abc" }, `${id}: invalid digit found in string`],
    [terminate, { processId: "1.5" }, `${id}: invalid digit found in string`],
    [terminate, { processId: " 12 " }, `${id}: invalid digit found in string`],
    [terminate, { processId: "-" }, `${id}: invalid digit found in string`],
    [terminate, { processId: "" }, `${id}: cannot parse integer from empty string`],
    [terminate, { processId: "99999999999999" }, `${id}: number too large to fit in target type`],
    [terminate, { processId: "-99999999999999" }, `${id}: number too small to fit in target type`]
  ] as const
  it.effect.each(refused)("%s with %j is refused", ([method, params, message]) =>
    Effect.gen(function* () {
      const { other, threadId } = yield* setUp
      // Every case has the parameters of its method.
      const all = { threadId, ...params } as ParamsInputOf<typeof method>
      assert.deepStrictEqual<unknown>(yield* Effect.flip(other.request(method, all)), invalid(message))
    })
  )
})
