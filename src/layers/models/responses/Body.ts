/**
 * The address, headers and body of a request to a Responses server.
 *
 * Owns the encoding. Does not own the credentials: `Responses.ts` fetches them.
 *
 * @module
 */
import type { ResponseItem } from "../../../protocol/v2/item/ResponseItem.ts"
import type { ModelProviderInfo } from "../../../services/config/Config.ts"
import type { ModelRequest } from "../../../services/model/ModelProvider.ts"
import type { ToolSpec } from "../../../services/tool/Tool.ts"

/** The URL of a provider's requests, with the query. */
export const urlOf = (provider: ModelProviderInfo): string => {
  const query = Object.entries(provider.queryParams)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&")
  return query === "" ? plainUrlOf(provider) : `${plainUrlOf(provider)}?${query}`
}

/** The URL without the query, for texts that users see. */
export const plainUrlOf = (provider: ModelProviderInfo): string => `${provider.baseUrl}/responses`

const isAscii = /^[\t -~]*$/
const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const hasControl = /[^\t\P{Cc}]/u

/**
 * Encodes a header's value as UTF-8 bytes, one character each, which HTTP clients require. `undefined` for a value with a
 * control character, which no HTTP client accepts.
 */
const headerValue = (value: string): string | undefined => {
  if (isAscii.test(value)) return value
  if (hasControl.test(value)) return undefined
  return String.fromCharCode(...new TextEncoder().encode(value))
}

/** Sets the headers that can be sent and omits the others, as the release does. Names are in lower case. */
const setAll = (headers: Record<string, string>, entries: Iterable<readonly [string, string]>): void => {
  for (const [name, value] of entries) {
    const encoded = headerValue(value)
    if (encoded !== undefined && isName.test(name)) headers[name.toLowerCase()] = encoded
  }
}

/** JSON in plain ASCII, for a header. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The turn's metadata for the server. Entries of the caller are added but cannot replace others. */
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
 * The headers of a request. The provider's headers override ours, and the key overrides both. `environment` are the headers
 * whose values came from the environment.
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

const toolOf = (tool: ToolSpec): object => {
  const { description, name, type } = tool
  switch (tool.type) {
    case "function":
      return { type, name, description, strict: tool.strict, parameters: tool.parameters }
    case "custom":
      return { type, name, description, format: tool.format }
    case "hosted":
      return tool.declaration
  }
}

/** The tools in the request. Tools of a namespace are grouped at the position of the first of them. */
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

const reasoningOf = ({ effort, summary }: ModelRequest) => ({
  ...(effort === null ? undefined : { effort }),
  ...(summary === "none" || summary === null ? undefined : { summary })
})

const textOf = ({ outputSchema, verbosity }: ModelRequest) => {
  const hasFormat = outputSchema !== null && outputSchema !== undefined
  if (!hasFormat && verbosity == null) return undefined
  return {
    ...(verbosity == null ? undefined : { verbosity }),
    ...(hasFormat
      ? { format: { type: "json_schema", strict: true, schema: outputSchema, name: "codex_output_schema" } }
      : undefined)
  }
}

/** The id prefixes of these items. The API refuses other ids. */
const idPrefix: ReadonlyMap<ResponseItem["type"], string> = new Map([
  ["message", "msg_"],
  ["reasoning", "rs_"],
  ["function_call", "fc_"],
  ["custom_tool_call", "ctc_"]
])

/** The item without an id that another server or this one generated. */
const itemOf = (item: ResponseItem): ResponseItem => {
  const prefix = idPrefix.get(item.type)
  if (prefix === undefined || !("id" in item) || item.id === null || item.id?.startsWith(prefix) === true) return item
  const { id: _, ...rest } = item
  return rest
}

/** The body of a request, as JSON. `input` is the conversation, which grows after a partial answer. */
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
    text: textOf(request),
    client_metadata: {
      session_id: request.sessionId,
      thread_id: request.threadId,
      turn_id: request.turnId,
      root_turn_id: request.rootTurnId,
      "x-codex-window-id": `${request.threadId}:0`,
      "x-codex-turn-metadata": turnMetadata(request)
    }
  })
