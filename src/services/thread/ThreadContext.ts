/**
 * State shared by the parts of a loaded thread: its journal, its services, and the publication of items and status.
 *
 * Does not own turns (`turn/TurnRunner`), nor what clients ask for (`Thread`), nor how events are stored (`ThreadJournal`).
 *
 * @module
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Scope from "effect/Scope"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type { GitInfo, ThreadStatus } from "../../protocol/v2/thread/Thread.ts"
import type { NotificationParams, ServerNotificationMethod } from "../../protocol/Methods.ts"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { EffectiveConfig, ModelProviderInfo } from "../config/Config.ts"
import type { SmallFiles } from "../config/SmallFiles.ts"
import type { ModelMetadata } from "../model/ModelCatalog.ts"
import type { ModelProvider } from "../model/ModelProvider.ts"
import type { OutboundRouter } from "../routing/OutboundRouter.ts"
import type { ServerRequests } from "../routing/ServerRequests.ts"
import type { ThreadShell } from "../tool/ShellSessions.ts"
import type { CallingModel, Tool, ToolSpec } from "../tool/Tool.ts"
import type { ToolRegistry } from "../tool/ToolRegistry.ts"
import type { Agents } from "./agent/Agents.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { GoalClock } from "./GoalClock.ts"
import { recovers } from "./Recovery.ts"
import { awaitClients, type Notification, type ThreadJournal } from "./ThreadJournal.ts"
import type { ThreadState } from "./ThreadState.ts"
import { HookDesk } from "./HookDesk.ts"
import type { Hooks } from "../hook/Hooks.ts"
import { inEnvironment, isFeatureOff, switchedOn } from "./Switches.ts"
import type { Lookup } from "./ThreadView.ts"
import type { Documents, Instructions } from "./Instructions.ts"
import { type Facts, noFacts, sameStatus, statusOf } from "./ThreadStatus.ts"

/** Services shared by all threads of a server. */
export interface ThreadServices {
  readonly router: OutboundRouter["Service"]
  readonly serverRequests: ServerRequests["Service"]
  readonly model: ModelProvider["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly files: SmallFiles["Service"]
  readonly clock: Clock.Clock
  /** Hooks of all threads; undefined when there are none. */
  readonly hooks?: Hooks["Service"]
  readonly lookup: Lookup
  /** What is known of the repository of a folder; null outside of repositories. */
  readonly gitFacts: (cwd: string) => Effect.Effect<GitInfo | null>
  /** How a model is called. */
  readonly modelMetadata: (model: string) => ModelMetadata
  /** The names of the models that clients are offered. */
  readonly listedModels: Effect.Effect<ReadonlyArray<string>>
  readonly agents: Agents
}

export interface ThreadContextOptions {
  readonly services: ThreadServices
  readonly journal: ThreadJournal
  readonly instructions: Instructions
  readonly registry: ToolRegistry
  readonly shell: ThreadShell
  /** The configuration that the thread was loaded with. */
  readonly config: EffectiveConfig
  /** The scope of the thread. */
  readonly scope: Scope.Scope
  /** The thread's model provider; undefined for that of the server's configuration. */
  readonly provider: ModelProviderInfo | undefined
}

export class ThreadContext {
  readonly services: ThreadServices
  readonly journal: ThreadJournal
  readonly instructions: Instructions
  readonly shell: ThreadShell
  readonly scope: Scope.Scope
  readonly registry: ToolRegistry
  /** The configuration that the thread was loaded with. */
  readonly config: EffectiveConfig
  readonly provider: ModelProviderInfo | undefined
  readonly facts: Facts = noFacts()
  /** The AGENTS.md files that were read last. */
  documents: Documents
  readonly goalClock = new GoalClock()
  readonly hooks: HookDesk
  readonly id: string
  #status: ThreadStatus = { type: "idle" }

  constructor(options: ThreadContextOptions) {
    this.services = options.services
    this.journal = options.journal
    this.instructions = options.instructions
    this.documents = options.instructions.documents
    this.shell = options.shell
    this.scope = options.scope
    this.registry = options.registry
    this.config = options.config
    this.provider = options.provider
    this.id = options.journal.state.origin.id
    this.hooks = new HookDesk({
      id: this.id,
      config: options.config,
      scope: options.scope,
      state: () => this.state,
      hooks: options.services.hooks
    })
  }

  get state(): ThreadState {
    return this.journal.state
  }

  /** The model of the next request. */
  get model(): ModelMetadata {
    return this.services.modelMetadata(this.state.settings.model)
  }

  /** Tokens that a request of that model may use. */
  get contextWindow(): number {
    const configured = this.config.settings["model_context_window"]
    // As the catalogue's windows, without a reserve of 5 %.
    return typeof configured === "number" && configured > 0 ? Math.floor(configured * 0.95) : this.model.contextWindow
  }

  /** That model, as tools see it. */
  get callingModel(): CallingModel {
    const { known, model, supportsApplyPatch } = this.model
    // The program that brings its own model decides about the tools.
    const isOwn = this.services.model.answersAs?.(this.state.settings.modelProvider) !== undefined
    return { name: model, isKnown: known, supportsApplyPatch: supportsApplyPatch || isOwn }
  }

  /** The declarations of the tools for the next request. */
  get offeredTools(): ReadonlyArray<ToolSpec> {
    const { collaborationMode, sandboxPolicy } = this.state.settings
    const offer = { model: this.callingModel, mode: collaborationMode.mode, sandboxPolicy }
    return this.#permitted(this.registry.current).flatMap(({ offered, spec }) =>
      offered === undefined ? [spec] : (offered(offer) ?? [])
    )
  }

  /** Completes when the tools that a model request waits for exist. Undefined when there is nothing to wait for. */
  get toolsReady(): Effect.Effect<void> | undefined {
    return this.registry.ready
  }

  /** The tool that a call names, if it may be called now. */
  findTool(name: string, namespace: string | null): Tool | undefined {
    const tool = this.registry.find(name, namespace)
    return tool === undefined ? undefined : this.#permitted([tool])[0]
  }

  #permitted(tools: ReadonlyArray<Tool>): ReadonlyArray<Tool> {
    return inEnvironment(switchedOn(tools, this.config), this.state.settings.environments)
  }

  /** Whether a turn of this thread goes on after a crash: `recover = "resume"` in the table `spindle`. */
  get isRecovering(): boolean {
    return recovers(this.config)
  }

  /** Whether turns work on the goal of the thread: it is stored, and the feature is not turned off. */
  get hasGoals(): boolean {
    return !this.state.origin.ephemeral && !isFeatureOff(this.config, "goals")
  }

  get status(): ThreadStatus {
    return this.#status
  }

  /** Unix milliseconds. */
  now(): number {
    return this.services.clock.currentTimeMillisUnsafe()
  }

  /** Publishes to the thread's subscribers. Its place in their order is fixed when this is run. */
  notify<M extends ServerNotificationMethod>(method: M, params: NotificationParams<M>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const wait = this.services.router.publishNow(method, params, this.id)
      return wait === undefined ? Effect.void : awaitClients(wait)
    })
  }

  /** See `ThreadJournal.commit`. */
  commit(events: ReadonlyArray<ThreadEvent>, notifications?: ReadonlyArray<Notification>): Effect.Effect<void> {
    return this.journal.commit(events, notifications)
  }

  /** The event for an entry of the conversation. */
  entry(item: ResponseItem): ThreadEvent {
    return { _tag: "ConversationEntry", at: this.now(), item }
  }

  itemStarted(turnId: string, item: ThreadItem): Effect.Effect<void> {
    return Effect.suspend(() => {
      const startedAtMs = item.startedAtMs ?? this.now()
      const started = { ...item, startedAtMs, completedAtMs: null }
      return this.notify("item/started", { item: started, threadId: this.id, turnId, startedAtMs })
    })
  }

  /** Completes the item. `before` are events that are stored together with it, in front of it. */
  itemCompleted(turnId: string, item: ThreadItem, before: ReadonlyArray<ThreadEvent> = []): Effect.Effect<void> {
    return Effect.suspend(() => {
      const completedAtMs = this.now()
      const completed = { ...item, startedAtMs: item.startedAtMs ?? completedAtMs, completedAtMs }
      const params = { item: completed, threadId: this.id, turnId, contentTokenCount: null, completedAtMs }
      return this.commit(
        [...before, { _tag: "ItemCompleted", at: completedAtMs, turnId, item: completed }],
        [{ method: "item/completed", params }]
      ).pipe(
        // After a refused approval the status changes when the item completes.
        Effect.andThen(this.statusChanged)
      )
    })
  }

  /** Publishes the status if it has changed. */
  readonly statusChanged: Effect.Effect<void> = Effect.suspend(() => {
    const status = statusOf(this.facts)
    if (sameStatus(status, this.#status)) return Effect.void
    this.#status = status
    return this.notify("thread/status/changed", { threadId: this.id, status })
  })
}
