/**
 * The thread as a reviewer sees it: with a conversation, instructions, a model and tools of its own.
 *
 * Items, requests to the clients and the status are those of the thread. Entries of the conversation and counted tokens are not:
 * they end with the review. The reviewer's messages are not published as such, because they are the review's result in another
 * form.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { NotificationParams, ServerNotificationMethod } from "../../../protocol/Methods.ts"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { Tool, ToolSpec } from "../../tool/Tool.ts"
import { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import type { Notification } from "../ThreadJournal.ts"
import type { ThreadState } from "../ThreadState.ts"
import type { Facts } from "../ThreadStatus.ts"
import { reviewInstructions } from "./ReviewText.ts"

/** The tools of a reviewer: those that look. */
const Tools: ReadonlySet<string> = new Set(["exec_command", "write_stdin", "view_image"])

const Unpublished: ReadonlySet<ServerNotificationMethod> = new Set([
  "item/agentMessage/delta",
  "thread/tokenUsage/updated"
])

export class ReviewContext extends ThreadContext {
  override readonly facts: Facts
  override readonly statusChanged: Effect.Effect<void>
  #conversation: ReadonlyArray<ResponseItem> = []
  #seen:
    | { readonly of: ThreadState; readonly conversation: ReadonlyArray<ResponseItem>; readonly state: ThreadState }
    | undefined
  /** The reviewer's last message. */
  answer = ""

  constructor(thread: ThreadContext) {
    super({
      services: thread.services,
      journal: thread.journal,
      instructions: { ...thread.instructions, base: reviewInstructions, documents: thread.documents },
      registry: thread.registry,
      shell: thread.shell,
      config: thread.config,
      scope: thread.scope,
      provider: thread.provider
    })
    this.facts = thread.facts
    this.statusChanged = thread.statusChanged
  }

  override get state(): ThreadState {
    const of = this.journal.state
    if (this.#seen?.of !== of || this.#seen.conversation !== this.#conversation) {
      const conversation = this.#conversation
      this.#seen = { of, conversation, state: { ...of, conversation, settings: this.#settings(of) } }
    }
    return this.#seen.state
  }

  #settings({ settings }: ThreadState): ThreadState["settings"] {
    const configured = this.config.settings["review_model"]
    const model = typeof configured === "string" && configured.trim() !== "" ? configured : settings.model
    const mode = { model, reasoning_effort: null, developer_instructions: null }
    return {
      ...settings,
      model,
      effort: model === settings.model ? settings.effort : null,
      collaborationMode: { mode: "default", settings: mode }
    }
  }

  override get offeredTools(): ReadonlyArray<ToolSpec> {
    return super.offeredTools.filter(({ name }) => Tools.has(name))
  }

  override findTool(name: string, namespace: string | null): Tool | undefined {
    return namespace === null && Tools.has(name) ? super.findTool(name, namespace) : undefined
  }

  override notify<M extends ServerNotificationMethod>(method: M, params: NotificationParams<M>): Effect.Effect<void> {
    return Unpublished.has(method) ? Effect.void : super.notify(method, params)
  }

  override commit(
    events: ReadonlyArray<ThreadEvent>,
    notifications?: ReadonlyArray<Notification>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const entries = events.flatMap((event) => (event._tag === "ConversationEntry" ? [event.item] : []))
      if (entries.length > 0) this.#conversation = [...this.#conversation, ...entries]
      const rest = events.filter(({ _tag }) => _tag !== "ConversationEntry" && _tag !== "TokensCounted")
      return rest.length === 0 && (notifications ?? []).length === 0 ? Effect.void : super.commit(rest, notifications)
    })
  }

  override itemCompleted(
    turnId: string,
    item: ThreadItem,
    before: ReadonlyArray<ThreadEvent> = []
  ): Effect.Effect<void> {
    if (item.type !== "agentMessage") return super.itemCompleted(turnId, item, before)
    this.answer = item.text
    return this.commit(before)
  }
}
