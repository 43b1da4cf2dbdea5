import { tmpdir } from "node:os"
import * as Subject from "./Subject.ts"
import { suite, type Traits } from "./suite.ts"
import { threads } from "./threads.ts"

const wire = {
  isRemote: true,
  isShared: true,
  closed: "remote app-server worker channel is closed",
  cut: "TransportError"
} as const satisfies Traits

const every: ReadonlyArray<Parameters<typeof suite>> = [
  [
    "in the process",
    Subject.inProcess,
    {
      isRemote: false,
      isShared: true,
      closed: "in-process app-server worker channel is closed",
      cut: "ServerError"
    }
  ],
  ["over a WebSocket", Subject.webSocket, wire],
  ["over a Unix socket", Subject.unixSocket, { ...wire, statement: "[44]" }],
  ["of a child process", Subject.program(Subject.spindle, tmpdir()), { ...wire, isShared: false }]
]

for (const one of every) {
  suite(...one)
  threads(...one)
}
