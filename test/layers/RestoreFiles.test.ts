import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Memory from "../../src/layers/stores/Memory.ts"
import type { ModelEvent } from "../../src/services/model/ModelProvider.ts"
import { ThreadStore } from "../../src/services/thread/ThreadStore.ts"
import { completed } from "../support/ScriptedModel.ts"
import { makeServer, type ServerOptions, userInput } from "../support/Server.ts"
import { addOne, directory, patch, tree } from "./tools/patch/PatchFolder.ts"

const extension = "spindle/files"

/** A store in memory that counts as one that keeps its threads. */
const lasting = Layer.effect(
  ThreadStore,
  Effect.map(Memory.make, (store) => ({ ...store, volatile: Effect.succeed(false) }))
)

const applying = (callId: string, input: string): ModelEvent => ({
  _tag: "ItemDone",
  item: { type: "custom_tool_call", call_id: callId, name: "apply_patch", input }
})

/** A client with the extension, a thread, and a folder for its patches. */
const setUp = Effect.fnUntraced(function* (options: ServerOptions = {}, start: object = {}) {
  const home = yield* directory
  const cwd = yield* directory
  const server = yield* makeServer({ store: lasting, home, ownTools: true, ...options })
  const client = yield* server.wire()
  const hello = yield* client.initialize({ extensions: { [extension]: {} } })
  let id = 0
  const request = Effect.fnUntraced(function* (method: string, params: unknown, member?: unknown) {
    const requestId = ++id
    const extensions = member === undefined ? {} : { extensions: { [extension]: member } }
    client.submit({ _tag: "Request", request: { id: requestId, method, params, ...extensions } })
    while (true) {
      const message = yield* client.next
      if (message["id"] === requestId) return message
    }
  })
  const policy = { model: "gpt-5.5", approvalPolicy: "never", sandbox: "danger-full-access", ...start }
  const started = yield* request("thread/start", { cwd, ...policy })
  const { thread } = started["result"] as { readonly thread: { readonly id: string } }
  const threadId = thread.id
  /** A turn that applies a patch. Returns its id. */
  const turn = Effect.fnUntraced(function* (text: string) {
    const answer = yield* request("turn/start", { threadId, input: userInput("go") })
    const call = yield* server.model.next
    yield* call.emit(applying("c1", text), completed)
    yield* call.finish()
    yield* server.model.reply("done")
    while ((yield* client.next)["method"] !== "turn/completed");
    return (answer["result"] as { readonly turn: { readonly id: string } }).turn.id
  })
  const revert = (beforeTurnId: string, member?: unknown) =>
    request("thread/revert", { threadId, beforeTurnId }, member)
  const turns = Effect.map(request("thread/read", { threadId, includeTurns: true }), (message) => {
    const { thread } = message["result"] as { readonly thread: { readonly turns: ReadonlyArray<unknown> } }
    return thread.turns.length
  })
  const path = (name: string) => Path.join(cwd, name)
  const history = () => (Fs.existsSync(Path.join(home, "spindle_files")) ? Object.keys(tree(home)).length : 0)
  return { hello, threadId, request, turn, revert, turns, cwd, path, history }
})

describe("thread/revert with spindle/files", () => {
  it.effect("restores the files that the reverted turns patched, and reports them", () =>
    Effect.gen(function* () {
      const { cwd, hello, path, revert, turn, turns } = yield* setUp()
      assert.deepStrictEqual(hello["extensions"], { [extension]: {} })
      yield* turn(addOne("a"))
      const second = yield* turn(patch("*** Update File: a", "@@", "-1", "+2"))
      yield* turn(addOne("b"))
      const answer = yield* revert(second, { restore: true })
      assert.deepStrictEqual(answer["extensions"], {
        [extension]: {
          restored: [
            { path: path("a"), kind: "update" },
            { path: path("b"), kind: "delete" }
          ],
          conflicts: []
        }
      })
      assert.deepStrictEqual(tree(cwd), { a: '"1\\n"' })
      assert.strictEqual(yield* turns, 1)
    })
  )

  it.effect("reverts nothing while a file was changed by somebody else, unless it may be skipped", () =>
    Effect.gen(function* () {
      const { cwd, path, revert, turn, turns } = yield* setUp()
      const first = yield* turn(addOne("a"))
      Fs.writeFileSync(path("a"), "mine\n")
      const conflicts = [{ path: path("a"), reason: "changed" }]
      const refused = yield* revert(first, { restore: true })
      assert.deepStrictEqual(refused["error"], {
        code: -32600,
        message: '1 files cannot be restored, so nothing was reverted; see data, or use "onConflict": "skip"',
        data: { [extension]: { conflicts } }
      })
      assert.strictEqual(yield* turns, 1)
      const skipped = yield* revert(first, { restore: true, onConflict: "skip" })
      assert.deepStrictEqual(skipped["extensions"], { [extension]: { restored: [], conflicts } })
      assert.deepStrictEqual(tree(cwd), { a: '"mine\\n"' })
      assert.strictEqual(yield* turns, 0)
    })
  )

  it.effect("leaves files alone without the member, and refuses one that is not valid", () =>
    Effect.gen(function* () {
      const { cwd, revert, turn, turns } = yield* setUp()
      const first = yield* turn(addOne("a"))
      for (const member of [{}, { restore: 1 }, { restore: true, onConflict: "overwrite" }, null]) {
        const answer = yield* revert(first, member)
        assert.strictEqual((answer["error"] as { readonly code: number }).code, -32602)
      }
      assert.strictEqual(yield* turns, 1)
      const answer = yield* revert(first)
      assert.isUndefined(answer["extensions"])
      assert.deepStrictEqual(tree(cwd), { a: '"1\\n"' })
    })
  )

  it.effect("keeps its history until the thread is deleted", () =>
    Effect.gen(function* () {
      const { history, request, threadId, turn } = yield* setUp()
      yield* turn(addOne("a"))
      yield* turn(patch("*** Update File: a", "@@", "-1", "+2"))
      assert.isAbove(history(), 0)
      yield* request("thread/delete", { threadId })
      assert.strictEqual(history(), 1)
    })
  )

  const without: ReadonlyArray<readonly [string, ServerOptions, object]> = [
    ["an ephemeral thread", {}, { ephemeral: true }],
    ["a store in memory", { store: Memory.layer }, {}],
    ["file_history = false", { cliOverrides: [["spindle.file_history", false]] }, {}]
  ]
  it.effect.each(without)("keeps no history with %s", ([, options, start]) =>
    Effect.gen(function* () {
      const { cwd, history, turn } = yield* setUp(options, start)
      yield* turn(addOne("a"))
      assert.deepStrictEqual(tree(cwd), { a: '"1\\n"' })
      assert.strictEqual(history(), 0)
    })
  )
})

describe("the tool apply_patch", () => {
  it.effect("is offered to models of the catalogue, and to no others", () =>
    Effect.gen(function* () {
      const server = yield* makeServer({ ownTools: true })
      const client = yield* server.connect()
      for (const [model, isOffered] of [
        ["gpt-5.5", true],
        ["gpt-6.1-sol", true],
        ["no-such-model", false]
      ] as const) {
        const { thread } = yield* client.request("thread/start", { model })
        yield* client.request("turn/start", { threadId: thread.id, input: userInput("go") })
        const { request } = yield* server.model.reply("done")
        assert.strictEqual(
          request.tools.some(({ name }) => name === "apply_patch"),
          isOffered
        )
        yield* client.notified("turn/completed")
      }
    })
  )
})
