/**
 * A scripted Responses server without sockets, and its events.
 *
 * @module
 */
import { unbounded } from "../../../src/services/config/Bounds.ts"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { DecodeError, HttpClientError, TransportError } from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Responses from "../../../src/layers/models/Responses.ts"
import * as Auth from "../../../src/services/account/Auth.ts"
import { Config, defaults, type EffectiveConfig, type ModelProviderInfo } from "../../../src/services/config/Config.ts"
import {
  type ModelError,
  type ModelEvent,
  ModelProvider,
  type ModelRequest
} from "../../../src/services/model/ModelProvider.ts"

export const assistant = (id: string, text: string) => ({
  type: "message" as const,
  role: "assistant",
  id,
  content: [{ type: "output_text" as const, text }]
})

/** Encoded events of a server. */
export const wire = {
  created: { type: "response.created", response: { id: "resp_1" } },
  added: (item: object) => ({ type: "response.output_item.added", output_index: 0, item }),
  messageAdded: (id: string) => wire.added({ type: "message", role: "assistant", id, content: [] }),
  delta: (id: string, delta: string) => ({ type: "response.output_text.delta", item_id: id, output_index: 0, delta }),
  done: (item: unknown) => ({ type: "response.output_item.done", output_index: 0, item }),
  call: (callId: string) =>
    wire.done({ type: "function_call", id: `fc_${callId}`, call_id: callId, name: "exec_command", arguments: "{}" }),
  failed: (code: string, message: string) => ({
    type: "response.failed",
    response: { id: "resp_1", status: "failed", error: { code, message } }
  }),
  incomplete: (reason: string) => ({ type: "response.incomplete", response: { incomplete_details: { reason } } }),
  completed: (usage?: object) => ({ type: "response.completed", response: { id: "resp_1", usage } })
}

/** The model event of `completed()` without usage. */
export const Completed: ModelEvent = { _tag: "Completed", usage: null, endTurn: true }

export const encode = (event: object): string =>
  `event: ${"type" in event ? String(event.type) : ""}\ndata: ${JSON.stringify(event)}\n\n`

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** An answer of the scripted server, up to its headers. */
export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Stream.Stream<Uint8Array, Error>
}

/** The scripted server's handling of a request; an error is that of the socket. */
export type Answer = Effect.Effect<Head, Error>

/** A stream with status 200. */
export const streamed = (body: Stream.Stream<Uint8Array, Error>): Answer =>
  Effect.succeed({ status: 200, headers: { "content-type": "text/event-stream" }, body })

/** The text as one chunk. */
export const raw = (text: string): Answer => streamed(Stream.succeed(bytes(text)))

/** Events and a regular end. */
export const events = (...list: ReadonlyArray<object>): Answer => raw(list.map(encode).join(""))

/** Events in separate chunks, and then a broken connection. */
export const cut = (...list: ReadonlyArray<object>): Answer =>
  streamed(
    Stream.concat(Stream.fromIterable(list.map((event) => bytes(encode(event)))), Stream.fail(new Error("terminated")))
  )

/** Events without an end; `onClose` runs when the client closes the connection. */
export const hanging = (list: ReadonlyArray<object>, onClose: Effect.Effect<void> = Effect.void): Answer =>
  streamed(
    Stream.concat(Stream.fromIterable(list.map((event) => bytes(encode(event)))), Stream.never).pipe(
      Stream.ensuring(onClose)
    )
  )

/** A complete answer: one message. */
export const ok = (text: string): Answer => events(wire.created, wire.done(assistant("msg_ok", text)), wire.completed())

export const refuse = (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  Effect.succeed({
    status,
    headers,
    body: Stream.succeed(bytes(typeof body === "string" ? body : JSON.stringify(body)))
  })

/** No response: the socket fails with `code`. */
export const broken = (code: string): Answer => Effect.fail(Object.assign(new Error(code), { code }))

export const provider: ModelProviderInfo = {
  id: "mock",
  name: "Mock",
  baseUrl: "http://model.test/v1",
  envKey: "MOCK_KEY",
  headers: {},
  envHeaders: {},
  queryParams: {},
  requestMaxRetries: 0,
  streamMaxRetries: 0,
  streamIdleTimeoutMs: 300_000,
  requiresOpenaiAuth: false
}

export const effective = (info: ModelProviderInfo): EffectiveConfig => ({
  model: null,
  modelProvider: info.id,
  providers: { [info.id]: info },
  approvalPolicy: "never",
  approvalsReviewer: "user",
  activePermissionProfile: null,
  sandboxPolicy: { type: "dangerFullAccess" },
  reasoningEffort: null,
  reasoningSummary: null,
  serviceTier: null,
  baseInstructions: null,
  developerInstructions: null,
  shellEnvironmentPolicy: defaults().shellEnvironmentPolicy,
  projectDocMaxBytes: 32_768,
  warnings: [],
  settings: {},
  requirementRules: null,
  requirementMcpServers: null,
  allowedWebSearchModes: null,
  bounds: unbounded,
  ruleFolders: [],
  hooks: { sources: [], states: {} }
})

export const configLayer = (config: EffectiveConfig) =>
  Layer.mock(Config, {
    home: "/home/spindle",
    userHome: undefined,
    userFile: "/home/spindle/config.toml",
    warnings: [],
    effective: () => Effect.succeed(config)
  })

/** Credentials from a list of variables; `OPENAI_API_KEY` is the account's. */
export const authLayer = (environment: Readonly<Record<string, string>>) => {
  const apiKey = environment["OPENAI_API_KEY"]
  return Auth.layerTest({ environment, ...(apiKey === undefined ? {} : { apiKey }) })
}

export const request: ModelRequest = {
  threadId: "thread-1",
  sessionId: "session-1",
  turnId: "turn-1",
  rootTurnId: "turn-1",
  provider: "mock",
  model: "gpt-5",
  effort: null,
  summary: null,
  prompt: "hi",
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
  tools: [],
  parallelToolCalls: true,
  outputSchema: null,
  originator: "probe",
  userAgent: "probe/0.169.0",
  metadata: {}
}

/** A request as received by the scripted server. */
export interface Sent {
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: { readonly input: ReadonlyArray<Record<string, unknown>> } & Record<string, unknown>
}

/** The body stays on the effect clock: a web stream would run outside of it. */
const responseOf = (request: HttpClientRequest.HttpClientRequest, head: Head) => {
  const { headers, status } = head
  const response = HttpClientResponse.fromWeb(request, new Response(null, { headers, status }))
  const stream = Stream.mapError(
    head.body,
    (cause) => new HttpClientError({ reason: new DecodeError({ request, response, cause }) })
  )
  return Object.defineProperty(response, "stream", { get: () => stream })
}

/** The adapter in front of a script: one response per request, the last one for all further requests. */
export const scripted = (
  answers: ReadonlyArray<Answer>,
  options: { readonly provider?: Partial<ModelProviderInfo>; readonly env?: Readonly<Record<string, string>> } = {}
) => {
  const sent: Array<Sent> = []
  const client = HttpClient.make((request, url) => {
    const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "{}"
    const answer = answers[Math.min(sent.length, answers.length - 1)]
    sent.push({ url: url.href, headers: { ...request.headers }, body: JSON.parse(body) })
    if (answer === undefined) return Effect.die("the script is empty")
    return answer.pipe(
      Effect.mapBoth({
        onSuccess: (head) => responseOf(request, head),
        onFailure: (cause) => new HttpClientError({ reason: new TransportError({ request, cause }) })
      })
    )
  })
  const layer = Responses.layer.pipe(
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
    Layer.provide(configLayer(effective({ ...provider, ...options.provider }))),
    Layer.provide(authLayer(options.env ?? { MOCK_KEY: "secret" }))
  )
  return { sent, layer }
}

/** All events of one answer, and its error. */
export const answerTo = (
  asked: ModelRequest
): Effect.Effect<{ readonly events: Array<ModelEvent>; readonly error: ModelError | null }, never, ModelProvider> =>
  Effect.gen(function* () {
    const model = yield* ModelProvider
    const list: Array<ModelEvent> = []
    const error = yield* Stream.runForEach(model.stream(asked), (event) => Effect.sync(() => list.push(event))).pipe(
      Effect.match({ onSuccess: () => null, onFailure: (error) => error })
    )
    return { events: list, error }
  })
