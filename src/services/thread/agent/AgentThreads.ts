/**
 * Opens the threads of agents: with the settings, the configuration and the instructions of the thread that starts them.
 *
 * An agent has the folder, the policies and the sandbox of that thread as they are at that moment. Only its model and its
 * reasoning effort may differ. Does not own who may open which thread (`AgentDesk`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ThreadSettings } from "../../../protocol/v2/thread/Settings.ts"
import { PermittedSettings } from "../../config/Permitted.ts"
import { AgentRefused, type AgentTask } from "../../tool/Agents.ts"
import { claimed, createdBy, type Engine } from "../Creation.ts"
import { changesOfLoading } from "../Recovery.ts"
import { isOnRecord, readState } from "../StoredThread.ts"
import type { Thread } from "../Thread.ts"
import type { ThreadChanges } from "../ThreadChanges.ts"
import type { ThreadEvent, ThreadOrigin } from "../ThreadEvent.ts"
import type { ThreadSetup } from "../ThreadSetup.ts"
import { initial } from "../ThreadState.ts"
import type { AgentParent } from "./Agents.ts"
import { depthOf, placeOf } from "./AgentTree.ts"
import { nicknameFor } from "./Nicknames.ts"

/** An error of the engine as the model reads it. */
export const refusal =
  (what: string) =>
  (error: AgentRefused | { readonly message: string }): AgentRefused =>
    error instanceof AgentRefused ? error : new AgentRefused({ problem: `${what}: ${error.message}`, reason: "failed" })

const invalid = (problem: string) => Effect.fail(new AgentRefused({ problem, reason: "failed" }))

type Policies = Pick<
  ThreadSettings,
  "approvalPolicy" | "approvalsReviewer" | "sandboxPolicy" | "activePermissionProfile"
>

const policies = (settings: ThreadSettings): Policies => ({
  approvalPolicy: settings.approvalPolicy,
  approvalsReviewer: settings.approvalsReviewer,
  sandboxPolicy: settings.sandboxPolicy,
  activePermissionProfile: settings.activePermissionProfile
})

/** The policies as text, to compare them. */
export const policiesOf = (settings: ThreadSettings): string => JSON.stringify(policies(settings))

/** The part of a conversation that an agent may start with: its messages, without calls and reasoning. */
const messagesOf = (conversation: ReadonlyArray<ResponseItem>): ReadonlyArray<ResponseItem> =>
  conversation.filter(({ type }) => type === "message")

/** Maximum number of characters of a name in an error. */
const MaxEchoed = 128

/** How many models an error names. */
const MaxNamed = 5

/** The operations on threads that agents need. */
export interface AgentEngine extends Engine {
  readonly stored: ThreadChanges
}

export class AgentThreads {
  readonly #engine: AgentEngine
  /** The thread that starts or resumes agents. */
  readonly #parent: AgentParent

  constructor(engine: AgentEngine, parent: AgentParent) {
    this.#engine = engine
    this.#parent = parent
  }

  #checkModel = Effect.fnUntraced(function* (this: AgentThreads, { effort, model }: AgentTask) {
    const { services } = this.#engine
    const { state } = this.#parent
    const current = state.settings.model
    const own = services.model.answersAs?.(state.settings.modelProvider)
    const wanted = model ?? current
    const named = wanted.slice(0, MaxEchoed)
    if (wanted !== current && (own !== undefined || !services.modelMetadata(wanted).known)) {
      const names = own === undefined ? (yield* services.listedModels).slice(0, MaxNamed) : [own.model]
      return yield* invalid(`Unknown model \`${named}\` for spawn_agent. Available models: ${names.join(", ")}`)
    }
    const { defaultEffort, known, supportedEfforts } = services.modelMetadata(wanted)
    const supported = known ? supportedEfforts : []
    if (effort !== null && own === undefined && !supported.includes(effort)) {
      const given = effort.slice(0, MaxEchoed)
      return yield* invalid(
        `Reasoning effort \`${given}\` is not supported for model \`${named}\`. Supported reasoning efforts: ${supported.join(", ")}`
      )
    }
    return { model: wanted, effort: effort ?? (wanted === current ? state.settings.effort : defaultEffort) }
  }).bind(this)

  /** The settings of an agent for the task. */
  readonly #settings = Effect.fnUntraced(function* (
    this: AgentThreads,
    task: AgentTask
  ): Effect.fn.Return<PermittedSettings, AgentRefused> {
    const { model, effort } = yield* this.#checkModel(task)
    return yield* this.#permitted(model, effort, this.#parent.state.settings)
  }).bind(this)

  #permitted(model: string, effort: string | null, settings: ThreadSettings) {
    const { collaborationMode } = settings
    const mode = {
      ...collaborationMode,
      settings: { ...collaborationMode.settings, model, reasoning_effort: effort }
    }
    const checked = PermittedSettings.check(this.#parent.config.bounds, {
      ...settings,
      ...policies(this.#parent.state.settings),
      model,
      effort,
      collaborationMode: mode
    })
    return Effect.mapError(
      Effect.fromResult(checked),
      (violation) => new AgentRefused({ problem: violation.refusal, reason: "failed" })
    )
  }

  #setup(settings: PermittedSettings): ThreadSetup {
    const { config, instructions, provider } = this.#parent
    // An agent keeps the configuration that its parent was loaded with.
    return { settings, instructions, provider, config, reread: Effect.succeed(config), warnings: [] }
  }

  /** Opens the thread of a new agent. Nothing runs in it yet. */
  readonly start = Effect.fnUntraced(
    function* (this: AgentThreads, task: AgentTask) {
      const { state } = this.#parent
      const { services, store, threads } = this.#engine
      const { ephemeral, originator, sessionId } = state.origin
      const settings = yield* this.#settings(task)
      const taken = services.agents.loadedIn(sessionId).map((one) => placeOf(one.state.origin)?.nickname)
      const nickname = nicknameFor(yield* services.random.uuidV7(), taken)
      const place = {
        parent_thread_id: this.#parent.id,
        depth: depthOf(state.origin) + 1,
        agent_path: null,
        agent_nickname: nickname,
        agent_role: null
      }
      const agent = { sessionId, source: { subAgent: { thread_spawn: place } } }
      const request = { ephemeral, originator, threadSource: "subagent", agent }
      const source = task.forksContext ? this.#parent.id : null
      const created = yield* createdBy(this.#engine, request, settings.value, source)
      const threadId = created.origin.id
      const forked: ReadonlyArray<ThreadEvent> = task.forksContext
        ? messagesOf(state.conversation).map((item) => ({ _tag: "ConversationEntry", at: created.at, item }))
        : []
      const stored = ephemeral ? Effect.void : store.append(threadId, 0, [created])
      const { thread } = yield* claimed(this.#engine, threadId, ephemeral ? "unstored" : "new", (release) =>
        threads.open({
          threadId,
          setup: this.#setup(settings),
          release,
          state: Effect.as(stored, initial(created)),
          changes: () => forked
        })
      )
      yield* this.#opened(thread, 0)
      return { thread, nickname }
    },
    (starting) => Effect.mapError(starting, refusal("collab spawn failed"))
  ).bind(this)

  /** Loads the thread of a closed agent with the current policies of the parent. `isReachable` decides about its origin. */
  readonly load = Effect.fnUntraced(
    function* (this: AgentThreads, threadId: string, isReachable: (origin: ThreadOrigin) => boolean) {
      const { services, store, threads } = this.#engine
      const unknown = new AgentRefused({ problem: `agent with id ${threadId} not found`, reason: "failed" })
      const loaded = claimed(this.#engine, threadId, "stored", (release) =>
        Effect.gen({ self: this }, function* () {
          const state = yield* readState(store, threadId)
          if (state === null || !isOnRecord(state) || state.archived || !isReachable(state.origin))
            return yield* unknown
          const settings = yield* this.#permitted(state.settings.model, state.settings.effort, state.settings)
          const at = services.clock.currentTimeMillisUnsafe()
          const changed: ThreadEvent = { _tag: "SettingsChanged", at, settings: settings.value }
          const { thread } = yield* threads.open({
            threadId,
            setup: this.#setup(settings),
            release,
            state: Effect.succeed(state),
            changes: () => [...changesOfLoading(state, undefined, at), changed],
            mark: state.mark
          })
          return { thread, since: state.turns.length }
        })
      )
      const { since, thread } = yield* this.#engine.stored.locked(threadId, loaded)
      yield* this.#opened(thread, since)
      return thread
    },
    (loading) => Effect.mapError(loading, refusal("collab tool failed"))
  ).bind(this)

  /** The clients of the parent get what the agent does, and its questions. */
  readonly #opened = Effect.fnUntraced(function* (this: AgentThreads, thread: Thread, since: number) {
    const { agents, router } = this.#engine.services
    agents.opened(thread.id, { since, policies: policiesOf(thread.settings) })
    for (const subscriber of router.subscribers(this.#parent.id)) router.subscribe(thread.id, subscriber)
    const params = { threadId: thread.id, status: thread.status }
    yield* router.notify("thread/status/changed", params, thread.id)
  }).bind(this)

  /**
   * The settings with which an agent takes input: with the current policies of the parent, unless a client has given the agent
   * its own. Null when nothing changes.
   */
  policiesFor(thread: Thread): Effect.Effect<PermittedSettings | null, AgentRefused> {
    return Effect.suspend(() => {
      const { settings } = thread
      const agent = this.#engine.services.agents.find(thread.id)
      const wanted = policiesOf(this.#parent.state.settings)
      if (agent === undefined || policiesOf(settings) !== agent.policies || wanted === agent.policies) {
        return Effect.succeed(null)
      }
      agent.policies = wanted
      return this.#permitted(settings.model, settings.effort, settings)
    })
  }
}
