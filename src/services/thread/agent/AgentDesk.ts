/**
 * What the tools of one call may do with agents: start, instruct, wait for, close and resume them.
 *
 * Owns which threads a call may reach, the limits, and the message that a thread gets when its agent has finished. Does not
 * own how the thread of an agent is opened (`AgentThreads`). Loaded with the first call.
 *
 * @module
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { UserInput } from "../../../protocol/v2/turn/UserInput.ts"
import { AgentRefused, type AgentStatus, type AgentTask, type ToolAgents } from "../../tool/Agents.ts"
import type { Thread } from "../Thread.ts"
import type { AgentParent } from "./Agents.ts"
import { type AgentEngine, AgentThreads, refusal } from "./AgentThreads.ts"
import { isFinal, limitsOf, placeOf, statusOf, toModel } from "./AgentTree.ts"

const notFound: AgentStatus = { type: "notFound" }

const unknown = (id: string) => new AgentRefused({ problem: `agent with id ${id} not found`, reason: "failed" })

const limit = (problem: string) => Effect.fail(new AgentRefused({ problem, reason: "limit" }))

/** The most levels that are looked at for the thread which has started an agent. */
const MaxLevels = 64

class AgentDesk implements ToolAgents {
  readonly #engine: AgentEngine
  readonly #parent: AgentParent
  readonly #rootTurnId: string
  readonly #threads: AgentThreads

  constructor(engine: AgentEngine, parent: AgentParent, rootTurnId: string) {
    this.#engine = engine
    this.#parent = parent
    this.#rootTurnId = rootTurnId
    this.#threads = new AgentThreads(engine, parent)
  }

  get #agents() {
    return this.#engine.services.agents
  }

  get #sessionId(): string {
    return this.#parent.state.origin.sessionId
  }

  /** Whether this thread has started the thread with that parent, itself or through its agents. */
  #isBelow(parentId: string | undefined): boolean {
    const { threads } = this.#engine
    let above = parentId
    for (let level = 0; above !== undefined && level < MaxLevels; level++) {
      if (above === this.#parent.id) return true
      const thread = threads.find(above)
      above = thread === undefined ? undefined : placeOf(thread.state.origin)?.parentId
    }
    return false
  }

  #find(id: string): Thread | undefined {
    const thread = this.#engine.threads.find(id)
    if (thread === undefined || thread.state.origin.sessionId !== this.#sessionId) return undefined
    return this.#isBelow(placeOf(thread.state.origin)?.parentId) ? thread : undefined
  }

  #open(id: string): Effect.Effect<Thread, AgentRefused> {
    return Effect.suspend(() => {
      const thread = this.#find(id)
      return thread === undefined ? Effect.fail(unknown(id)) : Effect.succeed(thread)
    })
  }

  #statusOf(thread: Thread): AgentStatus {
    return thread.isRunning ? { type: "running" } : statusOf(thread.state, this.#agents.find(thread.id)?.since ?? 0)
  }

  /** Fails when the agents of the tree may use no more tokens. */
  get #affordable(): Effect.Effect<void, AgentRefused> {
    return Effect.suspend(() => {
      const exhausted = this.#agents.exhausted(this.#sessionId, limitsOf(this.#parent.config))
      return exhausted === undefined ? Effect.void : limit(`${exhausted}; do the work yourself`)
    })
  }

  /** Runs the effect with a place for one more agent. */
  #placed<A>(effect: Effect.Effect<A, AgentRefused>): Effect.Effect<A, AgentRefused> {
    const placed = Effect.suspend(() => {
      const free = this.#agents.take(this.#sessionId, limitsOf(this.#parent.config))
      if (free === undefined) return limit("collab spawn failed: agent thread limit reached")
      return Effect.ensuring(effect, Effect.sync(free))
    })
    return Effect.andThen(this.#affordable, placed)
  }

  readonly spawn = (task: AgentTask) =>
    this.#placed(this.#threads.start(task)).pipe(
      Effect.tap(({ thread }) => this.#reported(thread.id)),
      Effect.map(({ nickname, thread }) => ({
        id: thread.id,
        nickname,
        model: thread.settings.model,
        effort: thread.settings.effort,
        begin: Effect.flatMap(this.#accept(thread, task.input), ({ begin }) => begin)
      }))
    )

  readonly status = (id: string): AgentStatus => {
    const thread = this.#find(id)
    return thread === undefined ? notFound : this.#statusOf(thread)
  }

  readonly wait = (ids: ReadonlyArray<string>, timeoutMs: number) =>
    Effect.map(
      Effect.timeoutOption(this.#final(ids), Duration.millis(timeoutMs)),
      Option.getOrElse((): ReadonlyArray<readonly [string, AgentStatus]> => [])
    )

  /** Waits until one of the agents has finished. */
  #final(ids: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<readonly [string, AgentStatus]>> {
    return Effect.callback((resume) => {
      const open = new Set(ids.filter((id) => this.#find(id) !== undefined))
      const look = () => {
        const found = ids.flatMap((id) => {
          const status = this.status(id)
          if (!isFinal(status)) return []
          const ended: AgentStatus = status.type === "notFound" && open.has(id) ? { type: "shutdown" } : status
          return [[id, ended] as const]
        })
        if (found.length > 0) resume(Effect.succeed(found))
      }
      const stops = Array.from(open, (id) => this.#agents.watch(id, look))
      look()
      return Effect.sync(() => {
        for (const stop of stops) stop()
      })
    })
  }

  /** Reports the end of the agent's work to this thread, once. Nobody is told when this thread is unloaded first. */
  #reported(id: string): Effect.Effect<void> {
    const reported = Effect.gen({ self: this }, function* () {
      const [[, status] = [id, notFound] as const] = yield* this.#final([id])
      const text = JSON.stringify({ agent_path: id, status: toModel(status) })
      const content = [
        { type: "input_text" as const, text: `<subagent_notification>\n${text}\n</subagent_notification>` }
      ]
      const parent = this.#engine.threads.find(this.#parent.id)
      yield* parent?.addEntries([{ type: "message", role: "user", content }]) ?? Effect.void
    })
    const logged = Effect.catchCause(reported, (cause) =>
      Effect.logWarning("the end of an agent is not reported", cause)
    )
    return Effect.asVoid(Effect.forkIn(logged, this.#parent.scope, { startImmediately: true }))
  }

  #accept(thread: Thread, input: ReadonlyArray<UserInput>) {
    const caller = this.#engine.threads.find(this.#parent.id)?.queue.identity ?? thread.queue.identity
    const accepted = Effect.flatMap(this.#threads.policiesFor(thread), (settings) =>
      thread.accept({
        message: { input, clientId: null },
        options: { outputSchema: null, metadata: {} },
        rootTurnId: this.#rootTurnId,
        caller,
        settings
      })
    )
    return Effect.map(Effect.mapError(accepted, refusal("collab tool failed")), (turn) => ({
      turnId: turn.turn.id,
      begin: thread.begin(turn)
    }))
  }

  readonly send = (id: string, input: ReadonlyArray<UserInput>, interrupt: boolean) =>
    Effect.gen({ self: this }, function* () {
      const thread = yield* this.#open(id)
      yield* this.#affordable
      const accepted = this.#accept(thread, input)
      const status = () => this.#statusOf(thread)
      if (!interrupt) return { status: status(), ...(yield* accepted) }
      return yield* thread.withoutTurn(
        Effect.suspend(() => Effect.map(accepted, (sent) => ({ status: status(), ...sent })))
      )
    })

  readonly close = (id: string) =>
    Effect.gen({ self: this }, function* () {
      const thread = yield* this.#open(id)
      const status = this.#statusOf(thread)
      // A thread ends before those that it has started, so that it starts no others.
      for (const one of [thread, ...this.#agents.below(thread)]) {
        yield* Effect.mapError(this.#engine.stored.end(one.id), refusal("collab tool failed"))
      }
      return status
    })

  readonly resume = (id: string) =>
    Effect.suspend(() => {
      const open = this.#find(id)
      if (open !== undefined) return Effect.succeed(this.#statusOf(open))
      const loaded = this.#threads.load(
        id,
        ({ sessionId, source }) => sessionId === this.#sessionId && this.#isBelow(placeOf({ source })?.parentId)
      )
      return this.#placed(loaded).pipe(
        Effect.tap(() => this.#reported(id)),
        Effect.map((thread) => this.#statusOf(thread))
      )
    })
}

/** The agents of a thread for a call in a turn with this root. */
export const make = (engine: AgentEngine, parent: AgentParent, rootTurnId: string): ToolAgents =>
  new AgentDesk(engine, parent, rootTurnId)
