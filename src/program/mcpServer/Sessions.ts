/**
 * What `spindle mcp-server` serves: `initialize`, the list of tools, and calls of `codex` and `codex-reply`.
 *
 * A call runs one turn of a thread and returns its final message. Approvals and forms during the turn are elicitations of
 * the MCP client; without that capability they are declined. Cancelling a call interrupts its turn.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsInputOf } from "../../protocol/Methods.ts"
import type { AppServerClient } from "../../services/client/AppServerClient.ts"
import type { ThreadClient } from "../../services/client/ThreadClient.ts"
import { Version } from "../../services/config/ServerIdentity.ts"
import * as Approvals from "./Approvals.ts"
import { ReplyArguments, StartArguments, tools } from "./Declarations.ts"
import { type Peer, PeerError, type PeerRequest, type Serve } from "./Peer.ts"

type Client = AppServerClient["Service"]

type Fields = Readonly<Record<string, unknown>>

/** The versions of MCP whose messages are used here alike. */
const versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]

const invalid = (detail: string): PeerError => new PeerError({ code: ErrorCode.InvalidParams, detail })

const startOf = (given: StartArguments): ParamsInputOf<"thread/start"> => {
  const { cwd, model, prompt: _, sandbox } = given
  const policy = given["approval-policy"]
  const compact = given["compact-prompt"]
  const config = { ...given.config, ...(compact === undefined ? {} : { compact_prompt: compact }) }
  return {
    config,
    ...(model === undefined ? {} : { model }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(policy === undefined ? {} : { approvalPolicy: policy === "on-failure" ? "on-request" : policy }),
    ...(given["base-instructions"] === undefined ? {} : { baseInstructions: given["base-instructions"] }),
    ...(given["developer-instructions"] === undefined ? {} : { developerInstructions: given["developer-instructions"] })
  }
}

const resultOf = (threadId: string, content: string, isError: boolean): Fields => ({
  content: [{ type: "text", text: content }],
  structuredContent: { threadId, content },
  ...(isError ? { isError: true } : {})
})

/** A call that failed before it had a thread. The model of the client reads the text. */
const failed = (text: string): Fields => ({ content: [{ type: "text", text }], isError: true })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : "the call failed")

/** The calls in progress by thread. */
type Calls = Map<string, string | number>

/** Runs one turn for a call. */
const runTurn = (calls: Calls, id: string | number, thread: ThreadClient, prompt: string): Effect.Effect<Fields> =>
  Effect.acquireUseRelease(
    Effect.sync(() => calls.set(thread.id, id)),
    () =>
      thread.run(prompt).pipe(
        Effect.map(({ text }) => resultOf(thread.id, text, false)),
        Effect.catch((error) => Effect.succeed(resultOf(thread.id, messageOf(error), true)))
      ),
    () => Effect.sync(() => calls.delete(thread.id))
  )

const decode = <A>(schema: Schema.Codec<A, unknown>, given: unknown): Effect.Effect<A, PeerError> =>
  Effect.mapError(Schema.decodeUnknownEffect(schema)(given), (error) => invalid(error.message))

const start = Effect.fnUntraced(function* (client: Client, calls: Calls, id: string | number, given: unknown) {
  if (Predicate.hasProperty(given, "profile")) {
    return failed("profile is not supported: settings for all threads belong to the command, spindle -c ... mcp-server")
  }
  const decoded = yield* decode(StartArguments, given)
  const started = yield* Effect.result(client.startThread(startOf(decoded)))
  return started._tag === "Failure"
    ? failed(messageOf(started.failure))
    : yield* runTurn(calls, id, started.success, decoded.prompt)
})

const reply = Effect.fnUntraced(function* (client: Client, calls: Calls, id: string | number, given: unknown) {
  const decoded = yield* decode(ReplyArguments, given)
  const threadId = decoded.threadId ?? decoded.conversationId
  if (threadId === undefined) return yield* invalid("threadId is missing")
  const resumed = yield* Effect.result(client.resumeThread({ threadId }))
  return resumed._tag === "Failure"
    ? failed(messageOf(resumed.failure))
    : yield* runTurn(calls, id, resumed.success, decoded.prompt)
})

const call = (client: Client, calls: Calls, { id, params }: PeerRequest): Effect.Effect<Fields, PeerError> => {
  const given = params["arguments"] ?? {}
  switch (params["name"]) {
    case "codex":
      return start(client, calls, id, given)
    case "codex-reply":
      return reply(client, calls, id, given)
    default:
      return Effect.fail(invalid(`Unknown tool: ${String(params["name"]).slice(0, 128)}`))
  }
}

/** Serves one MCP client with the agent of `client`. */
export const make = Effect.fnUntraced(function* (client: Client): Effect.fn.Return<Serve, never, Scope.Scope> {
  /** The MCP client, once it has initialized; null when it cannot be asked. */
  let asked: Peer | null = null
  const calls: Calls = new Map()

  const elicit = (threadId: string, params: Fields): Effect.Effect<Fields> => {
    const call = calls.get(threadId)
    if (asked === null) return Effect.succeed({ action: "decline" })
    const about = { threadId, ...(call === undefined ? {} : { codex_mcp_tool_call_id: String(call) }) }
    return Effect.orElseSucceed(asked.ask("elicitation/create", { ...params, ...about }), () => ({ action: "decline" }))
  }
  yield* Approvals.register(client, elicit)

  return (request, peer) => {
    const { method, params } = request
    switch (method) {
      case "initialize": {
        const { capabilities, protocolVersion } = params
        asked = Predicate.hasProperty(capabilities, "elicitation") ? peer : null
        return Effect.succeed({
          protocolVersion: versions.find((one) => one === protocolVersion) ?? "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "spindle-mcp-server", title: "Spindle", version: Version }
        })
      }
      case "ping":
        return Effect.succeed({})
      case "tools/list":
        return Effect.succeed({ tools })
      case "tools/call":
        return call(client, calls, request)
      default:
        return Effect.fail(
          new PeerError({ code: ErrorCode.MethodNotFound, detail: `Method not found: ${method.slice(0, 128)}` })
        )
    }
  }
})
