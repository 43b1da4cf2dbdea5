/**
 * The port to tools of a model: run a command, change a file, ask the user.
 *
 * Owns the shape of a tool, its output for the model, and what a turn offers to a running call. Does not own which tools a
 * thread has (`ToolRegistry`), nor the order that clients see: a tool publishes only through the thread.
 *
 * ```
 *  model ─ call ─► Tool.run(call, turn) ─ ToolOutput ─► model
 *                     │ itemStarted, itemCompleted, notify, progress ─► subscribers
 *                     └ ask(method, params) ◄──── answer ──────────────── a client
 * ```
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ThreadItem } from "../../protocol/v2/item/Item.ts"
import type {
  NotificationParams,
  ServerNotificationMethod,
  ServerRequestMethod,
  ServerRequestParams,
  ServerRequestResult
} from "../../protocol/Methods.ts"
import type { ToolAgents } from "./Agents.ts"
import type { ThreadGoal } from "../../protocol/v2/thread/Goal.ts"
import type { AskForApproval, ModeKind, SandboxPolicy } from "../../protocol/v2/thread/Settings.ts"
import type { ImageDetail } from "../../protocol/v2/turn/UserInput.ts"

/** A group of tools. The description is that of the first tool of the group. */
export interface ToolNamespace {
  /** The first part of the full name of each tool of the group. */
  readonly name: string
  /** What the group is for, for the model. */
  readonly description: string
}

/** The declaration of a tool for the model. `parameters` is a JSON Schema object. Tools of different namespaces may share a name. */
export type ToolSpec =
  | {
      readonly type: "function"
      /** Unique in the thread, or in the namespace. */
      readonly name: string
      /** The group that the tool belongs to. Default: none. */
      readonly namespace?: ToolNamespace
      /** What the tool does and when to use it, for the model. */
      readonly description: string
      /** JSON Schema of the arguments; an object. */
      readonly parameters: Readonly<Record<string, unknown>>
      /** Whether the model server enforces the schema. It must then be in the subset that the server supports. */
      readonly strict: boolean
    }
  | {
      readonly type: "custom"
      /** Unique in the thread. */
      readonly name: string
      /** What the tool does and when to use it, for the model. */
      readonly description: string
      /** The grammar of the input, in the form of the Responses API. */
      readonly format: Readonly<Record<string, unknown>>
    }
  | {
      /** A tool that the model server runs itself, such as its web search. Other models are not offered it. */
      readonly type: "hosted"
      /** The tool's name for features and for the registry. */
      readonly name: string
      /** What the tool does. The model server has its own text, so this one is not sent. */
      readonly description: string
      /** The entry of `tools` in the request, in the form of the Responses API. */
      readonly declaration: Readonly<Record<string, unknown>>
    }

/** A call by the model. `input` is the raw argument text: JSON for functions, anything for custom tools. */
export interface ToolCall {
  /** Identifies the call in the conversation. */
  readonly callId: string
  /** The tool's name without its namespace. */
  readonly name: string
  /** Null for a tool outside of a namespace. */
  readonly namespace: string | null
  /** The arguments, as the model wrote them. */
  readonly input: string
}

/** A part of a tool's output. `structured` is sent as JSON text. */
export type ToolContent =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "image"
      /** A URL, data URLs included. */
      readonly url: string
      /** The resolution for the model. Default: the model's own. */
      readonly detail?: ImageDetail
    }
  | { readonly type: "structured"; readonly value: Schema.Json }

/** The output of a tool for the model. */
export interface ToolOutput {
  /** The parts, in order. */
  readonly content: ReadonlyArray<ToolContent>
  /** Whether the call did what the model asked for. */
  readonly success: boolean
}

/** The output of a successful call, as text. */
export const text = (text: string): ToolOutput => ({ content: [{ type: "text", text }], success: true })

/** The output of a failed call. The model reads the text. */
export const failure = (text: string): ToolOutput => ({ content: [{ type: "text", text }], success: false })

/** The user ended the turn from within an approval (`cancel`). The turn is interrupted, and the model gets no output. */
export class TurnCancelled extends Schema.TaggedError<TurnCancelled>()("TurnCancelled", {}) {}

/**
 * A request to the clients got no valid answer. This is not a denial.
 *
 * - `error`: a client answered with an error. Without a subscriber the request waits for one
 * - `malformed`: the result does not have the form that the method table declares
 * - `turnTransition`: the turn ended first
 * - `overloaded`: no client could take the request
 */
export class AskFailed extends Schema.TaggedError<AskFailed>()("AskFailed", {
  method: Schema.String,
  reason: Schema.Literals(["error", "malformed", "turnTransition", "overloaded"])
}) {
  override get message(): string {
    return `${this.method} was not answered: ${this.reason}`
  }
}

/** Members that the turn fills in, so that a tool cannot send requests for another thread. */
type Supplied = "threadId" | "turnId" | "startedAtMs"

type Distribute<Params> = Params extends unknown ? Omit<Params, Supplied> : never

/** The parameters of a server request without the members that the turn fills in. */
export type AskParams<M extends ServerRequestMethod> = Distribute<ServerRequestParams<M>>

/** How a request to the clients appears to them. */
export interface AskOptions<M extends ServerRequestMethod> {
  /** The item of the request. It is announced after the status change and before the request. */
  readonly item?: ThreadItem
  /**
   * Whether the call continues with this answer. If not, the status keeps its flag until the item completes, as clients of
   * the release expect. Default: it continues.
   */
  readonly accepts?: (result: ServerRequestResult<M>) => boolean
}

/**
 * A turn, as a tool sees it. The item and notification members keep working after the turn has ended, with the turn's id,
 * because a command may outlive its turn. They do nothing for a call that was interrupted and did not end in time.
 */
export interface ToolTurn {
  /** The thread of the turn. */
  readonly threadId: string
  /** The turn. */
  readonly turnId: string
  /** Absolute path. */
  readonly cwd: string
  /** The current policy for approvals. */
  readonly approvalPolicy: AskForApproval
  /** The current policy for the sandbox. */
  readonly sandboxPolicy: SandboxPolicy
  /** Whether the turn plans or works. */
  readonly mode: ModeKind
  /** The model that calls. */
  readonly model: CallingModel
  /** The goal of the thread. */
  readonly goal: ToolGoal
  /** The agents of the thread. Loaded when they are first used. */
  readonly agents: Effect.Effect<ToolAgents>
  /** Announces the item; its `startedAtMs` is filled in. */
  readonly itemStarted: (item: ThreadItem) => Effect.Effect<void>
  /** Announces the final state, which is stored. */
  readonly itemCompleted: (item: ThreadItem) => Effect.Effect<void>
  /** Publishes a notification to the subscribers of the thread. */
  readonly notify: <M extends ServerNotificationMethod>(method: M, params: NotificationParams<M>) => Effect.Effect<void>
  /**
   * Publishes what the patches of the turn have changed so far, as one diff; empty when nothing is left of them. The turn
   * publishes it again after each answer of the model.
   */
  readonly diffUpdated: (diff: string) => Effect.Effect<void>
  /** Reports progress as `item/mcpToolCall/progress` of the item. Slow clients may miss it. */
  readonly progress: (message: string) => Effect.Effect<void>
  /**
   * Sends a request to the thread's subscribers and waits for the first answer, without a time limit. Meanwhile the status
   * has `waitingOnApproval` or `waitingOnUserInput`, depending on the method. The order is: status, `item/started` for
   * `options.item`, the request, `serverRequest/resolved`, status. The end of the turn ends the wait. Interrupting it, for
   * example by a timeout, withdraws the request.
   */
  readonly ask: <M extends ServerRequestMethod>(
    method: M,
    params: AskParams<M>,
    options?: AskOptions<M>
  ) => Effect.Effect<ServerRequestResult<M>, AskFailed>
}

/** What tools may know of the model that calls them. */
export interface CallingModel {
  /** The model's name. */
  readonly name: string
  /** False for a model outside the catalogue. */
  readonly isKnown: boolean
  /** Whether the model was trained for patches as a tool with its own grammar. */
  readonly supportsApplyPatch: boolean
}

/** For whom the tools of a request are declared. */
export interface ToolOffer {
  /** The model of the request. */
  readonly model: CallingModel
  /** Whether the turn plans or works. */
  readonly mode: ModeKind
  /** The current policy for the sandbox. */
  readonly sandboxPolicy: SandboxPolicy
}

/** Why a goal cannot be changed. The model reads the problem. */
export class GoalRefused extends Schema.TaggedError<GoalRefused>()("GoalRefused", {
  /** What is wrong, as a sentence. */
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}

/** The goal of a thread, as tools of its model see it. Each member waits until the answer with the call is complete. */
export interface ToolGoal {
  /** The goal; null when the thread has none. */
  readonly get: Effect.Effect<ThreadGoal | null, GoalRefused>
  /** Starts a goal. Fails when the thread has one that is not complete. Without a budget, `tokenBudget` is null. */
  readonly create: (objective: string, tokenBudget: number | null) => Effect.Effect<ThreadGoal, GoalRefused>
  /** Ends the work on the goal. */
  readonly end: (status: "complete" | "blocked" | "paused") => Effect.Effect<ThreadGoal, GoalRefused>
}

/** A tool that the model can call: its declaration and its work. */
export interface Tool {
  /** The description of the tool for the model. */
  readonly spec: ToolSpec
  /**
   * Whether the tool is declared in a request, or how, when that depends on the request. A call of a tool that is not declared
   * is served all the same. Default: it is declared by `spec`.
   */
  readonly offered?: (offer: ToolOffer) => ToolSpec | undefined
  /**
   * Keys of `features` that disable the tool: it is neither offered nor run in a thread in which one of them is false. Tools
   * that run commands use `shell_tool`. Default: the features of the protocol's tool with this name, or none.
   */
  readonly features?: ReadonlyArray<string>
  /** True for a tool that publishes its own items. Calls of other tools appear as items of type `dynamicToolCall`. */
  readonly publishesItems?: boolean
  /**
   * True for a tool that does nothing before its first request to the clients, which has the call's id as `itemId`, and makes no
   * other request. If the server crashes while such a request is pending, the call runs again and gets the answer to that
   * request. Other calls that a crash has cut are not run again. Default: false.
   */
  readonly asksFirst?: boolean
  /**
   * Called with each piece of the input of a custom tool while the model writes it. The call may still fail, change or never
   * come. Absent: the pieces are not used.
   */
  readonly onInput?: (callId: string, delta: string, turn: ToolTurn) => Effect.Effect<void>
  /**
   * Never fails for errors of the model: those are outputs with `success: false`. Interruption is a user's interrupt. A
   * defect is logged, and the model reads that the tool failed.
   */
  readonly run: (call: ToolCall, turn: ToolTurn) => Effect.Effect<ToolOutput, TurnCancelled>
}
