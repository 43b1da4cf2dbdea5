/**
 * A model server over HTTP with scripted responses, for servers in other processes.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { createServer, type ServerResponse } from "node:http"
import { listening } from "./LocalServer.ts"

/** One request, and its response in progress. */
export interface ModelRequest {
  /** The request body as text. */
  readonly body: string
  readonly send: (...events: ReadonlyArray<object>) => Effect.Effect<void>
  /** Ends the response. */
  readonly end: Effect.Effect<void>
  /** Completes when the response is no longer read: it ended or was dropped. */
  readonly closed: Effect.Effect<void>
}

export class ModelServer extends Context.Service<
  ModelServer,
  {
    /** The base address for a configuration. */
    readonly url: string
    /** Waits for the next request. */
    readonly next: Effect.Effect<ModelRequest>
  }
>()("spindle-test/ModelServer") {}

const item = (text: string) => ({
  type: "message",
  role: "assistant",
  id: "msg_1",
  content: text === "" ? [] : [{ type: "output_text", text }]
})

/** Events of the Responses API. */
export const created = { type: "response.created", response: { id: "resp_1" } }
export const opened = { type: "response.output_item.added", output_index: 0, item: item("") }
export const delta = (text: string) => ({
  type: "response.output_text.delta",
  item_id: "msg_1",
  output_index: 0,
  content_index: 0,
  delta: text
})
export const done = (text: string) => ({ type: "response.output_item.done", output_index: 0, item: item(text) })
export const call = (callId: string, name: string, input: object) => ({
  type: "response.output_item.done",
  output_index: 0,
  item: { type: "function_call", id: `fc_${callId}`, call_id: callId, name, arguments: JSON.stringify(input) }
})
export const completed = {
  type: "response.completed",
  response: {
    id: "resp_1",
    usage: {
      input_tokens: 10,
      input_tokens_details: null,
      output_tokens: 5,
      output_tokens_details: null,
      total_tokens: 15
    }
  }
}

/** Answers the next request with this text, one delta per argument. */
export const reply = (...words: ReadonlyArray<string>) =>
  answer(created, opened, ...words.map(delta), done(words.join("")), completed)

/** Answers the next request with a command to run. */
export const run = (callId: string, command: string) =>
  answer(created, call(callId, "exec_command", { cmd: command }), completed)

const answer = (...events: ReadonlyArray<object>) =>
  Effect.gen(function* () {
    const { next } = yield* ModelServer
    const asked = yield* next
    yield* asked.send(...events)
    yield* asked.end
  })

const askedOf = (response: ServerResponse, body: string): ModelRequest => {
  const closed = Deferred.makeUnsafe<void>()
  response.on("close", () => Deferred.doneUnsafe(closed, Effect.void))
  return {
    body,
    send: (...events) =>
      Effect.sync(() => {
        const texts = events.map(
          (event) => `event: ${"type" in event ? String(event.type) : ""}\ndata: ${JSON.stringify(event)}\n\n`
        )
        response.write(texts.join(""))
      }),
    end: Effect.sync(() => void response.end()),
    closed: Deferred.await(closed)
  }
}

export const layer: Layer.Layer<ModelServer> = Layer.effect(
  ModelServer,
  Effect.gen(function* () {
    const requests = yield* Queue.unbounded<ModelRequest>()
    const server = createServer((request, response) => {
      if (request.method !== "POST" || request.url?.endsWith("/responses") !== true) {
        request.resume()
        response.writeHead(404, { "content-type": "application/json" }).end("{}")
        return
      }
      response.writeHead(200, { "content-type": "text/event-stream" })
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => Queue.offerUnsafe(requests, askedOf(response, Buffer.concat(chunks).toString())))
    })
    const port = yield* listening(() => server)
    return { url: `http://127.0.0.1:${port}/v1`, next: Queue.take(requests) }
  })
)
