/**
 * The cases of the public suite, and the properties that need a generator.
 *
 * @module
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ThreadCursor from "../../../src/services/thread/ThreadCursor.ts"
import { everyThread, ThreadStore } from "../../../src/services/thread/ThreadStore.ts"
import { created, turnEvents } from "../../../src/testing/ThreadEvents.ts"
import { cases } from "../../../src/testing/ThreadStoreSuite.ts"

/** Runs on a store that is empty each time the layer is built. */
export const suite = <E>(name: string, layer: Layer.Layer<ThreadStore, E>): void => {
  describe(`${name} store`, () => {
    for (const { check, name } of cases) it.effect(name, () => Effect.provide(check, layer))

    it.effect.prop(
      "lists every thread once over all pages, for any times and page sizes",
      [Schema.Array(Schema.Literals([1, 2, 3])), Schema.Literals([1, 2, 3, 7]), Schema.Literals(["asc", "desc"])],
      ([times, limit, sortDirection]) =>
        Effect.gen(function* () {
          const store = yield* ThreadStore
          for (const [index, createdAt] of times.entries()) {
            const id = `t${index}`
            yield* store.append(id, 0, [created(id, { createdAt }), ...turnEvents("u", 0, "hello", "hi")])
          }
          const filter = { ...everyThread, archived: false }
          const pages: Array<ReadonlyArray<string>> = []
          for (let next: string | null | undefined; next !== null;) {
            const cursor = next === undefined ? null : (ThreadCursor.parse(next) ?? null)
            const page = yield* store.list({ filter, cursor, limit, sortKey: "created_at", sortDirection })
            pages.push(page.threads.map(({ origin }) => origin.id))
            next = page.nextCursor
          }
          const sorted = times
            .map((time, index) => ({ time, id: `t${index}` }))
            .sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1))
            .map(({ id }) => id)
          assert.deepStrictEqual(pages.flat(), sortDirection === "asc" ? sorted : sorted.toReversed())
          assert.isTrue(pages.slice(0, -1).every((page) => page.length === limit))
        }).pipe(Effect.provide(layer)),
      30_000
    )
  })
}
