/**
 * Publishes the model's messages of a turn in plan mode: the plan as an item of type `plan`, the rest as the message.
 *
 * ```
 *  message ─► item/started agentMessage (with its first text) ─► deltas ─────────────────────► item/completed agentMessage
 *  plan    ─► item/started plan ─► item/plan/delta… ─► (end of the message) item/completed plan ──┘
 * ```
 *
 * A turn has one plan: that of the first message with one. A message of nothing but a plan has no item of its own.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { AgentMessageItem, PlanItem } from "../../../protocol/v2/item/Item.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { type Piece, PlanReader, split } from "./PlanText.ts"

/** One message of the model. */
interface Message {
  readonly reader: PlanReader
  /** Whitespace in front of its first text. */
  leading: string
  /** When its item was announced, in Unix milliseconds; undefined before that. */
  startedAtMs: number | undefined
}

const messageItem = (id: string, text: string): AgentMessageItem => ({
  type: "agentMessage",
  moderation: null,
  id,
  text,
  phase: null,
  memoryCitation: null,
  delivery: null,
  questions: null
})

export class PlanStream {
  readonly #context: ThreadContext
  readonly #turn: ActiveTurn
  readonly #messages = new Map<string, Message>()

  constructor(context: ThreadContext, turn: ActiveTurn) {
    this.#context = context
    this.#turn = turn
  }

  /** A message begins. Its item is announced with its first text. */
  started(itemId: string): void {
    this.#messages.set(itemId, { reader: new PlanReader(), leading: "", startedAtMs: undefined })
  }

  /** More text of a message that has begun. */
  delta(itemId: string, text: string): Effect.Effect<void> {
    const message = this.#messages.get(itemId)
    return message === undefined ? Effect.void : this.#publish(itemId, message, message.reader.feed(text))
  }

  /** The answer starts over. */
  clear(): void {
    this.#messages.clear()
  }

  /** The whole message. `item` is its final item with the whole text, `entry` its entry of the conversation. */
  done(item: AgentMessageItem, entry: ThreadEvent): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const streamed = this.#messages.get(item.id)
      if (streamed !== undefined) yield* this.#publish(item.id, streamed, streamed.reader.end())
      this.#messages.delete(item.id)
      const { message, plan } = split(item.text)
      yield* this.#context.commit([entry])
      if (plan !== null) yield* this.#planDone(plan)
      if (message.trim() === "") return
      const whole = { ...item, text: message }
      const startedAtMs = streamed?.startedAtMs ?? this.#context.now()
      this.#turn.lastAgentMessage = whole
      if (streamed?.startedAtMs === undefined)
        yield* this.#context.itemStarted(this.#turn.id, { ...whole, startedAtMs })
      yield* this.#context.itemCompleted(this.#turn.id, { ...whole, startedAtMs })
    })
  }

  #publish(itemId: string, message: Message, pieces: ReadonlyArray<Piece>): Effect.Effect<void> {
    return Effect.forEach(pieces, (piece) => this.#piece(itemId, message, piece), { discard: true })
  }

  #piece(itemId: string, message: Message, piece: Piece): Effect.Effect<void> {
    switch (piece._tag) {
      case "Message":
        return this.#messageText(itemId, message, piece.text)
      case "PlanStarted":
        return this.#planStarted
      case "Plan":
        return this.#planText(piece.text)
    }
  }

  #messageText(itemId: string, message: Message, text: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { id: threadId } = this.#context
      const delta = message.leading + text
      if (message.startedAtMs === undefined && delta.trim() === "") {
        message.leading = delta
        return Effect.void
      }
      const isFirst = message.startedAtMs === undefined
      message.startedAtMs ??= this.#context.now()
      message.leading = ""
      const item = { ...messageItem(itemId, ""), startedAtMs: message.startedAtMs }
      return Effect.andThen(
        isFirst ? this.#context.itemStarted(this.#turn.id, item) : Effect.void,
        this.#context.notify("item/agentMessage/delta", { threadId, turnId: this.#turn.id, itemId, delta })
      )
    })
  }

  #plan(text: string): PlanItem {
    return { type: "plan", id: `${this.#turn.id}-plan`, text, startedAtMs: this.#turn.plan.startedAtMs }
  }

  readonly #planStarted: Effect.Effect<void> = Effect.suspend(() => {
    const { plan } = this.#turn
    if (plan.startedAtMs !== null) return Effect.void
    plan.startedAtMs = this.#context.now()
    return this.#context.itemStarted(this.#turn.id, this.#plan(""))
  })

  #planText(delta: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#turn.plan.isDone) return Effect.void
      const { id: threadId } = this.#context
      const { id: itemId } = this.#plan("")
      return this.#context.notify("item/plan/delta", { threadId, turnId: this.#turn.id, itemId, delta })
    })
  }

  #planDone(text: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { plan } = this.#turn
      if (plan.isDone) return Effect.void
      plan.isDone = true
      return Effect.andThen(
        this.#planStarted,
        Effect.suspend(() => this.#context.itemCompleted(this.#turn.id, this.#plan(text)))
      )
    })
  }
}
