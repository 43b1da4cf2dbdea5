/**
 * Finds the stored threads of agents below a thread, so that they are archived and deleted with it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadState } from "../ThreadState.ts"
import { childrenIn, placeOf } from "./AgentTree.ts"

/** The most agents that are found below a thread. */
const MaxFound = 1024

/**
 * The ids of the agents that a thread has started, and of those that these have started; a thread before its own agents. A
 * thread that cannot be read has none.
 */
export const agentsBelow = Effect.fnUntraced(function* <E>(
  threadId: string,
  stateOf: (threadId: string) => Effect.Effect<ThreadState | null, E>
): Effect.fn.Return<ReadonlyArray<string>> {
  const read = (id: string) => Effect.orElseSucceed(stateOf(id), () => null)
  const found: Array<string> = []
  const queue = [{ id: threadId, state: yield* read(threadId) }]
  for (const { id, state } of queue) {
    if (state === null) continue
    for (const child of childrenIn(state)) {
      if (found.length === MaxFound || found.includes(child)) continue
      const childState = yield* read(child)
      if (childState === null || placeOf(childState.origin)?.parentId !== id) continue
      found.push(child)
      queue.push({ id: child, state: childState })
    }
  }
  return found
})
