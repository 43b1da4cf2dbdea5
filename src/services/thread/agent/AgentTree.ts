/**
 * The place of a thread among agents: which thread started it, and how deep it is.
 *
 * These are functions of origins, states and configurations.
 *
 * @module
 */
import type { CollabAgentToolCallItem } from "../../../protocol/v2/item/WorkItem.ts"
import type { EffectiveConfig } from "../../config/Config.ts"
import { ownSetting } from "../../config/OwnSettings.ts"
import type { AgentStatus } from "../../tool/Agents.ts"
import type { ThreadOrigin } from "../ThreadEvent.ts"
import type { ThreadState } from "../ThreadState.ts"

/** The limits of a tree of agents. */
export interface AgentLimits {
  /** How deep agents may be: 1 when only the threads of clients may start some. 0 turns agents off. */
  readonly depth: number
  /** How many agents may be open in a tree, idle ones included. */
  readonly threads: number
  /** How many tokens the agents of a tree may use altogether; null for any number. */
  readonly tokens: number | null
}

/** Default number of open agents in a tree. */
export const DefaultThreads = 6

/** Default depth of agents. */
export const DefaultDepth = 1

const isWhole = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value)

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The limits of a configuration. A value that is not a whole number is not used. */
export const limitsOf = ({ settings }: Pick<EffectiveConfig, "settings">): AgentLimits => {
  const agents = isTable(settings["agents"]) ? settings["agents"] : {}
  const threads = agents["max_concurrent_threads_per_session"] ?? agents["max_threads"]
  const depth = agents["max_depth"]
  const tokens = ownSetting(settings, "agent_max_tokens")
  return {
    depth: isWhole(depth) ? depth : DefaultDepth,
    threads: isWhole(threads) && threads > 0 ? threads : DefaultThreads,
    tokens: isWhole(tokens) && tokens > 0 ? tokens : null
  }
}

/** The place of an agent's thread. */
export interface AgentPlace {
  readonly parentId: string
  /** 1 for an agent that the thread of a client has started. */
  readonly depth: number
  readonly nickname: string | null
  readonly role: string | null
}

/** The place of the thread; undefined for one that no agent started. */
export const placeOf = ({ source }: Pick<ThreadOrigin, "source">): AgentPlace | undefined => {
  if (typeof source !== "object" || !("subAgent" in source)) return undefined
  const { subAgent } = source
  if (typeof subAgent !== "object" || !("thread_spawn" in subAgent)) return undefined
  const { agent_nickname: nickname, agent_role: role, depth, parent_thread_id: parentId } = subAgent.thread_spawn
  return { parentId, depth, nickname, role }
}

/** How deep a thread is; 0 for one that no agent started. */
export const depthOf = (origin: Pick<ThreadOrigin, "source">): number => placeOf(origin)?.depth ?? 0

const isSpawn = (item: { readonly type: string }): item is CollabAgentToolCallItem =>
  item.type === "collabAgentToolCall"

/** The threads of the agents that a thread has started, as its items say. A fork may have items of its source. */
export const childrenIn = (state: ThreadState): ReadonlyArray<string> => {
  const ids = state.turns.flatMap(({ items }) =>
    items.flatMap((item) => (isSpawn(item) && item.tool === "spawnAgent" ? item.receiverThreadIds : []))
  )
  return Array.from(new Set(ids))
}

/** The status of an open agent. `since` is the number of turns that it had when it was opened. */
export const statusOf = (state: ThreadState, since: number): AgentStatus => {
  const turn = state.turns.length > since ? state.turns.at(-1) : undefined
  switch (turn?.status) {
    case undefined:
      return { type: "pendingInit" }
    case "inProgress":
      return { type: "running" }
    case "interrupted":
      return { type: "interrupted" }
    case "failed":
      return { type: "errored", message: turn?.error?.message ?? "the turn failed" }
    case "completed": {
      const last = turn?.items.findLast((item) => item.type === "agentMessage")
      return { type: "completed", message: last?.type === "agentMessage" ? last.text : null }
    }
  }
}

/** Whether an agent in this state does nothing more without input. An interrupted one is expected to get some. */
export const isFinal = ({ type }: AgentStatus): boolean =>
  type !== "pendingInit" && type !== "running" && type !== "interrupted"

/** The status as models read it. */
export const toModel = (status: AgentStatus): unknown => {
  switch (status.type) {
    case "completed":
      return { completed: status.message }
    case "errored":
      return { errored: status.message }
    case "pendingInit":
      return "pending_init"
    case "notFound":
      return "not_found"
    default:
      return status.type
  }
}
