/**
 * What loading does with a turn that a crash has cut: it ends as interrupted, or it goes on.
 *
 * A turn goes on when the server was configured so (`recover = "resume"` in the table `spindle`) both when it started and when
 * its thread is loaded again. It goes on when a client resumes the thread, not when the server starts: then somebody is there
 * to answer and to stop it, and a turn that crashes the server does not do so again by itself.
 *
 * ```
 *                 ┌──────────── crash, resume: attempt + 1, at most 3 ───────────┐
 *                 ▼                                                              │
 *  TurnStarted, TurnClaimed(0) ──► runs ──► TurnEnded (completed, failed, interrupted)
 *                 │
 *                 └── crash, resume without a further attempt ──► TurnEnded (interrupted)
 * ```
 *
 * Invariants:
 * - The claim is in the log from the start of the turn to its end, and only the end frees it. A turn without a claim, for
 *   example one of another program or of a user's command, does not go on.
 * - Only the process with the right to write to the thread loads it (`ThreadStore.claim`), so a turn goes on in one process.
 * - An attempt is stored before it begins. An attempt that cannot be stored fails the turn.
 * - A call of a tool is run again only if its request to the clients is pending (`RequestOpened` without `RequestClosed`):
 *   then it has done nothing yet. The output of any other call says that it may have run. An answer closes the request in the
 *   log before the call acts on it, so that a call runs at most once for each answer.
 *
 * Owns these decisions, as functions of states. `turn/RecoveredTurn` runs the turn.
 *
 * @module
 */
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import type { EffectiveConfig } from "../config/Config.ts"
import { ownSetting } from "../config/OwnSettings.ts"
import { callsWithoutOutput, halfMessages, interruptions, outputOf } from "./StoredThread.ts"
import type { ThreadEvent } from "./ThreadEvent.ts"
import { callOf, type OpenRequest, type ThreadState, type TurnState } from "./ThreadState.ts"

/** How often a turn goes on after a crash. */
export const MaxAttempts = 3

/** Whether turns go on after a crash. */
export const recovers = ({ settings }: Pick<EffectiveConfig, "settings">): boolean =>
  ownSetting(settings, "recover") === "resume"

/** The output of a call that is not run again. */
export const cutCall =
  "The server stopped while this call was open, and has restarted. The call may have run in part, in full, or not at all."

/** The running turn with a claim; undefined when there is none. */
export const claimedTurn = (state: ThreadState): TurnState | undefined => {
  const last = state.turns.at(-1)
  return last !== undefined && last.status === "inProgress" && last.id === state.claim?.turnId ? last : undefined
}

/** Whether the turn may go on once more. A turn whose input was not stored has nothing to go on with. */
const mayGoOn = (state: ThreadState, turn: TurnState): boolean =>
  (state.claim?.attempt ?? MaxAttempts) < MaxAttempts && turn.items.some(({ type }) => type === "userMessage")

const goesOn = (state: ThreadState, turn: TurnState, at: number): ReadonlyArray<ThreadEvent> => {
  const { claim } = state
  if (claim === null) return []
  const open = callsWithoutOutput(state)
  const calls = state.openRequests.map(callOf)
  // A call that has asked before, or asks twice, may have done something.
  const isKept = (request: OpenRequest) => {
    const call = callOf(request) ?? ""
    const isOnly = calls.indexOf(call) === calls.lastIndexOf(call) && !state.answeredCalls.includes(call)
    return request.turnId === turn.id && open.has(call) && isOnly
  }
  const kept = new Set(state.openRequests.filter(isKept).map(callOf))
  const others = state.turns.filter(({ id, status }) => status === "inProgress" && id !== turn.id)
  return [
    ...others.map(({ id }): ThreadEvent => ({ _tag: "TurnEnded", at, turnId: id, status: "interrupted", error: null })),
    { _tag: "TurnClaimed", ...claim, at, attempt: claim.attempt + 1 },
    ...halfMessages(state, at),
    ...state.openRequests
      .filter((request) => !isKept(request))
      .map(({ requestId }): ThreadEvent => ({ _tag: "RequestClosed", at, requestId })),
    ...Array.from(open)
      .filter(([callId]) => !kept.has(callId))
      .map(([callId, type]) => outputOf(callId, type, cutCall, at))
  ]
}

/** The turn that goes on when this thread is loaded; undefined when there is none. */
export const turnToGoOn = (state: ThreadState, config: Pick<EffectiveConfig, "settings">): TurnState | undefined => {
  const turn = recovers(config) ? claimedTurn(state) : undefined
  return turn !== undefined && mayGoOn(state, turn) ? turn : undefined
}

/** The events of loading a thread: unfinished turns are interrupted, except the one that goes on. */
export const changesOfLoading = (
  state: ThreadState,
  turn: TurnState | undefined,
  at: number
): ReadonlyArray<ThreadEvent> => (turn === undefined ? interruptions(state, at) : goesOn(state, turn, at))

type CallItem = Extract<ResponseItem, { readonly type: "function_call" | "custom_tool_call" }>

const isCall = (item: ResponseItem): item is CallItem =>
  item.type === "function_call" || item.type === "custom_tool_call"

/** The entry of a call in the conversation. */
export const callInConversation = ({ conversation }: ThreadState, callId: string): CallItem | undefined =>
  conversation.filter(isCall).findLast((item) => item.call_id === callId)
