/**
 * The work of a turn between its begin and its end, which are the same for every kind (`TurnRunner`).
 *
 * | kind | what it does | input while it runs |
 * |---|---|---|
 * | `user` | model and tools in alternation | is added |
 * | `shell` | a command that the user runs by hand | is recorded when the command is over, for the next turn |
 * | `compact` | the model summarizes the conversation | is refused: `activeTurnNotSteerable` |
 * | `review` | another model reviews changes | is refused in the same way |
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ModelError } from "../../model/ModelProvider.ts"
import type { TurnCancelled } from "../../tool/Tool.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { TurnClaim } from "../ThreadState.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import type { Notification } from "../ThreadJournal.ts"
import type { ActiveTurn, TurnKind } from "./ActiveTurn.ts"
import type { Message } from "./UserMessage.ts"

/** The task has failed. The message is shown to the user. */
export class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", { message: Schema.String }) {}

/** Why a task does not complete: `TurnCancelled` interrupts the turn, anything else fails it. */
export type TaskError = ModelError | TaskFailed | TurnCancelled

/** The context of a task. */
export interface TurnStep {
  readonly context: ThreadContext
  readonly turn: ActiveTurn
}

/** What is stored and published together with the start of a turn. */
export interface Opening {
  /** Behind the start and the message of the turn. */
  readonly events: ReadonlyArray<ThreadEvent>
  /** In front of those of the start. */
  readonly notifications: ReadonlyArray<Notification>
}

export const noOpening: Opening = { events: [], notifications: [] }

export type TurnTask = TurnKind & {
  readonly opening: Opening
  /** The user's message at the start of the turn; null for a turn without one. */
  readonly message: Message | null
  /** Whether the turn has work to do before its message: the task records the message then. Default: it has none. */
  readonly defersMessage?: (context: ThreadContext) => boolean
  /** Publishes what precedes the status and the start of the turn; the events are stored with the start. */
  readonly preface?: (step: TurnStep) => Effect.Effect<ReadonlyArray<ThreadEvent>>
  /** The id of the turn in `turn/started`. Default: its own. */
  readonly announcedId?: string
  /** What is stored with the start of a turn that goes on after a crash. Absent for a turn that never does. */
  readonly claim?: Pick<TurnClaim, "originator" | "userAgent" | "outputSchema" | "metadata">
  /** The turn started before a crash, and goes on. */
  readonly isRecovered?: true
  /** The work itself. It may be interrupted at any point. */
  readonly run: (step: TurnStep) => Effect.Effect<void, TaskError>
}
