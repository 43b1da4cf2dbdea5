/**
 * A turn that runs, and a command that runs in it.
 *
 * @module
 */
import type { Item } from "../../src/protocol/Item.ts"
import type { Turn } from "../../src/protocol/Turn.ts"

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
