/**
 * The sub-agents of a thread, as the tools of its model see them.
 *
 * Owns the vocabulary between the tools and the engine. Does not own the declarations of the tools (`layers/tools/Agents`), nor
 * the threads of the agents (`services/thread/agent`).
 *
 * ```
 *  spawn ─► pendingInit ─begin─► running ─► completed | errored | interrupted ─send─► running
 *                                   └──────────────── close ─────────────────► shutdown ─resume─► pendingInit
 * ```
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { UserInput } from "../../protocol/v2/turn/UserInput.ts"

/**
 * The state of an agent.
 *
 * - `pendingInit`: no turn has begun since it was started or resumed
 * - `completed`: its last turn has ended; the message is the last one of the agent, or null
 * - `errored`: its last turn has failed
 * - `interrupted`: its last turn was interrupted, and it waits for input
 * - `shutdown`: it was closed or unloaded while somebody waited for it
 * - `notFound`: there is no such agent, or it is not open
 */
export type AgentStatus =
  | { readonly type: "pendingInit" | "running" | "interrupted" | "shutdown" | "notFound" }
  | { readonly type: "completed"; readonly message: string | null }
  | { readonly type: "errored"; readonly message: string }

/** Why a call about an agent does nothing. The model reads the problem. */
export class AgentRefused extends Schema.TaggedError<AgentRefused>()("AgentRefused", {
  /** What is wrong and, where the model can do something, what. */
  problem: Schema.String,
  /**
   * - `arguments`: the call itself is wrong. It has no item
   * - `limit`: a limit of the thread's configuration
   * - `failed`: anything else
   */
  reason: Schema.Literals(["arguments", "limit", "failed"])
}) {
  override get message(): string {
    return this.problem
  }
}

/** A new agent. */
export interface AgentTask {
  readonly input: ReadonlyArray<UserInput>
  /** Null for the model of the calling thread. */
  readonly model: string | null
  /** The reasoning effort; null for that of the calling thread, or the default of another model. */
  readonly effort: string | null
  /** Whether the agent starts with the conversation of the calling thread. */
  readonly forksContext: boolean
}

/** A started agent. It does nothing before `begin`. */
export interface StartedAgent {
  /** The id of its thread. */
  readonly id: string
  /** A name for people. */
  readonly nickname: string
  readonly model: string
  readonly effort: string | null
  /** Begins its first turn. Does not wait for the end of the turn. */
  readonly begin: Effect.Effect<void, AgentRefused>
}

/** Accepted input of an agent. It has no effect before `begin`. */
export interface SentInput {
  /** The turn of the input. */
  readonly turnId: string
  /** The state before the input. */
  readonly status: AgentStatus
  readonly begin: Effect.Effect<void>
}

/**
 * The agents that a thread has started, and those that these have started. Every other thread is unknown here: the thread
 * itself, the one that started it, and the threads of clients.
 */
export interface ToolAgents {
  /** Starts an agent in a thread of its own, with the folder, the policies and the sandbox of the calling thread. */
  readonly spawn: (task: AgentTask) => Effect.Effect<StartedAgent, AgentRefused>
  /** The current state of an agent. */
  readonly status: (id: string) => AgentStatus
  /** Waits until one of the agents is neither starting, running nor interrupted. Empty after `timeoutMs` milliseconds. */
  readonly wait: (
    ids: ReadonlyArray<string>,
    timeoutMs: number
  ) => Effect.Effect<ReadonlyArray<readonly [id: string, status: AgentStatus]>>
  /** Adds input to the running turn of an agent, else starts one. With `interrupt` the running turn ends first. */
  readonly send: (
    id: string,
    input: ReadonlyArray<UserInput>,
    interrupt: boolean
  ) => Effect.Effect<SentInput, AgentRefused>
  /** Ends an agent and its own agents, and returns its state before. Its thread stays stored. */
  readonly close: (id: string) => Effect.Effect<AgentStatus, AgentRefused>
  /** Opens the thread of a closed agent again, and returns the state of the agent. */
  readonly resume: (id: string) => Effect.Effect<AgentStatus, AgentRefused>
}
