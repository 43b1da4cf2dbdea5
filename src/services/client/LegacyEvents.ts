/**
 * The legacy `codex/event/*` notifications, for consumers that still read them. Each is derived from a current event and
 * follows it directly. Terminal ones have the same delivery guarantee as their source.
 *
 * @module
 */
import type { ServerNotification } from "../../protocol/Methods.ts"
import type { LegacyNotification } from "./ClientEvent.ts"

const legacy = (conversationId: string | null, id: string, msg: Record<string, unknown>): LegacyNotification => ({
  method: `codex/event/${String(msg["type"])}`,
  params: { id, msg, conversationId }
})

/** The legacy form of a notification, or undefined for one that has none. */
export const fromNotification = (notification: ServerNotification): LegacyNotification | undefined => {
  switch (notification.method) {
    case "thread/started": {
      const { id, model, modelProvider, cwd } = notification.params.thread
      return legacy(id, "", {
        type: "session_configured",
        session_id: id,
        model,
        model_provider_id: modelProvider,
        cwd
      })
    }
    case "turn/completed": {
      const { threadId, turn } = notification.params
      if (turn.status === "interrupted") {
        return legacy(threadId, turn.id, { type: "turn_aborted", turn_id: turn.id, reason: "interrupted" })
      }
      const answer = turn.items.findLast((item) => item.type === "agentMessage")
      return legacy(threadId, turn.id, {
        type: "task_complete",
        turn_id: turn.id,
        last_agent_message: answer?.text ?? null
      })
    }
    default:
      return undefined
  }
}

/** The last notification of a runtime. */
export const shutdownComplete: LegacyNotification = legacy(null, "", { type: "shutdown_complete" })
