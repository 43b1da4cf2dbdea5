/**
 * What the parts of a loaded thread share: its record, its voice, and the services behind it.
 *
 * Owns how a thread speaks: every item and notification passes here, is put into the record where it belongs there, and
 * goes to the router. Does not own turns (TurnRunner) nor what clients ask for (Thread).
 *
 * @module
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import type { ThreadItem } from "../../protocol/Item.ts"
import type { ThreadStatus } from "../../protocol/Thread.ts"
import type { NotificationParams, ServerNotificationMethod } from "../../protocol/methods/ServerNotifications.ts"
import type { ResponseItem } from "../../protocol/ResponseItem.ts"
import type { ModelProviderInfo } from "../config/Config.ts"
import type { ModelProvider } from "../model/ModelProvider.ts"
import type { OutboundRouter } from "../routing/OutboundRouter.ts"
import type { ServerRequests } from "../routing/ServerRequests.ts"
import type { SmallFiles } from "../config/SmallFiles.ts"
import { apply, type ThreadEvent, type ThreadRecord } from "./ThreadRecord.ts"
import type { ThreadStore } from "./ThreadStore.ts"
import type { Tool } from "../tool/Tool.ts"
import { inEnvironment } from "./Switches.ts"
import { type Facts, noFacts, sameStatus, statusOf } from "./ThreadStatus.ts"

/** The services a thread is made of. */
export interface ThreadServices {
  readonly router: OutboundRouter["Service"]
  readonly serverRequests: ServerRequests["Service"]
  readonly model: ModelProvider["Service"]
  readonly store: ThreadStore["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly files: SmallFiles["Service"]
  readonly clock: Clock.Clock
  /** Whether no turn may start any more, because the server is about to end. */
  readonly isDraining: () => boolean
  /** Tokens the model can take, null when unknown. */
  readonly contextWindow: (model: string) => number | null
}

export class ThreadJournal {
  readonly services: ThreadServices
  readonly record: ThreadRecord
  /** What the model is told before the conversation. */
  readonly preamble: ReadonlyArray<ResponseItem>
  readonly #tools: ReadonlyArray<Tool>
  /** The model server of the thread; undefined leaves it to the server's configuration. */
  readonly provider: ModelProviderInfo | undefined
  readonly facts: Facts = noFacts()
  #status: ThreadStatus = { type: "idle" }

  constructor(
    services: ThreadServices,
    record: ThreadRecord,
    preamble: ReadonlyArray<ResponseItem>,
    tools: ReadonlyArray<Tool>,
    provider: ModelProviderInfo | undefined
  ) {
    this.services = services
    this.record = record
    this.preamble = preamble
    this.#tools = tools
    this.provider = provider
  }

  get id(): string {
    return this.record.origin.id
  }

  /** What the model may call now. */
  get tools(): ReadonlyArray<Tool> {
    return inEnvironment(this.#tools, this.record.settings.environments)
  }

  get status(): ThreadStatus {
    return this.#status
  }

  /** Unix milliseconds. */
  now(): number {
    return this.services.clock.currentTimeMillisUnsafe()
  }

  /** Tells the thread's audience; its place in their order is fixed when this is run. */
  notify<M extends ServerNotificationMethod>(method: M, params: NotificationParams<M>): Effect.Effect<void> {
    return this.services.router.notify(method, params, this.id)
  }

  /** Puts events into the record and the store. */
  write(...events: ReadonlyArray<ThreadEvent>): Effect.Effect<void> {
    return Effect.suspend(() => {
      for (const event of events) apply(this.record, event)
      return this.keep(...events)
    })
  }

  /** Puts events into the store alone. A store that fails is reported; the running turn goes on. */
  keep(...events: ReadonlyArray<ThreadEvent>): Effect.Effect<void> {
    if (this.record.origin.ephemeral) return Effect.void
    return Effect.catch(this.services.store.append(this.id, events), (error) =>
      Effect.logError(error.message, error.cause)
    )
  }

  /**
   * Takes an event that is kept into the record and tells of it, in one step: who joins the thread finds it in the record or
   * hears of it, never both and never neither.
   */
  tell<M extends ServerNotificationMethod>(
    event: ThreadEvent,
    method: M,
    params: NotificationParams<M>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      apply(this.record, event)
      return this.services.router.notifyUnsafe(method, params, this.id)
    })
  }

  /** Adds to the conversation with the model. */
  say(item: ResponseItem): Effect.Effect<void> {
    return this.write({ _tag: "Said", at: this.now(), item })
  }

  itemStarted(turnId: string, item: ThreadItem): Effect.Effect<void> {
    return Effect.suspend(() => {
      const startedAtMs = item.startedAtMs ?? this.now()
      const started = { ...item, startedAtMs, completedAtMs: null }
      return this.notify("item/started", { item: started, threadId: this.id, turnId, startedAtMs })
    })
  }

  itemCompleted(turnId: string, item: ThreadItem): Effect.Effect<void> {
    return Effect.suspend(() => {
      const completedAtMs = this.now()
      const completed = { ...item, startedAtMs: item.startedAtMs ?? completedAtMs, completedAtMs }
      const event = { _tag: "ItemCompleted", at: completedAtMs, turnId, item: completed } as const
      const params = { item: completed, threadId: this.id, turnId, contentTokenCount: null, completedAtMs }
      return this.keep(event).pipe(
        Effect.andThen(this.tell(event, "item/completed", params)),
        // A refused approval leaves the status to the end of its item.
        Effect.andThen(this.statusChanged)
      )
    })
  }

  /** Tells everyone when the facts have made the status another one. */
  readonly statusChanged: Effect.Effect<void> = Effect.suspend(() => {
    const status = statusOf(this.facts)
    if (sameStatus(status, this.#status)) return Effect.void
    this.#status = status
    return this.notify("thread/status/changed", { threadId: this.id, status })
  })
}
