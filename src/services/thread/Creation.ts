/**
 * The creation of threads: the first event of a thread, and the right to write to it.
 *
 * New threads of clients, forks and sub-agents share this. Does not own what a thread is set up from (`ThreadSetup`), nor its
 * opening (`LoadedThreads`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ThreadSettings } from "../../protocol/v2/thread/Settings.ts"
import { Version } from "../config/ServerIdentity.ts"
import type { ServerInfo } from "../config/ServerInfo.ts"
import type * as LoadedThreads from "./LoadedThreads.ts"
import type * as Sections from "./Sections.ts"
import type { ThreadServices } from "./ThreadContext.ts"
import type { ThreadOrigin } from "./ThreadEvent.ts"
import type * as Setup from "./ThreadSetup.ts"
import type { ThreadStore, ThreadStoreError } from "./ThreadStore.ts"
import { seconds } from "./ThreadView.ts"

/** Services of the operations. */
export interface Engine {
  readonly services: ThreadServices
  readonly store: ThreadStore["Service"]
  readonly info: ServerInfo["Service"]
  readonly setUp: Effect.Success<typeof Setup.make>
  readonly threads: Effect.Success<ReturnType<typeof LoadedThreads.make>>
  readonly sections: Sections.Sections
}

/** What the origin of a new thread is made from. */
export interface NewThread {
  readonly ephemeral: boolean
  readonly originator: string
  readonly threadSource: string | null
  readonly dynamicTools?: ThreadOrigin["dynamicTools"]
  /** The tree and the place in it, of the thread of a sub-agent. */
  readonly agent?: Pick<ThreadOrigin, "sessionId" | "source">
}

/** The first event of a new thread. `source` is the thread that it is forked from. */
export const createdBy = Effect.fnUntraced(function* (
  { info, services: { clock, gitFacts, random } }: Engine,
  request: NewThread,
  settings: ThreadSettings,
  source: string | null
) {
  // A new thread records these facts when its first turn starts.
  const gitInfo = source === null ? null : yield* gitFacts(settings.cwd)
  const id = yield* random.uuidV7()
  const at = clock.currentTimeMillisUnsafe()
  const origin = {
    id,
    sessionId: request.agent?.sessionId ?? id,
    forkedFromId: source,
    createdAt: seconds(at),
    cwd: settings.cwd,
    ephemeral: request.ephemeral,
    cliVersion: Version,
    originator: request.originator,
    source: request.agent?.source ?? info.sessionSource,
    threadSource: request.threadSource,
    gitInfo,
    ...(request.dynamicTools?.length ? { dynamicTools: request.dynamicTools } : {})
  }
  return { _tag: "Created", at, origin, settings } as const
})

/** Opens a thread with the right to write to it, which is freed when that fails. */
export const claimed = <A, E>(
  { store }: Engine,
  threadId: string,
  kind: "new" | "stored" | "unstored",
  open: (release: Effect.Effect<void>) => Effect.Effect<A, E>
): Effect.Effect<A, E | ThreadStoreError> => {
  const { claim } = store
  if (claim === undefined || kind === "unstored") return open(Effect.void)
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(claim(threadId, kind === "new"), (release) => Effect.onError(restore(open(release)), () => release))
  )
}
