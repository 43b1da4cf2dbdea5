/**
 * The end of threads: archive, unarchive, delete; and changes of their history: revert, added entries.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { lazy } from "../../protocol/Lazy.ts"
import { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { mismatch } from "../../services/decoding/Mismatch.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"
import { agentsBelow } from "../../services/thread/agent/AgentsStored.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { FileHistory } from "../../services/tool/FileHistory.ts"
import { backwardsCursors } from "./HistoryCursors.ts"
import { prepareRestoration } from "./RestoreFiles.ts"

const decodeItem = lazy(() => Schema.decodeUnknownExit(ResponseItem()))

/** The entries that a client adds to the conversation. */
const entriesOf = Effect.fnUntraced(function* (
  items: ReadonlyArray<unknown>
): Effect.fn.Return<ReadonlyArray<ResponseItem>, RequestError> {
  if (items.length === 0) return yield* invalidRequest("items must not be empty")
  const entries: Array<ResponseItem> = []
  for (const [index, item] of items.entries()) {
    const decoded = decodeItem()(item)
    if (Exit.isFailure(decoded)) {
      const problem = mismatch(ResponseItem().ast, item) ?? "data did not match any variant of ResponseItem"
      return yield* invalidRequest(`items[${index}] is not a valid response item: ${problem}`)
    }
    entries.push(decoded.value)
  }
  return entries
})

/** Ends the threads of agents with that of their parent. Returns those for which it was possible. */
const succeeding = <E>(
  threadIds: ReadonlyArray<string>,
  end: (threadId: string) => Effect.Effect<void, E>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.filter(threadIds, (threadId) =>
    Effect.matchCauseEffect(end(threadId), {
      onFailure: (cause) =>
        Effect.as(Effect.logWarning(`the agent ${threadId} stays, unlike its parent`, cause), false),
      onSuccess: () => Effect.succeed(true)
    })
  )

export const make: Effect.Effect<
  HandlersFor<"thread/archive" | "thread/unarchive" | "thread/delete" | "thread/revert" | "thread/inject_items">,
  never,
  OutboundRouter | Threads
> = Effect.gen(function* () {
  const router = yield* OutboundRouter
  const threads = yield* Threads
  const { stored } = threads
  const history = Option.getOrUndefined(yield* Effect.serviceOption(FileHistory))

  const publish = (method: "thread/archived" | "thread/deleted", threadIds: ReadonlyArray<string>) =>
    Effect.forEach(threadIds, (threadId) => router.notify(method, { threadId }, null), { discard: true })

  const archive: Handler<"thread/archive"> = Effect.fnUntraced(function* ({ threadId }) {
    const agents = yield* agentsBelow(threadId, stored.state)
    yield* stored.archive(threadId)
    return Reply.withCommit({}, publish("thread/archived", [threadId, ...(yield* succeeding(agents, stored.archive))]))
  })

  const unarchive: Handler<"thread/unarchive"> = Effect.fnUntraced(function* ({ threadId }) {
    const thread = yield* stored.unarchive(threadId)
    return Reply.withCommit({ thread }, router.notify("thread/unarchived", { threadId }, null))
  })

  const remove: Handler<"thread/delete"> = Effect.fnUntraced(function* ({ threadId }) {
    const agents = yield* agentsBelow(threadId, stored.state)
    yield* stored.remove(threadId)
    const removed = [threadId, ...(yield* succeeding(agents, stored.remove))]
    yield* Effect.forEach(removed, (id) => history?.forget(id) ?? Effect.void, { discard: true })
    return Reply.withCommit({}, publish("thread/deleted", removed.toReversed()))
  })

  const revert: Handler<"thread/revert"> = Effect.fnUntraced(function* ({ beforeTurnId, threadId }, context) {
    const thread = yield* threads.get(threadId)
    const restore = yield* prepareRestoration(history, thread, beforeTurnId, context)
    yield* stored.revert(thread, beforeTurnId)
    const extensions = yield* restore
    const result = { thread: thread.view(false), ...backwardsCursors(thread.state) }
    return Reply.make(() => ({
      result,
      extensions,
      commit: router.notify("thread/reverted", { threadId }, threadId)
    }))
  })

  const inject: Handler<"thread/inject_items"> = Effect.fnUntraced(function* ({ items, threadId }) {
    const thread = yield* threads.get(threadId)
    yield* thread.addEntries(yield* entriesOf(items))
    return {}
  })

  return {
    "thread/archive": archive,
    "thread/unarchive": unarchive,
    "thread/delete": remove,
    "thread/revert": revert,
    "thread/inject_items": inject
  }
})
