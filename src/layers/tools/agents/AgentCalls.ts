/**
 * The work of the tools for sub-agents: their arguments, their items and their results.
 *
 * A call with wrong arguments has no item. Every other call is one item of type `collabAgentToolCall`, also when it is refused.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { CollabAgentToolCallItem } from "../../../protocol/v2/item/WorkItem.ts"
import { toModel } from "../../../services/thread/agent/AgentTree.ts"
import { AgentRefused, type AgentStatus, type AgentTask, type ToolAgents } from "../../../services/tool/Agents.ts"
import { failure, text, type Tool, type ToolCall, type ToolOutput, type ToolTurn } from "../../../services/tool/Tool.ts"
import { read } from "../Arguments.ts"
import * as Inputs from "./AgentInputs.ts"

/** How long `wait_agent` waits unless told otherwise, in milliseconds; then its limits. */
const DefaultWait = 30_000
const MinWait = 10_000
const MaxWait = 3_600_000

/** Maximum number of characters of an agent's message in a status. */
const MaxMessage = 64 * 1024

const cut = (message: string): string =>
  message.length <= MaxMessage
    ? message
    : `${message.slice(0, MaxMessage)}… (cut; the thread of the agent has the rest)`

const bounded = (status: AgentStatus): AgentStatus =>
  (status.type === "completed" || status.type === "errored") && status.message !== null
    ? { ...status, message: cut(status.message) }
    : status

type States = CollabAgentToolCallItem["agentsStates"]

const statesOf = (statuses: ReadonlyArray<readonly [string, AgentStatus]>): States =>
  Object.fromEntries(
    statuses.map(([id, status]) => {
      const { type, message = null } = { message: null, ...bounded(status) }
      return [id, { status: type, message }]
    })
  )

const isBad = ({ type }: AgentStatus): boolean => type === "errored" || type === "notFound"

/** The arguments, or the text about what is wrong with them. */
const parsed = <S extends Schema.Codec<unknown, unknown>, A>(
  schema: () => S,
  call: ToolCall,
  check: (value: S["Type"]) => Result.Result<A, string>
): Effect.Effect<A, AgentRefused> =>
  Effect.mapError(
    Effect.fromResult(Result.flatMap(read(schema, call.input), check)),
    (problem) => new AgentRefused({ problem, reason: "arguments" })
  )

const itemOf = (
  call: ToolCall,
  turn: ToolTurn,
  members: Pick<CollabAgentToolCallItem, "tool"> & Partial<CollabAgentToolCallItem>
): CollabAgentToolCallItem => ({
  type: "collabAgentToolCall",
  id: call.callId,
  status: "inProgress",
  senderThreadId: turn.threadId,
  receiverThreadIds: [],
  prompt: null,
  model: null,
  reasoningEffort: null,
  agentsStates: {},
  startedAtMs: null,
  completedAtMs: null,
  ...members
})

/** What a call has done: its final item, its output, and what follows the item. */
interface Done {
  readonly item: Partial<CollabAgentToolCallItem>
  readonly output: unknown
  readonly begin?: Effect.Effect<void, AgentRefused>
}

/** Publishes the call as an item around its work. An interrupted call has a final item too. */
const shown = (
  turn: ToolTurn,
  item: CollabAgentToolCallItem,
  work: Effect.Effect<Done, AgentRefused>,
  onRefused: () => Partial<CollabAgentToolCallItem> = () => ({})
): Effect.Effect<ToolOutput, AgentRefused> => {
  const completed = (exit: Exit.Exit<Done, AgentRefused>) =>
    turn.itemCompleted(
      Exit.isSuccess(exit)
        ? { ...item, status: "completed", ...exit.value.item }
        : { ...item, status: Exit.hasInterrupts(exit) ? "interrupted" : "failed", ...onRefused() }
    )
  return turn.itemStarted(item).pipe(
    Effect.andThen(Effect.onExit(work, completed)),
    Effect.tap(({ begin }) => begin ?? Effect.void),
    Effect.map(({ output }) => text(JSON.stringify(output)))
  )
}

/** A limit of the configuration is a matter of the user too, so its clients are warned. */
const answered = (turn: ToolTurn, output: Effect.Effect<ToolOutput, AgentRefused>): Effect.Effect<ToolOutput> =>
  Effect.catchTag(output, "AgentRefused", ({ message, reason }) =>
    Effect.as(
      reason === "limit" ? turn.notify("warning", { threadId: turn.threadId, message }) : Effect.void,
      failure(message)
    )
  )

const call = (work: (agents: ToolAgents, call: ToolCall, turn: ToolTurn) => Effect.Effect<ToolOutput, AgentRefused>) =>
  ((call, turn) =>
    answered(
      turn,
      Effect.flatMap(turn.agents, (agents) => work(agents, call, turn))
    )) satisfies Tool["run"]

export const spawnAgent = call((agents, call, turn) =>
  Effect.gen(function* () {
    const { fork_context, input, model, reasoning_effort } = yield* parsed(Inputs.Spawn, call, Inputs.withInput)
    const task: AgentTask = {
      input,
      model: model ?? null,
      effort: reasoning_effort ?? null,
      forksContext: fork_context ?? false
    }
    const item = itemOf(call, turn, {
      tool: "spawnAgent",
      prompt: Inputs.promptOf(input),
      model: task.model ?? "",
      reasoningEffort: task.effort ?? "medium"
    })
    const spawned = Effect.map(agents.spawn(task), ({ begin, effort, id, model, nickname }) => ({
      item: {
        receiverThreadIds: [id],
        model,
        reasoningEffort: effort ?? "medium",
        agentsStates: statesOf([[id, agents.status(id)]])
      },
      output: { agent_id: id, nickname },
      begin
    }))
    // An agent without a task would take a place, and nobody would know of it.
    return yield* Effect.uninterruptible(shown(turn, item, spawned))
  })
)

export const waitAgent = call((agents, call, turn) =>
  Effect.gen(function* () {
    const { targets, timeout } = yield* parsed(Inputs.Wait, call, ({ targets, timeout_ms }) =>
      Result.map(Inputs.idsOf(targets ?? []), (targets) => ({ targets, timeout: timeout_ms ?? DefaultWait }))
    )
    if (!(timeout > 0)) {
      return yield* new AgentRefused({ problem: "timeout_ms must be greater than zero", reason: "arguments" })
    }
    const item = itemOf(call, turn, { tool: "wait", receiverThreadIds: targets })
    const waited = Effect.map(
      agents.wait(targets, Math.min(MaxWait, Math.max(MinWait, timeout))),
      (finished): Done => ({
        item: {
          receiverThreadIds: finished.map(([id]) => id),
          agentsStates: statesOf(finished),
          status: finished.some(([, status]) => isBad(status)) ? "failed" : "completed"
        },
        output: {
          status: Object.fromEntries(finished.map(([id, status]) => [id, toModel(bounded(status))])),
          timed_out: finished.length === 0
        }
      })
    )
    return yield* shown(turn, item, waited)
  })
)

/** The states of an item about one agent. */
const stateOf = (agents: ToolAgents, id: string) => ({ agentsStates: statesOf([[id, agents.status(id)]]) })

export const sendInput = call((agents, call, turn) =>
  Effect.gen(function* () {
    const { input, interrupt, target } = yield* parsed(Inputs.Send, call, Inputs.withInput)
    const id = yield* Effect.mapError(
      Effect.fromResult(Inputs.idOf(target)),
      (problem) => new AgentRefused({ problem, reason: "arguments" })
    )
    const item = itemOf(call, turn, { tool: "sendInput", receiverThreadIds: [id], prompt: Inputs.promptOf(input) })
    const sent = Effect.map(agents.send(id, input, interrupt ?? false), ({ begin, status, turnId }) => ({
      item: { agentsStates: statesOf([[id, status]]) },
      output: { submission_id: turnId },
      begin
    }))
    return yield* shown(turn, item, sent, () => stateOf(agents, id))
  })
)

export const closeAgent = call((agents, call, turn) =>
  Effect.gen(function* () {
    const id = yield* parsed(Inputs.Close, call, ({ target }) => Inputs.idOf(target))
    const item = itemOf(call, turn, { tool: "closeAgent", receiverThreadIds: [id] })
    const closed = Effect.map(agents.close(id), (status) => ({
      item: { agentsStates: statesOf([[id, status]]) },
      output: { previous_status: toModel(bounded(status)) }
    }))
    return yield* shown(turn, item, closed, () => stateOf(agents, id))
  })
)

export const resumeAgent = call((agents, call, turn) =>
  Effect.gen(function* () {
    const id = yield* parsed(Inputs.Resume, call, ({ id }) => Inputs.idOf(id))
    const item = itemOf(call, turn, { tool: "resumeAgent", receiverThreadIds: [id] })
    const resumed = Effect.map(agents.resume(id), (status) => ({
      item: { agentsStates: statesOf([[id, status]]) },
      output: { status: toModel(bounded(status)) }
    }))
    return yield* Effect.uninterruptible(shown(turn, item, resumed, () => stateOf(agents, id)))
  })
)
