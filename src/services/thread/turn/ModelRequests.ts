/**
 * The requests of a turn to the model.
 *
 * @module
 */
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelRequest } from "../../model/ModelProvider.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ActiveTurn, TurnOptions } from "./ActiveTurn.ts"
import { baseMessage } from "./TurnContext.ts"

/** Client metadata of the turn for the model provider. */
export interface ClientIdentity {
  readonly originator: string
  readonly userAgent: string
}

/** What a turn was started with, as far as its requests need it. */
export interface RequestOptions {
  readonly options: TurnOptions
  readonly caller: ClientIdentity
}

/** A request with these entries behind the base instructions. Effort, summary and verbosity default to the model's own. */
export const modelRequest = (
  context: ThreadContext,
  turn: ActiveTurn,
  { caller, options }: RequestOptions,
  entries: ReadonlyArray<ResponseItem>
): ModelRequest => {
  const { settings, origin } = context.state
  const { defaultEffort, defaultSummary, supportsParallelToolCalls, verbosity } = context.model
  const configured = context.config.settings["model_verbosity"]
  return {
    threadId: origin.id,
    sessionId: origin.sessionId,
    turnId: turn.id,
    rootTurnId: turn.rootTurnId,
    provider: settings.modelProvider,
    ...(context.provider === undefined ? {} : { providerInfo: context.provider }),
    model: settings.model,
    effort: settings.effort ?? defaultEffort,
    summary: settings.summary ?? defaultSummary,
    verbosity: typeof configured === "string" ? configured : verbosity,
    prompt: turn.prompt,
    input: [baseMessage(context), ...entries],
    tools: context.offeredTools,
    parallelToolCalls: supportsParallelToolCalls,
    outputSchema: options.outputSchema,
    originator: caller.originator,
    userAgent: caller.userAgent,
    metadata: options.metadata
  }
}
