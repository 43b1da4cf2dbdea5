/**
 * Converts a thread and its turns to the protocol's form.
 *
 * The results are snapshots: they share no mutable data with the state.
 *
 * @module
 */
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ThreadEnvironment } from "../../protocol/v2/thread/Environment.ts"
import type { Thread, ThreadReadState, ThreadSection, ThreadStatus } from "../../protocol/v2/thread/Thread.ts"
import type { Turn, TurnItemsView } from "../../protocol/v2/turn/Turn.ts"
import { placeOf } from "./agent/AgentTree.ts"
import type { ThreadState, TurnState } from "./ThreadState.ts"
import type { ThreadSummary } from "./ThreadStore.ts"

/** Unix milliseconds to Unix seconds. */
export const seconds = (millis: number): number => Math.floor(millis / 1000)

const itemsOf = (turn: TurnState, view: TurnItemsView): ReadonlyArray<ThreadItem> => {
  if (view === "full") return turn.items
  if (view === "notLoaded") return []
  const first = turn.items.find((item) => item.type === "userMessage")
  const last = turn.items.findLast((item) => item.type === "agentMessage")
  return [first, last].filter((item) => item !== undefined)
}

/** A turn of an unloaded thread. A turn without an end was interrupted when its server died. */
export const cut = (turn: TurnState): TurnState =>
  turn.status === "inProgress" ? { ...turn, status: "interrupted" } : turn

/** The turn as a client reads it. */
export const toTurn = (turn: TurnState, view: TurnItemsView): Turn => ({
  id: turn.id,
  rootTurnId: turn.rootTurnId,
  items: itemsOf(turn, view),
  itemsView: view,
  status: turn.status,
  error: turn.error,
  startedAt: seconds(turn.startedAt),
  completedAt: turn.endedAt === null ? null : seconds(turn.endedAt),
  durationMs: turn.endedAt === null ? null : turn.endedAt - turn.startedAt
})

/** The thread as it appears in lists. */
export const summaryOf = (state: ThreadState): ThreadSummary => ({
  origin: state.origin,
  model: state.settings.model,
  modelProvider: state.settings.modelProvider,
  effort: state.settings.effort,
  cwd: state.settings.cwd,
  preview: state.preview,
  name: state.name,
  archived: state.archived,
  turns: state.turns.length,
  updatedAt: state.updatedAt,
  recencyAt: state.recencyAt,
  gitInfo: state.gitInfo,
  daybreakEnabled: state.daybreakEnabled,
  section: state.section,
  readState: state.readState,
  attachments: state.attachments
})

/** Facts that only a loaded thread has. */
export interface LoadedView {
  readonly environments: ReadonlyArray<ThreadEnvironment> | null
}

/** Facts about a thread that are kept elsewhere. */
export interface Lookup {
  /** The section with this id; null for an unknown one. */
  readonly section: (id: string) => ThreadSection | null
  /** The file of a thread. */
  readonly path: (thread: ThreadSummary) => string | null
}

/** A lookup that knows no section and no file. */
export const noLookup: Lookup = { section: () => null, path: () => null }

/** How far the thread was read, as clients see it; null for a thread that is not kept. */
export const readStateOf = (
  { origin, readState }: Pick<ThreadSummary, "origin" | "readState">,
  isRecorded: boolean
): ThreadReadState | null =>
  origin.ephemeral || !isRecorded ? null : (readState ?? { firstUnread: null, revision: `initial:${origin.id}` })

/** The thread as a client reads it. `loaded` is null for an unloaded one; `turns` is empty unless the caller fills it. */
export const toThread = (
  summary: ThreadSummary,
  status: ThreadStatus,
  loaded: LoadedView | null,
  turns: ReadonlyArray<Turn> = [],
  lookup: Lookup = noLookup
): Thread => {
  const { origin } = summary
  const place = placeOf(origin)
  const section = summary.section === null ? null : lookup.section(summary.section.id)
  return {
    id: origin.id,
    environments: loaded?.environments ?? null,
    extra: null,
    sessionId: origin.sessionId,
    forkedFromId: origin.forkedFromId,
    attachedToThreadId: null,
    parentThreadId: place?.parentId ?? null,
    preview: summary.preview,
    ephemeral: origin.ephemeral,
    section,
    sectionEnteredAt: section === null || summary.section === null ? null : seconds(summary.section.enteredAt),
    projectId: null,
    historyMode: "paginated",
    modelProvider: summary.modelProvider,
    model: summary.model,
    reasoningEffort: summary.effort,
    createdAt: origin.createdAt,
    updatedAt: seconds(summary.updatedAt),
    recencyAt: seconds(summary.recencyAt),
    status,
    path: origin.ephemeral ? null : lookup.path(summary),
    cwd: summary.cwd,
    cliVersion: origin.cliVersion,
    originator: origin.originator,
    source: origin.source,
    canAcceptDirectInput: loaded === null ? null : true,
    threadSource: origin.threadSource,
    agentNickname: place?.nickname ?? null,
    agentRole: place?.role ?? null,
    gitInfo: summary.gitInfo,
    name: summary.name,
    daybreakEnabled: summary.daybreakEnabled,
    turns
  }
}

/** A loaded thread as a client reads it, optionally with its complete turns. */
export const loadedView = (state: ThreadState, status: ThreadStatus, includeTurns: boolean, lookup: Lookup): Thread => {
  const turns = includeTurns ? state.turns.map((turn) => toTurn(turn, "full")) : []
  return toThread(summaryOf(state), status, { environments: state.settings.environments }, turns, lookup)
}
