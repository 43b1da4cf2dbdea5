/**
 * The limit of Node: for each request, the prepared lines of a turn, written one by one as they would come from a model, and
 * the response.
 */
import process from "node:process"

const deltas = Number(process.argv[2])
const ids = { threadId: "01a1f936-cd04-7e71-b70d-26426bfc172a", turnId: "01a1f936-cd04-7e71-b70d-26426bfc172b" }
const params = { ...ids, itemId: "msg_bench", delta: "word " }
const line = `${JSON.stringify({ method: "item/agentMessage/delta", params, emittedAtMs: 1_795_182_480_641 })}\n`

process.stdin.on("data", (request: Buffer) => {
  for (let written = 0; written < deltas; written++) process.stdout.write(line)
  process.stdout.write(`{"id":${/"id":(\d+)/.exec(request.toString())?.[1]},"result":{}}\n`)
})
