/**
 * Tells the model the context of a turn: records the parts that it does not know yet (`ContextParts`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import { type ContextFacts, contextEntries } from "../ContextParts.ts"
import type { Documents } from "../Instructions.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"

/** The first message of every request. */
export const baseMessage = ({ instructions }: ThreadContext): ResponseItem => ({
  type: "message",
  role: "developer",
  content: [{ type: "input_text", text: instructions.base }]
})

const folderOf = ({ state: { settings } }: ThreadContext): string | null =>
  settings.environments?.length === 0 ? null : settings.cwd

/** Whether the context needs documents that have not been read. */
export const readsDocuments = (context: ThreadContext): boolean => context.documents.folder !== folderOf(context)

/** The documents of the thread's current folder. Those of another folder than the last are read again. */
const documentsOf = Effect.fnUntraced(function* (context: ThreadContext): Effect.fn.Return<Documents> {
  if (!readsDocuments(context)) return context.documents
  const documents = yield* context.instructions.documentsIn(folderOf(context))
  context.documents = documents
  for (const message of documents.warnings) yield* context.notify("warning", { threadId: context.id, message })
  return documents
})

/** What the context is made of now. */
export const contextFacts = Effect.fnUntraced(function* (context: ThreadContext): Effect.fn.Return<ContextFacts> {
  const { instructions, state } = context
  const { text } = yield* documentsOf(context)
  return {
    settings: state.settings,
    developer: instructions.developer,
    permissions: instructions.permissions,
    agents: text,
    environment: instructions.environmentAt(context.now())
  }
})

/** The entries with what the model has not been told, as events. */
export const contextEvents = Effect.fnUntraced(function* (
  context: ThreadContext
): Effect.fn.Return<ReadonlyArray<ThreadEvent>> {
  const facts = yield* contextFacts(context)
  return contextEntries(context.state.conversation, facts).map((item) => context.entry(item))
})
