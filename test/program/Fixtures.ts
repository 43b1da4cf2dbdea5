/**
 * A running turn, a running command in it, and notifications of items.
 *
 * @module
 */
import type { Item, ThreadItem } from "../../src/protocol/v2/item/Item.ts"
import type { ServerNotification } from "../../src/protocol/Methods.ts"
import type { Turn } from "../../src/protocol/v2/turn/Turn.ts"

export const place = { threadId: "thread", turnId: "turn" }

export const turn: Turn = {
  id: "turn",
  rootTurnId: null,
  items: [],
  itemsView: "notLoaded",
  status: "inProgress",
  error: null,
  startedAt: null,
  completedAt: null,
  durationMs: null
}

export const command: Item<"commandExecution"> = {
  type: "commandExecution",
  id: "call_1",
  pluginId: null,
  scriptPath: null,
  command: "/bin/sh -lc ls",
  cwd: "/",
  processId: null,
  source: "agent",
  status: "inProgress",
  commandActions: [],
  aggregatedOutput: null,
  exitCode: null,
  durationMs: null
}

export const started = (item: ThreadItem): ServerNotification => ({
  method: "item/started",
  params: { ...place, item, startedAtMs: 1 }
})

export const completed = (item: ThreadItem): ServerNotification => ({
  method: "item/completed",
  params: { ...place, item, completedAtMs: 2 }
})
