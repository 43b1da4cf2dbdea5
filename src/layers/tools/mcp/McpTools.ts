/**
 * The tools of one MCP server as tools of a thread: approval, call, item, output.
 *
 * ```
 *  item started ─► approval (a question to the user) ─► call ─► item completed ─► output for the model
 * ```
 *
 * Owns what the user has approved for the session. Does not own the connection (`SharedServer`).
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { McpToolCallItem } from "../../../protocol/v2/item/WorkItem.ts"
import { isTooDeep } from "../../../protocol/jsonrpc/JsonText.ts"
import { get, getText, isTable, type Table, type Value } from "../../../services/config/Table.ts"
import type { McpServerConfig } from "../../../services/mcp/McpServerConfig.ts"
import { McpError } from "../../../services/mcp/McpError.ts"
import type { Tool, ToolCall, ToolOutput, ToolTurn } from "../../../services/tool/Tool.ts"
import * as Approval from "./Approval.ts"
import { elicitIn } from "./Elicitations.ts"
import * as Results from "./Results.ts"
import type { ReadyServer, SharedServer } from "./SharedServer.ts"
import { toolNamesOf } from "./ToolNames.ts"
import { parametersOf } from "./ToolSchemas.ts"

/** Maximum number of characters of a description for the model. */
const MaxDescription = 8192

/** The server of a thread. */
export interface ThreadServer {
  readonly threadId: string
  readonly config: McpServerConfig
  readonly shared: SharedServer
  /** The namespace of its tools. */
  readonly namespace: string
  /** The tools that the user has approved for the session. */
  readonly approved: Set<string>
  /** Records that calls of the tool need no approval any more. False when it cannot be recorded. */
  readonly approveAlways: (tool: string) => Effect.Effect<boolean>
}

type Item = Omit<McpToolCallItem, "startedAtMs" | "completedAtMs">

/** The item of a call that has begun. */
export const startedItem = (
  id: string,
  server: string,
  tool: string,
  parameters: Value,
  readOnlyHint: boolean | null
): Item => ({
  type: "mcpToolCall",
  id,
  server,
  tool,
  status: "inProgress",
  arguments: parameters,
  appContext: null,
  mcpAppUi: null,
  pluginId: null,
  readOnlyHint,
  result: null,
  error: null,
  durationMs: null
})

/** The arguments of a call: null for none. Undefined when the text is not JSON. */
export const argumentsOf = (input: string): Value | undefined => {
  if (input.trim() === "") return null
  if (isTooDeep(input)) return undefined
  try {
    return JSON.parse(input)
  } catch {
    return undefined
  }
}

const refusal = "MCP tool call requires approval, but approval policy is never"

/** Why a call does not run; undefined when it runs. */
const approval = Effect.fnUntraced(function* (
  { approveAlways, approved, config }: ThreadServer,
  tool: Table,
  name: string,
  parameters: Table,
  turn: ToolTurn
) {
  const mode = Approval.modeOf(config, name)
  if (approved.has(name)) return undefined
  switch (Approval.decide(mode, Approval.hintsOf(tool), turn.approvalPolicy, turn.sandboxPolicy)) {
    case "run":
      return undefined
    case "refuse":
      return refusal
    case "ask": {
      const persist = mode === "prompt" ? [] : ["session", "always"]
      const question = Approval.questionOf({ server: config.name, tool, arguments: parameters, persist })
      const answer = yield* turn.ask("mcpServer/elicitation/request", question).pipe(
        Effect.map((response) => Approval.answerOf(response, persist)),
        // An answer that is no answer is not an approval.
        Effect.catchTag("AskFailed", () => Effect.succeed<Approval.Answer>("declined"))
      )
      if (answer === "declined") return "user rejected MCP tool call"
      if (answer === "cancelled") return "user cancelled MCP tool call"
      if (answer === "session" || answer === "always") approved.add(name)
      if (answer === "always" && !(yield* approveAlways(name))) {
        yield* Effect.logWarning(`the approval of ${config.name}/${name} holds for this session only`)
      }
      return undefined
    }
  }
})

/** Sends the call. */
const send = (server: ThreadServer, name: string, parameters: Value, call: ToolCall, turn: ToolTurn) => {
  const { config, shared, threadId } = server
  if (parameters !== null && !isTable(parameters)) {
    const detail = `MCP tool arguments must be a JSON object, got ${JSON.stringify(parameters).slice(0, 200)}`
    return Effect.fail(new McpError({ reason: "unavailable", detail }))
  }
  const params = {
    name,
    ...(parameters === null ? {} : { arguments: parameters }),
    _meta: { callId: call.callId, threadId, turnId: turn.turnId }
  }
  return Effect.gen(function* () {
    const report = Effect.runForkWith(yield* Effect.context<never>())
    const onProgress = (message: string) => void report(turn.progress(message))
    const result = yield* shared.request(
      { method: "tools/call", params, timeoutMs: config.toolTimeoutMs, onProgress },
      { threadId, elicit: elicitIn(config.name, turn) }
    )
    return yield* Results.decode(result)
  })
}

const run = Effect.fnUntraced(function* (
  server: ThreadServer,
  tool: Table,
  name: string,
  call: ToolCall,
  turn: ToolTurn
): Effect.fn.Return<ToolOutput> {
  const begun = yield* Clock.currentTimeMillis
  const begunNanos = yield* Clock.currentTimeNanos
  const elapsed = Effect.map(Clock.currentTimeNanos, (now) => Math.max(0, Number(now - begunNanos) / 1e6))
  const parameters = argumentsOf(call.input)
  if (parameters === undefined) return Results.problemToModel("err: expected JSON arguments", yield* elapsed)
  const item = startedItem(call.callId, server.config.name, name, parameters, Approval.hintsOf(tool).readOnly)
  yield* turn.itemStarted({ ...item, startedAtMs: begun })
  const failed = Effect.fnUntraced(function* (problem: string, durationMs: number) {
    yield* turn.itemCompleted({
      ...item,
      startedAtMs: begun,
      status: "failed",
      error: { message: problem },
      durationMs
    })
    return Results.problemToModel(problem, yield* elapsed)
  })
  const refused = yield* approval(server, tool, name, isTable(parameters) ? parameters : {}, turn)
  if (refused !== undefined) return yield* failed(refused, 0)
  const sentAt = yield* Clock.currentTimeMillis
  const outcome = yield* Effect.result(send(server, name, parameters, call, turn))
  const durationMs = Math.max(0, (yield* Clock.currentTimeMillis) - sentAt)
  if (outcome._tag === "Failure") {
    const cause = outcome.failure.detail
    const problem = `tool call error: tool call failed for \`${server.config.name}/${name}\`\n\nCaused by:\n    ${cause}`
    return yield* failed(problem, durationMs)
  }
  const result = outcome.success
  const status = result.isError ? "failed" : "completed"
  yield* turn.itemCompleted({ ...item, startedAtMs: begun, status, result: Results.toItem(result), durationMs })
  return Results.toModel(result, yield* elapsed)
})

const isOffered = ({ disabledTools, enabledTools }: McpServerConfig, name: string): boolean =>
  (enabledTools === null || enabledTools.includes(name)) && !disabledTools.includes(name)

/** The tools of a server that its settings offer, by name. */
export const offered = (config: McpServerConfig, { tools }: Pick<ReadyServer, "tools">): ReadonlyMap<string, Table> => {
  const found = new Map<string, Table>()
  for (const tool of tools) {
    const name = getText(tool, "name")
    if (name !== undefined && !found.has(name) && isOffered(config, name)) found.set(name, tool)
  }
  return found
}

const describe = (text: string | null | undefined): string => (text ?? "").slice(0, MaxDescription)

/** The tools of the server for the registry of the thread, by their names for the model. */
export const toolsOf = (server: ThreadServer, ready: ReadyServer): ReadonlyArray<Tool> => {
  const tools = offered(server.config, ready)
  const names = toolNamesOf([...tools.keys()])
  const namespace = {
    name: server.namespace,
    description: describe(ready.instructions) || `Tools in the ${server.namespace} namespace.`
  }
  return [...tools]
    .map(([original, tool]): Tool => ({
      spec: {
        type: "function",
        name: names.get(original) ?? original,
        namespace,
        description: describe(getText(tool, "description")),
        parameters: parametersOf(get(tool, "inputSchema")),
        strict: false
      },
      publishesItems: true,
      run: (call, turn) => run(server, tool, original, call, turn)
    }))
    .sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1))
}
