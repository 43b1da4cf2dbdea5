/**
 * The port to hooks: code that runs at fixed points of a turn and may allow, deny or rewrite what happens there.
 *
 * Owns the points and the decisions. Does not own when they are reached: that is `thread/turn`. The hooks of the configuration
 * are one adapter (`CommandHooks`); an embedding program adds its own, which run first.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import { AppServer, Hooks } from "spindle-app-server"
 *
 * const noPush = Hooks.layer({
 *   beforeTool: (_, { input, toolName }) =>
 *     Effect.succeed(
 *       toolName === "Bash" && JSON.stringify(input).includes("git push") ? Hooks.deny("Pushing is not allowed.") : Hooks.allow
 *     )
 * })
 *
 * export const server = AppServer.client({ clientName: "my-cli", clientVersion: "1.0.0", hooks: noPush })
 * ```
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { NotificationParams } from "../../protocol/Methods.ts"
import type { EffectiveConfig } from "../config/Config.ts"

/** The thread that hooks are opened for. */
export interface HookThread {
  /** The thread's id. */
  readonly threadId: string
  /** Absolute path of its working folder when it was loaded. */
  readonly cwd: string
  /** The configuration that it was loaded with. */
  readonly config: EffectiveConfig
}

/** The turn in which a hook runs. */
export interface HookTurn {
  readonly threadId: string
  readonly turnId: string
  /** Absolute path. */
  readonly cwd: string
  /** The model's name. */
  readonly model: string
  /** `bypassPermissions` when nothing asks the user. */
  readonly permissionMode: "default" | "plan" | "bypassPermissions"
  /** The file of the thread; null when it has none. */
  readonly transcriptPath: string | null
  /** Publishes the begin or the end of a hook's run to the subscribers of the thread. */
  readonly notify: <M extends "hook/started" | "hook/completed">(
    method: M,
    params: NotificationParams<M>
  ) => Effect.Effect<void>
}

/** How the thread came to its first turn since it was loaded. */
export interface SessionStart {
  readonly source: "startup" | "resume"
}

/** A message of the user, before it is recorded. */
export interface UserPrompt {
  readonly prompt: string
}

/** A call of a tool. */
export interface ToolUse {
  /** The id of the call. */
  readonly callId: string
  /** `Bash` for commands, `apply_patch` for patches, else the name of the tool; with a namespace, both joined by `__`. */
  readonly toolName: string
  /** The tool as the model names it. */
  readonly calledAs: string
  /** The arguments; for commands and patches an object with `command`. */
  readonly input: unknown
  /** The folder in which the call works; absolute. */
  readonly cwd: string
}

/** A call of a tool that has succeeded; a command counts when it has exited, whatever its status. */
export interface ToolResult extends ToolUse {
  /** The output, as text. */
  readonly response: string
}

/** The model wants to end the turn. */
export interface Stop {
  /** The last answer; null without one. */
  readonly lastMessage: string | null
  /** True when the turn goes on because of an earlier denial of this point. */
  readonly isActive: boolean
}

/** A text that continues a turn, with the run of the hook that it comes from. */
export interface StopFragment {
  readonly text: string
  readonly hookRunId: string
}

/**
 * What a hook decides.
 *
 * - `Allow`: it happens. `rewritten` replaces the value of the point, if the point has one
 * - `Deny`: it does not happen. The reason is for the model, where the point has a place for it
 */
export type Decision<Rewritten> =
  | {
      readonly _tag: "Allow"
      /** Replaces the value of the point. Default: it stays. */
      readonly rewritten?: Rewritten
      /** Texts for the model, in front of its next request. */
      readonly context?: ReadonlyArray<string>
    }
  | {
      readonly _tag: "Deny"
      /** Why, for the model. */
      readonly reason: string
      /** Texts for the model, in front of its next request. */
      readonly context?: ReadonlyArray<string>
      /** Only for `stop`: the texts that replace `reason`. */
      readonly fragments?: ReadonlyArray<StopFragment>
    }

/** Allows it as it is. */
export const allow = { _tag: "Allow" } as const

/** Refuses it. */
export const deny = (reason: string) => ({ _tag: "Deny", reason }) as const

/** Allows it with another value. */
export const rewrite = <A>(rewritten: A) => ({ _tag: "Allow", rewritten }) as const

/** Allows it, and adds texts for the model. */
export const withContext = (...context: ReadonlyArray<string>) => ({ _tag: "Allow", context }) as const

type Hook<Event, Rewritten> = (turn: HookTurn, event: Event) => Effect.Effect<Decision<Rewritten>>

/**
 * The hooks of one thread; a point without a member costs nothing. An interrupt of the turn interrupts the hook. A defect at
 * `beforeTool` or `afterTool` refuses the call or its output; at any other point it fails the turn.
 */
export interface ThreadHooks {
  /** Before the first turn since the thread was loaded. Denying ends that turn without a model request. */
  readonly sessionStart?: Hook<SessionStart, never>
  /** Before a message of the user is recorded. Denying drops the message. It may be rewritten. */
  readonly userPrompt?: Hook<UserPrompt, string>
  /** Before a tool runs. Denying gives the model the reason as the output. The input may be rewritten. */
  readonly beforeTool?: Hook<ToolUse, unknown>
  /** Before the model reads an output. Denying replaces it by the reason. The output may be rewritten. */
  readonly afterTool?: Hook<ToolResult, string>
  /** When the model has finished. Denying continues the turn with the reason as a message, at most 50 times. */
  readonly stop?: Hook<Stop, never>
}

/** The port to hooks: it is opened at the first turn of each loaded thread. */
export class Hooks extends Context.Service<
  Hooks,
  {
    /** The hooks of a thread. What they hold ends with the scope, which is that of the thread. */
    readonly open: (thread: HookThread) => Effect.Effect<ThreadHooks, never, Scope.Scope>
  }
>()("spindle/Hooks") {}

/** These hooks for every thread. */
export const layer = (hooks: ThreadHooks): Layer.Layer<Hooks> =>
  Layer.succeed(Hooks, Hooks.of({ open: () => Effect.succeed(hooks) }))

const joined = <R>(first: Decision<R>, second: Decision<R>): Decision<R> => {
  const context = [...(first.context ?? []), ...(second.context ?? [])]
  const kept = first._tag === "Allow" && second._tag === "Allow" ? { ...first, ...second } : second
  return { ...kept, context }
}

/** Runs `second` after `first` has allowed, on the value that `first` has left. */
const chained = <Event, R>(
  first: Hook<Event, R> | undefined,
  second: Hook<Event, R> | undefined,
  revised: (event: Event, rewritten: R) => Event
): Hook<Event, R> | undefined => {
  if (first === undefined || second === undefined) return first ?? second
  return (turn, event) =>
    Effect.flatMap(first(turn, event), (decision) => {
      if (decision._tag === "Deny") return Effect.succeed(decision)
      const next = decision.rewritten === undefined ? event : revised(event, decision.rewritten)
      return Effect.map(second(turn, next), (later) => joined(decision, later))
    })
}

const same = <A>(event: A): A => event

/** Both, `first` in front of `second` at each point. A denial of `first` is final. */
export const both = (first: ThreadHooks, second: ThreadHooks): ThreadHooks => {
  const points = {
    sessionStart: chained(first.sessionStart, second.sessionStart, same),
    userPrompt: chained(first.userPrompt, second.userPrompt, (_, prompt) => ({ prompt })),
    beforeTool: chained(first.beforeTool, second.beforeTool, (event, input) => ({ ...event, input })),
    afterTool: chained(first.afterTool, second.afterTool, (event, response) => ({ ...event, response })),
    stop: chained(first.stop, second.stop, same)
  }
  return Object.fromEntries(Object.entries(points).filter(([, hook]) => hook !== undefined)) as ThreadHooks
}
