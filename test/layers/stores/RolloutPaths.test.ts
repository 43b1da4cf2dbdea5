import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { home, open } from "./Homes.ts"

const threadId = "0198c0de-0000-7000-8000-000000000001"

describe("the path of a rollout file", () => {
  it.effect("finds its thread, also through symbolic links, and nothing else does", () =>
    Effect.gen(function* () {
      const folder = yield* home
      const elsewhere = yield* home
      const store = yield* open(folder)
      yield* store.append(threadId, 0, [created(threadId)])
      yield* store.append(threadId, 1, turnEvents("u1", 1_700_000_000_000, "question", "answer"))
      const summary = yield* store.summary(threadId)
      const path = summary === null ? null : store.pathOf?.(summary)
      if (path == null) return assert.fail("the thread has no file")
      const link = Path.join(elsewhere, "link.jsonl")
      Fs.symlinkSync(path, link)
      const copy = Path.join(elsewhere, Path.basename(path))
      Fs.copyFileSync(path, copy)
      const dangling = Path.join(folder, "dangling.jsonl")
      Fs.symlinkSync(Path.join(folder, "nothing"), dangling)
      const found: Array<string | null | undefined> = []
      for (const one of [path, link, copy, dangling, folder, "/no/such.jsonl", Path.join(folder, "config.toml")])
        found.push(yield* store.threadAt?.(one) ?? Effect.succeed(undefined))
      assert.deepStrictEqual(found, [threadId, threadId, null, null, null, null, null])
    })
  )
})
