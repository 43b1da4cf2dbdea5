/**
 * The port to what a model may do: run a command, change a file, ask the user.
 *
 * Owns the shape of a tool and what the turn offers to a running one. Does not own the order in which clients see things:
 * everything a tool says goes through the thread.
 *
 * @module
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type {
  CommandExecutionApprovalDecision,
  CommandExecutionRequestApprovalParams
} from "../../protocol/v2/approval/Approval.ts"
import type { NotificationParams, ServerNotificationMethod } from "../../protocol/Methods.ts"
import type { AskForApproval, SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import type { ConfigWarning, EffectiveConfig } from "../config/Config.ts"

/** How a tool is offered to the model. `parameters` is a JSON Schema object. */
export type ToolSpec =
  | {
      readonly type: "function"
      readonly name: string
      readonly description: string
      readonly parameters: Readonly<Record<string, unknown>>
      readonly strict: boolean
    }
  | {
      readonly type: "custom"
      readonly name: string
      readonly description: string
      readonly format: Readonly<Record<string, unknown>>
    }

/** A call as the model made it. `input` is the raw argument text: JSON for functions, anything for custom tools. */
export interface ToolCall {
  readonly callId: string
  readonly name: string
  readonly namespace: string | null
  readonly input: string
}

/** What goes back to the model. */
export interface ToolOutput {
  readonly text: string
  readonly success: boolean
}

/** The user ended the turn from within an approval (`cancel`). The turn is interrupted, nothing goes to the model. */
export class TurnCancelled extends Schema.TaggedError<TurnCancelled>()("TurnCancelled", {}) {}

/** The client could not be asked, or did not answer in the protocol: the tool reports that to the model. */
export class ApprovalFailed extends Schema.TaggedError<ApprovalFailed>()("ApprovalFailed", {
  reason: Schema.Literals(["error", "malformed", "turnTransition", "overloaded"])
}) {
  override get message(): string {
    return "approval request failed"
  }
}

/** What the protocol's approval request says beyond the item it is about. */
export type CommandApproval = Omit<
  CommandExecutionRequestApprovalParams,
  "kind" | "threadId" | "turnId" | "itemId" | "startedAtMs"
>

/**
 * A turn, as a tool sees it. The item and notification members keep working after the turn has ended, with the turn's id:
 * a command may outlive its turn.
 */
export interface ToolTurn {
  readonly threadId: string
  readonly turnId: string
  /** Absolute. */
  readonly cwd: string
  readonly approvalPolicy: AskForApproval
  readonly sandboxPolicy: SandboxPolicy
  /** Announces the item; its `startedAtMs` is filled in. */
  readonly itemStarted: (item: ThreadItem) => Effect.Effect<void>
  /** Announces the final state, which is what history keeps. */
  readonly itemCompleted: (item: ThreadItem) => Effect.Effect<void>
  readonly notify: <M extends ServerNotificationMethod>(method: M, params: NotificationParams<M>) => Effect.Effect<void>
  /**
   * Asks whether the command may run, in the protocol's order: status `waitingOnApproval`, `item/started` for `item`, the
   * request, `serverRequest/resolved`, status without the flag. Waits for as long as it takes.
   */
  readonly approveCommand: (
    item: ThreadItem,
    approval: CommandApproval
  ) => Effect.Effect<CommandExecutionApprovalDecision, ApprovalFailed>
}

export interface Tool {
  readonly spec: ToolSpec
  /**
   * Keys of `features` that switch the tool off: it is neither offered nor run in a thread in which one of them is false.
   * `shell_tool` is the one for tools that run commands. Default: those of the protocol's tool of this name, or none.
   */
  readonly features?: ReadonlyArray<string>
  /** Never fails for what the model did wrong: that is an output with `success: false`. Interruption is a user's interrupt. */
  readonly run: (call: ToolCall, turn: ToolTurn) => Effect.Effect<ToolOutput, TurnCancelled>
}

/** The tools of a thread cannot be opened safely: the thread is not started. */
export class ToolsRefused extends Schema.TaggedError<ToolsRefused>()("ToolsRefused", {
  /** What is wrong, and with which file. */
  detail: Schema.String
}) {
  override get message(): string {
    return `error creating thread: Fatal error: ${this.detail}`
  }
}

/** What the tools of one thread share. */
export interface ToolThread {
  readonly threadId: string
  /** The configuration the thread was started or resumed with. Its policies are in the turn: they may change. */
  readonly config: EffectiveConfig
  /** Publishes a warning to those who follow the thread. Absent where nobody can. */
  readonly warn?: (warning: ConfigWarning) => void
}

export class Toolset extends Context.Service<
  Toolset,
  {
    /** Opens the tools of a thread. What they keep (sessions, children, approvals for the session) ends with the scope. */
    readonly open: (thread: ToolThread) => Effect.Effect<ReadonlyArray<Tool>, ToolsRefused, Scope.Scope>
  }
>()("spindle/Toolset") {}
