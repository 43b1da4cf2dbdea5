/**
 * A model server that makes the call of the current case: the last text of the user's message identifies the call.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Call } from "./Case.ts"
import * as Wire from "../../support/ModelServer.ts"

export interface Script {
  /** The base address for a configuration. */
  readonly url: string
  /** Registers a call. The model makes it when it receives the returned text. */
  readonly calls: (key: string, call: Call) => string
  /** The output that the model received for the call. */
  readonly toolOutput: (key: string) => string | undefined
}

interface Item {
  readonly type?: string
  readonly role?: string
  readonly call_id?: string
  readonly output?: unknown
  readonly content?: ReadonlyArray<{ readonly text?: string }>
}

const body = async (request: IncomingMessage): Promise<ReadonlyArray<Item>> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return (JSON.parse(Buffer.concat(chunks).toString("utf8")) as { readonly input: ReadonlyArray<Item> }).input
}

const lastWords = (input: ReadonlyArray<Item>): string =>
  input.findLast(({ role }) => role === "user")?.content?.findLast(({ text }) => text !== undefined)?.text ?? ""

const send = (response: ServerResponse, events: ReadonlyArray<object>): void => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const event of events) {
    response.write(`event: ${"type" in event ? String(event.type) : ""}\ndata: ${JSON.stringify(event)}\n\n`)
  }
  response.end()
}

const words = [Wire.created, Wire.opened, Wire.delta("done"), Wire.done("done"), Wire.completed]

/** Serves until the scope ends. */
export const serve = Effect.gen(function* () {
  const calls = new Map<string, Call>()
  const toolOutput = new Map<string, string>()

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "POST" || request.url?.endsWith("/responses") !== true) {
      request.resume()
      response.writeHead(404, { "content-type": "application/json" }).end("{}")
      return
    }
    const input = await body(request)
    for (const { call_id: key, output, type } of input) {
      if (type === "function_call_output" && key !== undefined) {
        toolOutput.set(key, typeof output === "string" ? output : JSON.stringify(output))
      }
    }
    const key = lastWords(input)
    const call = toolOutput.has(key) ? undefined : calls.get(key)
    send(response, call === undefined ? words : [Wire.created, Wire.call(key, "exec_command", call), Wire.completed])
  }

  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((request, response) => {
        answer(request, response).catch(() => response.destroy())
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.closeAllConnections()
        server.close(() => resume(Effect.void))
      })
  )
  const address = server.address()
  const script: Script = {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/v1`,
    calls: (key, call) => {
      calls.set(key, call)
      return key
    },
    toolOutput: (key) => toolOutput.get(key)
  }
  return script
})
