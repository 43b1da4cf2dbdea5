/**
 * What is sent to a Responses server: address, headers and body of one request.
 *
 * Owns the spelling on the wire. Does not own the credentials: `Responses.ts` fetches them.
 *
 * @module
 */
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelProviderInfo } from "../../../services/config/Config.ts"
import type { ModelRequest } from "../../../services/model/ModelProvider.ts"
import type { ToolSpec } from "../../../services/tool/Tool.ts"

/** Where a provider takes requests, query included. */
export const urlOf = (provider: ModelProviderInfo): string => {
  const query = Object.entries(provider.queryParams)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&")
  return query === "" ? plainUrlOf(provider) : `${plainUrlOf(provider)}?${query}`
}

/** The same without the query, for texts that users see. */
export const plainUrlOf = (provider: ModelProviderInfo): string => `${provider.baseUrl}/responses`

const isAscii = /^[\t -~]*$/
const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const hasControl = /[^\t\P{Cc}]/u

/**
 * A header's value as the bytes of its UTF-8 form, one character each: HTTP clients take no others. `undefined` where it
 * holds a control character, which no HTTP client takes at all.
 */
const headerValue = (value: string): string | undefined => {
  if (isAscii.test(value)) return value
  if (hasControl.test(value)) return undefined
  return String.fromCharCode(...new TextEncoder().encode(value))
}

/** Sets the headers that can be sent and leaves out the others, as the release does. Names are in lower case. */
const setAll = (headers: Record<string, string>, entries: Iterable<readonly [string, string]>): void => {
  for (const [name, value] of entries) {
    const encoded = headerValue(value)
    if (encoded !== undefined && isName.test(name)) headers[name.toLowerCase()] = encoded
  }
}

/** JSON in plain ASCII, which is what a header can hold. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The turn's metadata for the server. Entries of the caller are added to it and cannot replace it. */
const turnMetadata = (request: ModelRequest): string =>
  asciiJson({
    ...request.metadata,
    session_id: request.sessionId,
    thread_id: request.threadId,
    turn_id: request.turnId,
    root_turn_id: request.rootTurnId,
    window_id: `${request.threadId}:0`,
    model: request.model,
    ...(request.effort === null ? undefined : { reasoning_effort: request.effort })
  })

/**
 * The headers of a request. The provider's own are stronger than ours, the key is stronger than both; `environment` are
 * the headers whose values came from the environment.
 */
export const headersOf = (
  request: ModelRequest,
  provider: ModelProviderInfo,
  environment: ReadonlyArray<readonly [string, string]>,
  key: string | null
): Record<string, string> => {
  const headers: Record<string, string> = {}
  setAll(headers, [
    ["originator", request.originator],
    ["user-agent", request.userAgent],
    ["session-id", request.sessionId],
    ["thread-id", request.threadId],
    ["x-client-request-id", request.threadId],
    ["x-codex-window-id", `${request.threadId}:0`],
    ["x-codex-turn-metadata", turnMetadata(request)],
    ["accept", "text/event-stream"]
  ])
  setAll(headers, Object.entries(provider.headers))
  setAll(headers, environment)
  if (key !== null) setAll(headers, [["authorization", `Bearer ${key}`]])
  return headers
}

const toolOf = (tool: ToolSpec) =>
  tool.type === "function"
    ? {
        type: tool.type,
        name: tool.name,
        description: tool.description,
        strict: tool.strict,
        parameters: tool.parameters
      }
    : { type: tool.type, name: tool.name, description: tool.description, format: tool.format }

/** The tools as they are offered: those of a namespace together, in the place of the first of them. */
const toolsOf = (specs: ReadonlyArray<ToolSpec>): ReadonlyArray<object> => {
  const groups = new Map<string, Array<object>>()
  return specs.flatMap((spec): ReadonlyArray<object> => {
    const namespace = spec.type === "function" ? spec.namespace : undefined
    if (namespace === undefined) return [toolOf(spec)]
    const group = groups.get(namespace.name)
    if (group !== undefined) {
      group.push(toolOf(spec))
      return []
    }
    const tools = [toolOf(spec)]
    groups.set(namespace.name, tools)
    return [{ type: "namespace", name: namespace.name, description: namespace.description, tools }]
  })
}

/** Reasoning models summarise unless that is disabled; others ignore the parameter. */
const reasoningOf = (request: ModelRequest) => ({
  ...(request.effort === null ? undefined : { effort: request.effort }),
  ...(request.summary === "none" ? undefined : { summary: request.summary ?? "auto" })
})

const textOf = (outputSchema: unknown) =>
  outputSchema === null || outputSchema === undefined
    ? undefined
    : { format: { type: "json_schema", strict: true, schema: outputSchema, name: "codex_output_schema" } }

/** How the API's own ids of these items begin; it refuses others. */
const idPrefix: ReadonlyMap<ResponseItem["type"], string> = new Map([
  ["message", "msg_"],
  ["reasoning", "rs_"],
  ["function_call", "fc_"],
  ["custom_tool_call", "ctc_"]
])

/** An item as it is, but without an id that some other server or this one made up. */
const itemOf = (item: ResponseItem): ResponseItem => {
  const prefix = idPrefix.get(item.type)
  if (prefix === undefined || !("id" in item) || item.id === null || item.id?.startsWith(prefix) === true) return item
  const { id: _, ...rest } = item
  return rest
}

/** The body of a request, as JSON. `input` is the conversation, which grows when an answer broke off half-way. */
export const bodyOf = (request: ModelRequest, input: ReadonlyArray<ResponseItem>): string =>
  JSON.stringify({
    model: request.model,
    stream: true,
    input: input.map(itemOf),
    tools: request.tools.length === 0 ? undefined : toolsOf(request.tools),
    tool_choice: "auto",
    parallel_tool_calls: request.parallelToolCalls,
    reasoning: reasoningOf(request),
    store: false,
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: request.threadId,
    text: textOf(request.outputSchema),
    client_metadata: {
      session_id: request.sessionId,
      thread_id: request.threadId,
      turn_id: request.turnId,
      root_turn_id: request.rootTurnId,
      "x-codex-window-id": `${request.threadId}:0`,
      "x-codex-turn-metadata": turnMetadata(request)
    }
  })
