/**
 * A run as JSON lines: the events of the released `exec --json`.
 *
 * Owns the translation from the protocol, and the numbering of items from 0. A message or reasoning item is reported when it
 * is complete. Warnings are items of type `error`; an error, whether or not the turn survives it, is an event of its own. An
 * interrupted turn has no last event.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TurnError } from "../../protocol/v2/turn/ErrorInfo.ts"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { ServerNotification } from "../../protocol/Methods.ts"
import type { ThreadTokenUsage } from "../../protocol/v2/thread/Thread.ts"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import * as Format from "./Format.ts"
import { plain, shownOnOneLine } from "../console/ShownText.ts"
import type { Reporter } from "./Reporter.ts"
import { nobodyToAsk } from "./ApprovalPrompt.ts"
import type { TerminalConsole } from "../console/Console.ts"

/** An event that can be encoded as JSON. */
export type ExecEvent = { readonly type: string } & Readonly<Record<string, unknown>>

/** The members of an item besides its id; null for items that are not reported. */
const contentOf = (item: ThreadItem): Readonly<Record<string, unknown>> | null => {
  switch (item.type) {
    case "agentMessage":
      return { type: "agent_message", text: item.text }
    case "reasoning": {
      const text = item.summary.join("\n")
      return text.trim() === "" ? null : { type: "reasoning", text }
    }
    case "commandExecution":
      return {
        type: "command_execution",
        command: item.command,
        aggregated_output: item.aggregatedOutput ?? "",
        exit_code: item.exitCode,
        status: item.status === "inProgress" ? "in_progress" : item.status
      }
    case "fileChange":
      return {
        type: "file_change",
        changes: item.changes.map(({ kind, path }) => ({ path, kind: kind.type })),
        status: item.status === "inProgress" ? "in_progress" : item.status === "declined" ? "failed" : item.status
      }
    case "mcpToolCall":
      return {
        type: "mcp_tool_call",
        server: item.server,
        tool: item.tool,
        arguments: item.arguments,
        result:
          item.result === null
            ? null
            : {
                content: item.result.content,
                ...(item.result._meta === null ? {} : { _meta: item.result._meta }),
                structured_content: item.result.structuredContent
              },
        error: item.error,
        status: item.status === "inProgress" ? "in_progress" : item.status
      }
    case "webSearch":
      return { type: "web_search", query: item.query, action: item.action }
    default:
      return null
  }
}

const withDetails = (text: string, details: string | null): string =>
  details === null || details === "" ? text : `${text} (${details})`

const errorText = (error: TurnError): string => withDetails(error.message, error.additionalDetails)

/** Whether an item is reported only when it is complete. */
const isText = (item: ThreadItem): boolean => item.type === "agentMessage" || item.type === "reasoning"

/** The events of one run, notification by notification. */
export class JsonEvents {
  #items = 0
  /** The number of each item that has started and not completed. */
  readonly #open = new Map<string, string>()
  #plan: { readonly id: string; readonly items: ReadonlyArray<unknown> } | null = null
  #usage: ThreadTokenUsage["total"] | null = null
  #error: TurnError | null = null
  /** Why commands were declined that needed approval, by the id of their item in the protocol. */
  readonly #declined = new Map<string, string>()

  /** The command of this item is declined: its last event has this text instead of an output. */
  decline(itemId: string, text: string): void {
    this.#declined.set(itemId, text)
  }

  of(notification: ServerNotification): ReadonlyArray<ExecEvent> {
    switch (notification.method) {
      case "turn/started":
        return [{ type: "turn.started" }]
      case "item/started":
        return this.#started(notification.params.item)
      case "item/completed":
        return this.#completed(notification.params.item)
      case "item/fileChange/patchUpdated": {
        const { changes, itemId: id } = notification.params
        return this.#itemEvent("item.updated", { type: "fileChange", id, changes, status: "inProgress" })
      }
      case "turn/plan/updated":
        return [this.#planned(notification.params.plan)]
      case "thread/tokenUsage/updated":
        this.#usage = notification.params.tokenUsage.total
        return []
      case "warning":
      case "guardianWarning":
        return [this.#warning(notification.params.message)]
      case "configWarning":
      case "deprecationNotice":
        return [this.#warning(withDetails(notification.params.summary, notification.params.details))]
      case "model/rerouted": {
        const { fromModel, reason, toModel } = notification.params
        return [this.#warning(`model rerouted: ${fromModel} -> ${toModel} (${reason})`)]
      }
      case "error":
        this.#error = notification.params.error
        return [{ type: "error", message: errorText(this.#error) }]
      case "turn/completed":
        return this.#ended(notification.params.turn)
      default:
        return []
    }
  }

  #started(item: ThreadItem): ReadonlyArray<ExecEvent> {
    if (isText(item)) return []
    return this.#itemEvent(this.#open.has(item.id) ? "item.updated" : "item.started", item)
  }

  #itemEvent(type: string, item: ThreadItem): ReadonlyArray<ExecEvent> {
    const content = contentOf(item)
    if (content === null) return []
    const id = this.#open.get(item.id) ?? this.#nextId()
    this.#open.set(item.id, id)
    return [{ type, item: { id, ...content } }]
  }

  #completed(completed: ThreadItem): ReadonlyArray<ExecEvent> {
    const text = this.#declined.get(completed.id)
    const item: ThreadItem =
      text === undefined || completed.type !== "commandExecution"
        ? completed
        : { ...completed, status: "declined", aggregatedOutput: text }
    const events = this.#itemEvent("item.completed", item)
    this.#declined.delete(item.id)
    this.#open.delete(item.id)
    return events
  }

  #planned(plan: ReadonlyArray<{ readonly step: string; readonly status: string }>): ExecEvent {
    const items = plan.map(({ status, step }) => ({ text: step, completed: status === "completed" }))
    const type = this.#plan === null ? "item.started" : "item.updated"
    const id = this.#plan?.id ?? this.#nextId()
    this.#plan = { id, items }
    return { type, item: { id, type: "todo_list", items } }
  }

  #warning(message: string): ExecEvent {
    return { type: "item.completed", item: { id: this.#nextId(), type: "error", message } }
  }

  #ended(turn: Turn): ReadonlyArray<ExecEvent> {
    const events: Array<ExecEvent> = []
    if (this.#plan !== null) {
      events.push({ type: "item.completed", item: { id: this.#plan.id, type: "todo_list", items: this.#plan.items } })
      this.#plan = null
    }
    if (turn.status === "completed") {
      const usage = this.#usage
      events.push({
        type: "turn.completed",
        usage: {
          input_tokens: usage?.inputTokens ?? 0,
          cached_input_tokens: usage?.cachedInputTokens ?? 0,
          cache_write_input_tokens: usage?.cacheWriteInputTokens ?? 0,
          output_tokens: usage?.outputTokens ?? 0,
          reasoning_output_tokens: usage?.reasoningOutputTokens ?? 0
        }
      })
    }
    if (turn.status === "failed") {
      const error = turn.error ?? this.#error
      events.push({ type: "turn.failed", error: { message: error === null ? "turn failed" : errorText(error) } })
    }
    return events
  }

  #nextId(): string {
    return `item_${this.#items++}`
  }
}

/** A reporter for programs: events on stdout, messages for users on stderr. It declines every approval. */
export const make = (screen: TerminalConsole["Service"]): Reporter => {
  const events = new JsonEvents()
  const write = (event: ExecEvent) => screen.out.write(`${JSON.stringify(event)}\n`)
  const remark = (text: string) => screen.err.write(`${plain(text).trimEnd()}\n`)
  return {
    opened: ({ thread }) => write({ type: "thread.started", thread_id: thread.id }),
    notified: (notification) => Effect.forEach(events.of(notification), write, { discard: true }),
    asked: ({ itemId, subject }) => {
      const text = nobodyToAsk("--json cannot ask for approval")
      events.decline(itemId, text)
      return Effect.as(remark(`${shownOnOneLine(Format.command(subject))}: ${text}`), "nobody" as const)
    },
    remark,
    failed: (message) => remark(`error: ${message}`)
  }
}
