/**
 * Requests for turns and commands, and those that a thread has accepted.
 *
 * @module
 */
import type { QueuedSubmission } from "../../../protocol/v2/thread/Queue.ts"
import type { Turn } from "../../../protocol/v2/turn/Turn.ts"
import type { PermittedSettings } from "../../config/Permitted.ts"
import type { UserCommand } from "../../tool/ShellSessions.ts"
import { type ServerDraining, type ThreadClosing, TurnNotSteerable } from "../ThreadError.ts"
import type { ThreadState } from "../ThreadState.ts"
import type { ThreadStoreError } from "../ThreadStore.ts"
import type { ActiveTurn, TurnOptions } from "./ActiveTurn.ts"
import * as Effect from "effect/Effect"
import { noOpening, type Opening } from "./TurnTask.ts"
import type { ClientIdentity } from "./ModelRequests.ts"
import type { Message } from "./UserMessage.ts"

/** A request for a turn. */
export interface TurnRequest {
  readonly message: Message
  readonly options: TurnOptions
  readonly rootTurnId: string | null
  readonly caller: ClientIdentity
  /** The settings from this turn on; null keeps the current ones. */
  readonly settings: PermittedSettings | null
  /** The queued submission that becomes this turn. */
  readonly submissionId?: string
}

/** A turn that the thread has accepted. */
export interface AcceptedTurn {
  /** As in the response to turn/start. */
  readonly turn: Turn
  /** The start of the turn; null when the input was added to a running turn. */
  readonly request: TurnRequest | null
  /** True for input with a key that was accepted before: it is not accepted again. */
  readonly isRepeated?: boolean
}

/** A command of the user that the thread has accepted. */
export interface AcceptedCommand {
  /** Id of its own turn, used when no other turn runs. */
  readonly turnId: string
  readonly command: Omit<UserCommand, "itemId">
}

/** The request for a turn with queued input. */
export const requestOfSubmission = (
  { clientUserMessageId, id, input, responsesapiClientMetadata }: QueuedSubmission,
  caller: ClientIdentity
): TurnRequest => ({
  message: { input, clientId: clientUserMessageId, id },
  options: { outputSchema: null, metadata: responsesapiClientMetadata ?? {} },
  rootTurnId: null,
  caller,
  settings: null,
  submissionId: id
})

/** What is stored together with the start of an accepted turn. `at` is in Unix milliseconds. */
export const openingOf = (threadId: string, { submissionId }: TurnRequest, at: number): Opening =>
  submissionId === undefined
    ? noOpening
    : {
        events: [{ _tag: "QueueRemoved", at, submissionId }],
        notifications: [{ method: "thread/queue/changed", params: { threadId } }]
      }

/** Why a thread does not begin a turn. */
export type Unaccepted = ThreadClosing | ServerDraining | ThreadStoreError

/** Fails when the turn's kind takes no input. */
export const refuseUnsteerable = (
  active: ActiveTurn | undefined,
  purpose: "steer" | "submit"
): Effect.Effect<void, TurnNotSteerable> =>
  active === undefined || active.isClosed || active.kind.steerable
    ? Effect.void
    : Effect.fail(new TurnNotSteerable({ purpose, turnKind: active.kind.kind }))

/** False for queued input that has left the queue since it was accepted. */
export const isQueued = ({ queue }: ThreadState, { submissionId }: TurnRequest): boolean =>
  submissionId === undefined || queue.some(({ id }) => id === submissionId)
