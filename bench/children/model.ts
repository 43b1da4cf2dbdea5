/**
 * A model server without latency: the Responses API over HTTP, with one prepared response per number of deltas.
 *
 * `POST /deltas/<n>/v1/responses` streams a response of n deltas, and `POST /deltas/endless/v1/responses` begins one that
 * never ends. `POST /deltas/patch/v1/responses` calls for a patch, and ends with a message once it has the output. Everything is prepared in advance, so that only the client's work is measured. Runs in its own process and
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

const call = {
  type: "function_call",
  id: "fc_bench",
  call_id: "call_bench",
  name: "exec_command",
  arguments: JSON.stringify({ cmd: patchCommand })
}

const patchCall = Buffer.from(
  [
    beginning,
    event({ type: "response.output_item.done", output_index: 0, item: call }),
    event({ type: "response.completed", response: { id: "resp_bench", usage } })
  ].join("")
)

const answers = new Map<number, Buffer>()

const answerOf = (deltas: number): Buffer => {
  const written = answers.get(deltas) ?? answer(deltas)
  answers.set(deltas, written)
  return written
}

const server = Http.createServer({ keepAlive: true, keepAliveTimeout: 60_000 }, (request, response) => {
  const deltas = /^\/deltas\/(\d+|endless|patch)\/v1\/responses$/.exec(request.url ?? "")?.[1]
  const body: Array<Buffer> = []
  if (deltas === "patch") request.on("data", (chunk: Buffer) => body.push(chunk))
  else request.resume()
  request.once("end", () => {
    if (request.method !== "POST" || deltas === undefined) {
      response.writeHead(404, { "content-type": "application/json" })
      response.end("{}")
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream", "transfer-encoding": "chunked" })
    if (deltas === "endless") response.write(beginning)
    else if (deltas === "patch") {
      response.end(Buffer.concat(body).includes('"function_call_output"') ? answerOf(1) : patchCall)
    } else response.end(answerOf(Number(deltas)))
  })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.({ port: typeof address === "object" ? address?.port : undefined })
})

process.once("disconnect", () => process.exit())
