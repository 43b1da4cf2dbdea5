/**
 * Tools that do nothing but what a test looks at.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { CommandExecutionItem } from "../../src/protocol/v2/item/WorkItem.ts"
import { type Tool, TurnCancelled } from "../../src/services/tool/Tool.ts"

const specOf = (name: string): Tool["spec"] => ({
  type: "function",
  name,
  description: name,
  parameters: { type: "object" },
  strict: false
})

export const command = (id: string, status: CommandExecutionItem["status"]): CommandExecutionItem => ({
  type: "commandExecution",
  id,
  pluginId: null,
  scriptPath: null,
  command: "ls",
  cwd: "/",
  processId: null,
  source: "agent",
  status,
  commandActions: [],
  aggregatedOutput: null,
  exitCode: null,
  durationMs: null
})

const approval = { environmentId: "local", command: "ls", cwd: "/", availableDecisions: ["accept", "cancel"] as const }

/** Asks the user about a command, and tells the model what came of it. */
export const asking: Tool = {
  spec: specOf("ask"),
  run: ({ callId }, turn) =>
    turn.approveCommand(command(callId, "inProgress"), approval).pipe(
      Effect.flatMap((decision) => {
        const item = command(callId, decision === "accept" ? "completed" : "declined")
        const told = Effect.as(turn.itemCompleted(item), { text: `decided ${String(decision)}`, success: true })
        return decision === "cancel" ? Effect.andThen(told, new TurnCancelled()) : told
      }),
      Effect.catchTag("ApprovalFailed", ({ reason }) =>
        Effect.as(turn.itemCompleted(command(callId, "failed")), { text: `failed ${reason}`, success: false })
      )
    )
}

/** Waits until the gate is open. */
export const gated = (name: string, gate: Effect.Effect<void>): Tool => ({
  spec: specOf(name),
  run: () => Effect.as(gate, { text: `${name} is through`, success: true })
})
