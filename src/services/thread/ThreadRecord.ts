/**
 * What is known of a thread, and the events it is folded from.
 *
 * Owns the events (what a store keeps) and the fold (what readers see). It is plain data: a loaded thread has one in
 * memory and every store can rebuild it.
 *
 * @module
 */
import type { ThreadItem } from "../../protocol/Item.ts"
import type { ResponseItem } from "../../protocol/ResponseItem.ts"
import type { ThreadSettings } from "../../protocol/Settings.ts"
import type { GitInfo, SessionSource, Thread, ThreadStatus, ThreadTokenUsage } from "../../protocol/Thread.ts"
import type { TurnError } from "../../protocol/ErrorInfo.ts"
import type { Turn, TurnStatus } from "../../protocol/Turn.ts"

/** What does not change in a thread's life. Times are Unix seconds. */
export interface ThreadOrigin {
  readonly id: string
  /** Shared by the threads of one tree; the thread's own id for a root. */
  readonly sessionId: string
  readonly forkedFromId: string | null
  readonly createdAt: number
  readonly cwd: string
  readonly ephemeral: boolean
  readonly cliVersion: string
  /** The client that created the thread, as it named itself. */
  readonly originator: string
  readonly source: SessionSource
  readonly threadSource: string | null
  readonly gitInfo: GitInfo | null
}

/** What happens in a thread, in order. `at` is Unix milliseconds. */
export type ThreadEvent =
  | { readonly _tag: "Created"; readonly at: number; readonly origin: ThreadOrigin; readonly settings: ThreadSettings }
  | { readonly _tag: "SettingsChanged"; readonly at: number; readonly settings: ThreadSettings }
  | { readonly _tag: "TurnStarted"; readonly at: number; readonly turnId: string; readonly rootTurnId: string }
  /** An entry of the conversation as the model knows it. */
  | { readonly _tag: "Said"; readonly at: number; readonly item: ResponseItem }
  | { readonly _tag: "ItemCompleted"; readonly at: number; readonly turnId: string; readonly item: ThreadItem }
  | { readonly _tag: "TokensUsed"; readonly at: number; readonly turnId: string; readonly usage: ThreadTokenUsage }
  | {
      readonly _tag: "TurnEnded"
      readonly at: number
      readonly turnId: string
      readonly status: Exclude<TurnStatus, "inProgress">
      readonly error: TurnError | null
    }

/** A turn with all its items. */
export interface TurnRecord {
  readonly id: string
  readonly rootTurnId: string
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly items: Array<ThreadItem>
  status: TurnStatus
  error: TurnError | null
  endedAt: number | null
}

export interface ThreadRecord {
  readonly origin: ThreadOrigin
  settings: ThreadSettings
  readonly turns: Array<TurnRecord>
  /** What the model is sent, oldest first. */
  readonly conversation: Array<ResponseItem>
  usage: { readonly turnId: string; readonly tokens: ThreadTokenUsage } | null
  /** The first words of the user. */
  preview: string
  name: string | null
  /** Unix milliseconds. */
  updatedAt: number
}

/** Starts a record; every thread's first event is `Created`. */
export const create = (event: Extract<ThreadEvent, { readonly _tag: "Created" }>): ThreadRecord => ({
  origin: event.origin,
  settings: event.settings,
  turns: [],
  conversation: [],
  usage: null,
  preview: "",
  name: null,
  updatedAt: event.at
})

/** Takes an event in, in place: a record is folded once and read often. */
export const apply = (record: ThreadRecord, event: ThreadEvent): void => {
  switch (event._tag) {
    case "Created":
      return
    case "SettingsChanged":
      record.settings = event.settings
      return
    case "TurnStarted":
      record.turns.push({
        id: event.turnId,
        rootTurnId: event.rootTurnId,
        startedAt: event.at,
        items: [],
        status: "inProgress",
        error: null,
        endedAt: null
      })
      record.updatedAt = event.at
      return
    case "Said":
      record.conversation.push(event.item)
      return
    case "ItemCompleted":
      itemCompleted(record, event.turnId, event.item)
      return
    case "TokensUsed":
      record.usage = { turnId: event.turnId, tokens: event.usage }
      return
    case "TurnEnded":
      turnEnded(record, event)
  }
}

const itemCompleted = (record: ThreadRecord, turnId: string, item: ThreadItem): void => {
  turnOf(record, turnId)?.items.push(item)
  if (item.type === "userMessage" && record.preview === "") {
    record.preview = item.content.map((part) => (part.type === "text" ? part.text : "")).join("")
  }
}

const turnEnded = (record: ThreadRecord, event: Extract<ThreadEvent, { readonly _tag: "TurnEnded" }>): void => {
  const turn = turnOf(record, event.turnId)
  if (turn === undefined) return
  turn.status = event.status
  turn.error = event.error
  turn.endedAt = event.at
  record.updatedAt = event.at
}

/** The turn by its id; the last ones first, since they are asked for most. */
export const turnOf = (record: ThreadRecord, turnId: string): TurnRecord | undefined =>
  record.turns.findLast((turn) => turn.id === turnId)

/** Turns that nobody runs any more, because their server died, were interrupted. */
export const settleStaleTurns = (record: ThreadRecord): void => {
  for (const turn of record.turns) if (turn.status === "inProgress") turn.status = "interrupted"
}

export const seconds = (millis: number): number => Math.floor(millis / 1000)

/** Which items a turn is shown with. */
export type TurnView = "notLoaded" | "summary" | "full"

const itemsOf = (turn: TurnRecord, view: TurnView): ReadonlyArray<ThreadItem> => {
  if (view === "full") return turn.items
  if (view === "notLoaded") return []
  const first = turn.items.find((item) => item.type === "userMessage")
  const last = turn.items.findLast((item) => item.type === "agentMessage")
  return [first, last].filter((item) => item !== undefined)
}

/** The turn as a client reads it. */
export const toTurn = (turn: TurnRecord, view: TurnView): Turn => ({
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

/** The thread as a client reads it; `turns` is empty unless the caller fills it. */
export const toThread = (record: ThreadRecord, status: ThreadStatus, turns: ReadonlyArray<Turn> = []): Thread => {
  const { origin, settings } = record
  const loaded = status.type !== "notLoaded"
  return {
    id: origin.id,
    environments: loaded ? settings.environments : null,
    extra: null,
    sessionId: origin.sessionId,
    forkedFromId: origin.forkedFromId,
    attachedToThreadId: null,
    parentThreadId: null,
    preview: record.preview,
    ephemeral: origin.ephemeral,
    section: null,
    sectionEnteredAt: null,
    projectId: null,
    historyMode: "paginated",
    modelProvider: settings.modelProvider,
    model: settings.model,
    reasoningEffort: settings.effort,
    createdAt: origin.createdAt,
    updatedAt: seconds(record.updatedAt),
    recencyAt: seconds(record.updatedAt),
    status,
    path: null,
    cwd: settings.cwd,
    cliVersion: origin.cliVersion,
    originator: origin.originator,
    source: origin.source,
    canAcceptDirectInput: loaded ? true : null,
    threadSource: origin.threadSource,
    agentNickname: null,
    agentRole: null,
    gitInfo: origin.gitInfo,
    name: record.name,
    daybreakEnabled: null,
    turns
  }
}
