/**
 * The limit of Node: a server that parses each request and sends a minimal response, on standard input and output, or on a
 * WebSocket with the argument `ws`.
 */
import { WebSocketServer } from "@effect/platform-node/NodeWS"
import process from "node:process"

const answer = (request: string): string => {
  const { id } = JSON.parse(request) as { readonly id: number }
  return JSON.stringify({ id, result: { data: [], nextCursor: null } })
}

const serveLines = (): void => {
  let partial = ""
  process.stdin.on("data", (chunk: Buffer) => {
    const lines = (partial + chunk.toString()).split("\n")
    partial = lines.pop() ?? ""
    process.stdout.write(lines.map((line) => `${answer(line)}\n`).join(""))
  })
}

const serveSockets = (): void => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false })
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => socket.send(answer(data.toString())))
  })
  server.once("listening", () => {
    const address = server.address()
    if (typeof address === "object") process.stderr.write(`  listening on: ws://127.0.0.1:${address?.port}\n`)
  })
}

if (process.argv[2] === "ws") serveSockets()
else serveLines()
