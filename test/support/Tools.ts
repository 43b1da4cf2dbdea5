/**
 * Tools for tests.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { CommandExecutionItem } from "../../src/protocol/v2/item/WorkItem.ts"
import { failure, text, type Tool, TurnCancelled } from "../../src/services/tool/Tool.ts"

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

/** Asks the user about a command, and returns the decision to the model. */
export const asking: Tool = {
  spec: specOf("ask"),
  publishesItems: true,
  run: ({ callId }, turn) =>
    turn
      .ask(
        "item/commandExecution/requestApproval",
        {
          kind: "command",
          itemId: callId,
          environmentId: "local",
          command: "ls",
          cwd: "/",
          availableDecisions: ["accept", "cancel"]
        },
        {
          item: command(callId, "inProgress"),
          accepts: ({ decision }) => decision !== "decline" && decision !== "cancel"
        }
      )
      .pipe(
        Effect.flatMap(({ decision }) => {
          const item = command(callId, decision === "accept" ? "completed" : "declined")
          const output = Effect.as(turn.itemCompleted(item), text(`decided ${String(decision)}`))
          return decision === "cancel" ? Effect.andThen(output, new TurnCancelled()) : output
        }),
        Effect.catchTag("AskFailed", ({ reason }) =>
          Effect.as(turn.itemCompleted(command(callId, "failed")), failure(`failed ${reason}`))
        )
      )
}

/** Waits until the gate is open. */
export const gated = (name: string, gate: Effect.Effect<void>): Tool => ({
  spec: specOf(name),
  run: () => Effect.as(gate, text(`${name} is through`))
})
