/**
 * The conversation in the format of the model API, with that API's spelling. Optional members are omitted when they are
 * empty, because the entries are sent to the model server unchanged.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { ContentItem, EncryptedContent, FunctionCallOutputBody, InputText } from "./Content.ts"
import { optional, orNull, U64 } from "../../Fields.ts"
import { MessagePhase } from "./Item.ts"
import { lazy, type Of } from "../../Lazy.ts"
import { ReasoningEffort } from "../thread/Settings.ts"

const id = { id: optional(Schema.String) }
const encrypted = { encrypted_content: optional(Schema.String) }
const status = { status: optional(Schema.String) }

/** The turn that an entry belongs to; sent to the model server and returned by it. */
const passthrough = {
  internal_chat_message_metadata_passthrough: optional(Schema.Struct({ turn_id: optional(Schema.String) }))
}

/** A command for the model API's older built-in shell tool. */
export const LocalShellAction = lazy(() =>
  Schema.Struct({
    type: Schema.Literal("exec"),
    command: Schema.Array(Schema.String),
    timeout_ms: orNull(U64),
    working_directory: orNull(Schema.String),
    env: orNull(Schema.Record(Schema.String, Schema.String)),
    user: orNull(Schema.String)
  })
)
export type LocalShellAction = Of<typeof LocalShellAction>

/** An action of the model server's own web search. */
export const ResponsesWebSearchAction = lazy(() =>
  Schema.Union([
    Schema.Struct({
      type: Schema.Literal("search"),
      query: optional(Schema.String),
      queries: optional(Schema.Array(Schema.String))
    }),
    Schema.Struct({ type: Schema.Literal("open_page"), url: optional(Schema.String) }),
    Schema.Struct({
      type: Schema.Literal("find_in_page"),
      url: optional(Schema.String),
      pattern: optional(Schema.String)
    }),
    Schema.Struct({ type: Schema.Literal("other") })
  ])
)
export type ResponsesWebSearchAction = Of<typeof ResponsesWebSearchAction>

/** Messages and reasoning. */
const messages = () =>
  [
    Schema.Struct({
      type: Schema.Literal("message"),
      ...id,
      role: Schema.String,
      content: Schema.Array(ContentItem()),
      phase: optional(MessagePhase()),
      ...status,
      ...encrypted,
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("agent_message"),
      ...id,
      author: Schema.String,
      recipient: Schema.String,
      content: Schema.Array(Schema.Union([InputText(), EncryptedContent()])),
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("reasoning"),
      ...id,
      summary: Schema.Array(Schema.Struct({ type: Schema.Literal("summary_text"), text: Schema.String })),
      content: optional(
        Schema.Array(Schema.Struct({ type: Schema.Literals(["reasoning_text", "text"]), text: Schema.String }))
      ),
      encrypted_content: orNull(Schema.String),
      ...passthrough
    })
  ] as const

/** Calls of functions and custom tools, and their outputs. */
const functionCalls = () =>
  [
    Schema.Struct({
      type: Schema.Literal("local_shell_call"),
      ...id,
      call_id: orNull(Schema.String),
      status: Schema.Literals(["completed", "in_progress", "incomplete"]),
      action: LocalShellAction(),
      ...encrypted,
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("function_call"),
      ...id,
      name: Schema.String,
      namespace: optional(Schema.String),
      arguments: Schema.String,
      encrypted_function_args: optional(Schema.Array(Schema.String)),
      call_id: Schema.String,
      ...status,
      ...encrypted,
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("function_call_output"),
      ...id,
      call_id: optional(Schema.String),
      name: optional(Schema.String),
      namespace: optional(Schema.String),
      output: FunctionCallOutputBody(),
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("custom_tool_call"),
      ...id,
      call_id: Schema.String,
      name: Schema.String,
      namespace: optional(Schema.String),
      input: Schema.String,
      ...status,
      ...encrypted,
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("custom_tool_call_output"),
      ...id,
      call_id: Schema.String,
      name: optional(Schema.String),
      output: FunctionCallOutputBody(),
      ...passthrough
    })
  ] as const

/** Calls of tools that the model server runs. */
const hostedCalls = () =>
  [
    Schema.Struct({
      type: Schema.Literal("tool_search_call"),
      ...id,
      call_id: orNull(Schema.String),
      execution: Schema.String,
      arguments: Schema.Json,
      ...status,
      ...encrypted,
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("tool_search_output"),
      ...id,
      call_id: orNull(Schema.String),
      status: Schema.String,
      execution: Schema.String,
      tools: Schema.Array(Schema.Json),
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("web_search_call"),
      ...id,
      action: optional(ResponsesWebSearchAction()),
      ...status,
      ...encrypted,
      ...passthrough
    }),
    Schema.Struct({
      type: Schema.Literal("image_generation_call"),
      ...id,
      status: Schema.String,
      revised_prompt: optional(Schema.String),
      result: Schema.String,
      ...encrypted,
      ...passthrough
    })
  ] as const

/** Entries that control the conversation. */
const control = () =>
  [
    Schema.Struct({
      type: Schema.Literal("additional_tools"),
      ...id,
      role: Schema.String,
      tools: Schema.Array(Schema.Json)
    }),
    Schema.Struct({ type: Schema.Literal("compaction"), ...id, encrypted_content: Schema.String, ...passthrough }),
    Schema.Struct({
      type: Schema.Literal("configuration_update"),
      reasoning: Schema.Struct({ effort: ReasoningEffort() })
    }),
    Schema.Struct({ type: Schema.Literal("compaction_trigger") }),
    Schema.Struct({ type: Schema.Literal("context_compaction"), ...id, ...encrypted, ...passthrough }),
    Schema.Struct({ type: Schema.Literal("other") })
  ] as const

/** As in the release, kinds that a later release adds decode to `other` and lose their members. */
const later = (known: ReadonlyArray<{ readonly fields: { readonly type: { readonly literal: string } } }>) => {
  const names = new Set(known.map((member) => member.fields.type.literal))
  return Schema.Struct({ type: Schema.String.check(Schema.makeFilter((type: string) => !names.has(type))) }).pipe(
    Schema.decodeTo(Schema.Struct({ type: Schema.Literal("other") }), {
      decode: SchemaGetter.transform(() => ({ type: "other" }) as const),
      encode: SchemaGetter.passthrough()
    })
  )
}

/** An entry of the model's conversation. */
export const ResponseItem = lazy(() => {
  const known = [...messages(), ...functionCalls(), ...hostedCalls(), ...control()] as const
  return Schema.Union([...known, later(known)]).annotate({ identifier: "ResponseItem" })
})
export type ResponseItem = Of<typeof ResponseItem>
