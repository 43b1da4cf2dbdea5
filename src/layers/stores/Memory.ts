/**
 * Threads in memory: lost with the process, and the reference for every other store.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { itemsIn, turnsIn } from "../../services/thread/History.ts"
import type { ThreadEvent } from "../../services/thread/ThreadEvent.ts"
import { fold, initial, type ThreadState } from "../../services/thread/ThreadState.ts"
import { ThreadStore, ThreadStoreError } from "../../services/thread/ThreadStore.ts"
import { summaryOf } from "../../services/thread/ThreadView.ts"
import { matchesIn, page, textsOf } from "./Query.ts"

interface Stored {
  readonly events: Array<ThreadEvent>
  state: ThreadState
}

type Operation = ThreadStoreError["operation"]

const conflict = (operation: Operation, detail: string) =>
  new ThreadStoreError({ operation, reason: "conflict", cause: new Error(detail) })

/** Ranges of the threads' histories. */
const ranges = (stateOf: (threadId: string) => ThreadState | undefined) =>
  ({
    readTurns: (threadId, range) =>
      Effect.sync(() => {
        const state = stateOf(threadId)
        return state === undefined ? null : turnsIn(state, range)
      }),
    readItems: (threadId, range, turnId) =>
      Effect.sync(() => {
        const state = stateOf(threadId)
        return state === undefined ? null : itemsIn(state, range, turnId)
      })
  }) satisfies Pick<ThreadStore["Service"], "readTurns" | "readItems">

/** A store in memory, without a layer. */
export const make = Effect.sync(() => {
  const threads = new Map<string, Stored>()

  const append = (threadId: string, expectedSeq: number, events: ReadonlyArray<ThreadEvent>) =>
    Effect.suspend(() => {
      const stored = threads.get(threadId)
      const length = stored?.events.length ?? 0
      if (length !== expectedSeq) return Effect.fail(conflict("append", `expected event ${expectedSeq}, has ${length}`))
      if (stored !== undefined) {
        stored.events.push(...events)
        stored.state = fold(stored.state, events)
        return Effect.void
      }
      const [first, ...rest] = events
      if (first === undefined) return Effect.void
      if (first._tag !== "Created") return Effect.fail(conflict("append", "a thread begins with Created"))
      threads.set(threadId, { events: [...events], state: fold(initial(first), rest) })
      return Effect.void
    })

  const summaries = () => Array.from(threads.values(), ({ state }) => summaryOf(state))

  return ThreadStore.of({
    volatile: Effect.succeed(true),
    append,
    read: (threadId, { from, limit }) =>
      Effect.sync(() =>
        (threads.get(threadId)?.events.slice(from, from + limit) ?? []).map((event, index) => ({
          seq: from + index,
          event
        }))
      ),
    summary: (threadId) =>
      Effect.sync(() => {
        const stored = threads.get(threadId)
        return stored === undefined ? null : summaryOf(stored.state)
      }),
    list: (request) => Effect.sync(() => page(summaries(), request)),
    search: (request) =>
      Effect.sync(() => {
        const all = Array.from(threads.values(), ({ state }) => ({ state, thread: summaryOf(state) }))
        return matchesIn(all, request, ({ state }) => textsOf(state))
      }),
    ...ranges((threadId) => threads.get(threadId)?.state),
    fork: (sourceId, atSeq, created) =>
      Effect.suspend(() => {
        const events = threads.get(sourceId)?.events ?? []
        if (atSeq < 1 || events.length < atSeq) {
          return Effect.fail(conflict("fork", `the source has ${events.length} events, not ${atSeq}`))
        }
        return append(created.origin.id, 0, [created, ...events.slice(1, atSeq)])
      }),
    delete: (threadId) => Effect.sync(() => void threads.delete(threadId))
  })
})

/** A store whose threads are lost with the process. */
export const layer: Layer.Layer<ThreadStore> = Layer.effect(ThreadStore, make)
