/**
 * A model server without latency: the Responses API over HTTP, with one prepared response per number of deltas.
 *
 * `POST /deltas/<n>/v1/responses` streams a response of n deltas, and `POST /deltas/endless/v1/responses` begins one that
 * never ends. `/deltas/calls-<n>/…` answers with n calls of `true` until their outputs are sent, and `/deltas/output/…` with a
 * call of `cat output.txt`, and `/deltas/patch/…` with a patch. Everything is prepared in advance, so that only the client's work is measured. Runs in its own process and
 * sends its port to the parent.
 */
import * as Http from "node:http"
import process from "node:process"
import { patchCommand } from "./patch.ts"

const event = (data: { readonly type: string } & Record<string, unknown>): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

const usage = {
  input_tokens: 10,
  input_tokens_details: null,
  output_tokens: 5,
  output_tokens_details: null,
  total_tokens: 15
}

const beginning = event({ type: "response.created", response: { id: "resp_bench" } })

const answer = (deltas: number): Buffer => {
  const message = { type: "message", role: "assistant", id: "msg_bench" }
  const place = { item_id: message.id, output_index: 0, content_index: 0 }
  const text = "word ".repeat(deltas)
  return Buffer.from(
    [
      beginning,
      event({ type: "response.output_item.added", output_index: 0, item: { ...message, content: [] } }),
      event({ type: "response.output_text.delta", ...place, delta: "word " }).repeat(deltas),
      event({
        type: "response.output_item.done",
        output_index: 0,
        item: { ...message, content: [{ type: "output_text", text }] }
      }),
      event({ type: "response.completed", response: { id: "resp_bench", usage } })
    ].join("")
  )
}

/** A response with calls of a command. */
const callsOf = (count: number, cmd: string): Buffer =>
  Buffer.from(
    [
      beginning,
      ...Array.from({ length: count }, (_, place) =>
        event({
          type: "response.output_item.done",
          output_index: place,
          item: {
            type: "function_call",
            id: `fc_bench_${place}`,
            call_id: `call_bench_${place}`,
            name: "exec_command",
            arguments: JSON.stringify({ cmd, yield_time_ms: 30_000, max_output_tokens: 100 })
          }
        })
      ),
      event({ type: "response.completed", response: { id: "resp_bench", usage } })
    ].join("")
  )

interface Body {
  readonly input: ReadonlyArray<{ readonly type?: string }>
}

/** The calls, until the request ends with an output of one. */
const turnOf = (kind: string, body: string): Buffer => {
  const { input } = JSON.parse(body) as Body
  if (input.at(-1)?.type === "function_call_output") return answerOf(1)
  if (kind === "patch") return callsOf(1, patchCommand)
  return kind === "output" ? callsOf(1, "cat output.txt") : callsOf(Number(kind.slice("calls-".length)), "true")
}

const answers = new Map<number, Buffer>()

const answerOf = (deltas: number): Buffer => {
  const written = answers.get(deltas) ?? answer(deltas)
  answers.set(deltas, written)
  return written
}

const server = Http.createServer({ keepAlive: true, keepAliveTimeout: 60_000 }, (request, response) => {
  const kind = /^\/deltas\/(\d+|endless|output|patch|calls-\d+)\/v1\/responses$/.exec(request.url ?? "")?.[1]
  const isTool = kind !== undefined && (kind === "output" || kind === "patch" || kind.startsWith("calls-"))
  const chunks: Array<Buffer> = []
  if (isTool) request.on("data", (chunk: Buffer) => chunks.push(chunk))
  else request.resume()
  request.once("end", () => {
    if (request.method !== "POST" || kind === undefined) {
      response.writeHead(404, { "content-type": "application/json" })
      response.end("{}")
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked" })
    if (kind === "endless") response.write(beginning)
    else response.end(isTool ? turnOf(kind, Buffer.concat(chunks).toString()) : answerOf(Number(kind)))
  })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.({ port: typeof address === "object" ? address?.port : undefined })
})

process.once("disconnect", () => process.exit())
