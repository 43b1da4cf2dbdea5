import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStore from "../../../src/layers/stores/Memory.ts"
import { ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { invalid, makeThread } from "../../support/Threads.ts"

/** A store in memory whose threads have files by their ids. */
const withPaths = Layer.effect(
  ThreadStore,
  Effect.map(ThreadStore, (store) => ({
    ...store,
    pathOf: ({ origin }: { readonly origin: { readonly id: string } }) => `/threads/${origin.id}`,
    threadAt: (path: string) => Effect.succeed(path.startsWith("/threads/") ? path.slice("/threads/".length) : null)
  }))
).pipe(Layer.provide(MemoryStore.layer))

describe("thread/resume with a path", () => {
  it.effect("finds a thread by its file, and refuses the file of another one", () =>
    Effect.gen(function* () {
      const { client, threadId, turn } = yield* makeThread({ store: withPaths })
      yield* turn("one", "first")
      const path = `/threads/${threadId}`
      const { thread } = yield* client.request("thread/resume", { threadId, path })
      assert.strictEqual(thread.path, path)
      const stale = yield* Effect.flip(client.request("thread/resume", { threadId, path: "/threads/other" }))
      const active = `requested \`/threads/other\`, active \`${path}\``
      assert.deepStrictEqual(stale, invalid(`cannot resume running thread ${threadId} with stale path: ${active}`))
      yield* client.request("thread/archive", { threadId })
      yield* client.request("thread/unarchive", { threadId })
      const stranger = "0198c0de-0000-7000-8000-000000000000"
      const found = yield* client.request("thread/resume", { threadId: stranger, path })
      assert.strictEqual(found.thread.id, threadId)
      const none = yield* Effect.flip(client.request("thread/resume", { threadId: stranger, path: "/elsewhere" }))
      assert.deepStrictEqual(none, invalid(`no rollout found for thread id ${stranger}`))
    })
  )
})

describe("thread/resume with a history", () => {
  it.effect("is refused for loaded and for other threads", () =>
    Effect.gen(function* () {
      const { client, threadId, turn } = yield* makeThread()
      yield* turn("one", "first")
      const history = [
        { type: "message" as const, role: "user", content: [{ type: "input_text" as const, text: "hi" }] }
      ]
      const refused = () => Effect.flip(client.request("thread/resume", { threadId, history }))
      assert.deepStrictEqual(
        yield* refused(),
        invalid(`cannot resume thread ${threadId} with history while it is already running`)
      )
      yield* client.request("thread/archive", { threadId })
      yield* client.request("thread/unarchive", { threadId })
      assert.deepStrictEqual(yield* refused(), invalid("`thread/resume.history` is not supported by this server yet"))
    })
  )
})
