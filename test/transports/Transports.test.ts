import { suite } from "./suite.ts"
import * as Subject from "./Subject.ts"

const byStream = { handshake: true, patience: "4 seconds", cut: "request was interrupted" } as const

suite("in memory", Subject.inMemory, byStream)
suite("over stdio", Subject.stdio, byStream)
suite("over a WebSocket", Subject.webSocket, byStream)
suite("over a Unix socket", Subject.unixSocket, byStream)
suite("in the same process", Subject.inProcess, {
  handshake: false,
  patience: "5 seconds",
  cut: "in-process app-server runtime is shutting down"
})
