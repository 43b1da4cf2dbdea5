/**
 * The points of a turn at which hooks run: its first message, input that is added to it, and its end.
 *
 * Does not own the calls of tools (`ToolHooks`), nor what a hook is (`services/hook`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { Decision, HookTurn, StopFragment } from "../../hook/Hooks.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import { summaryOf } from "../ThreadView.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import { recordMessage } from "./Recording.ts"
import { contextEvents } from "./TurnContext.ts"
import type { TurnStep } from "./TurnTask.ts"
import { type PreparedMessage, promptOf } from "./UserMessage.ts"

/** How often hooks may continue one turn. */
export const MaxContinuations = 50

/** The view of the turn for its hooks. */
export const hookTurn = (context: ThreadContext, turn: ActiveTurn): HookTurn => {
  const { approvalPolicy, collaborationMode, cwd, model } = context.state.settings
  return {
    threadId: context.id,
    turnId: turn.id,
    cwd,
    model,
    permissionMode:
      collaborationMode.mode === "plan" ? "plan" : approvalPolicy === "never" ? "bypassPermissions" : "default",
    transcriptPath: context.state.origin.ephemeral ? null : context.services.lookup.path(summaryOf(context.state)),
    notify: (method, params) => context.notify(method, params)
  }
}

/** Records the texts of hooks for the model. */
export const recordContext = (
  context: ThreadContext,
  { context: texts = [] }: Pick<Decision<unknown>, "context">
): Effect.Effect<void> =>
  texts.length === 0
    ? Effect.void
    : context.commit(
        texts.map((text) =>
          context.entry({ type: "message", role: "developer", content: [{ type: "input_text", text }] })
        )
      )

const withText = <Part extends { readonly type: string }>(
  parts: ReadonlyArray<Part>,
  type: Part["type"],
  text: string
): ReadonlyArray<Part> => {
  const first = parts.findIndex((part) => part.type === type)
  return parts.flatMap((part, index) =>
    part.type !== type
      ? [part]
      : index === first
        ? [{ ...part, text, ...("text_elements" in part ? { text_elements: [] } : {}) }]
        : []
  )
}

/** The message with another text; its images stay. */
const withPrompt = (message: PreparedMessage, prompt: string): PreparedMessage => {
  const { entry, item } = message
  const rewritten: ResponseItem | null =
    entry?.type === "message" ? { ...entry, content: withText(entry.content, "input_text", prompt) } : entry
  return {
    ...message,
    entry: rewritten,
    item: item === null ? null : { ...item, content: withText(item.content, "text", prompt) }
  }
}

/** Records a message unless a hook drops it. False when it was dropped. */
const admitted = Effect.fnUntraced(function* ({ context, turn }: TurnStep, message: PreparedMessage) {
  const { userPrompt } = context.hooks.current
  const prompt = message.item === null ? null : promptOf(message.item.content)
  if (userPrompt === undefined || prompt === null) {
    yield* recordMessage(context, turn, message)
    return true
  }
  const decision = yield* userPrompt(hookTurn(context, turn), { prompt })
  if (decision._tag === "Allow") {
    const { rewritten } = decision
    yield* recordMessage(context, turn, rewritten === undefined ? message : withPrompt(message, rewritten))
  }
  yield* recordContext(context, decision)
  return decision._tag === "Allow"
})

/** Records the messages that were added to the turn. */
export const admitSteering = Effect.fnUntraced(function* (at: TurnStep) {
  let accepted = 0
  for (const message of at.turn.takeSteering()) if (yield* admitted(at, message)) accepted++
  return accepted
})

/** Runs the hooks in front of the first model request. False when they end the turn. */
export const opened = Effect.fnUntraced(function* (at: TurnStep) {
  const { context, turn } = at
  const { sessionStart, userPrompt } = yield* context.hooks.load
  if (sessionStart === undefined && userPrompt === undefined) return true
  const isDeferred = turn.hasInput
  const source = context.hooks.takeStart()
  const started =
    sessionStart === undefined || source === undefined
      ? undefined
      : yield* sessionStart(hookTurn(context, turn), { source })
  if (started?._tag === "Deny") {
    turn.takeSteering()
    return false
  }
  if (isDeferred) yield* context.commit(yield* contextEvents(context))
  if (started !== undefined) yield* recordContext(context, started)
  const accepted = yield* admitSteering(at)
  return !isDeferred || accepted > 0
})

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")

/** The message that continues the turn, for the model. */
const continuation = (fragments: ReadonlyArray<StopFragment>): ResponseItem => ({
  type: "message",
  role: "user",
  content: fragments.map(({ hookRunId, text }) => ({
    type: "input_text",
    text: `<hook_prompt hook_run_id="${escaped(hookRunId)}">${escaped(text)}</hook_prompt>`
  }))
})

/** Runs the hooks at the end of the turn. True when they continue it. */
export const continued = Effect.fnUntraced(function* ({ context, turn }: TurnStep) {
  const { stop } = context.hooks.current
  if (stop === undefined || turn.hasInput) return false
  const last = turn.lastAgentMessage
  const decision = yield* stop(hookTurn(context, turn), {
    lastMessage: last?.type === "agentMessage" ? last.text : null,
    isActive: turn.continuations > 0
  })
  yield* recordContext(context, decision)
  if (decision._tag === "Allow") return false
  if (turn.continuations >= MaxContinuations) {
    const message = `Hooks have continued the turn ${MaxContinuations} times; it ends now.`
    yield* context.notify("warning", { threadId: context.id, message })
    return false
  }
  turn.continuations++
  const fragments = decision.fragments ?? [{ text: decision.reason, hookRunId: "stop" }]
  const id = `msg_${yield* context.services.random.uuidV7()}`
  const item = { type: "hookPrompt" as const, id, fragments, startedAtMs: context.now(), completedAtMs: null }
  yield* context.itemStarted(turn.id, item)
  yield* context.itemCompleted(turn.id, item, [context.entry(continuation(fragments))])
  return true
})
