/**
 * The clients of this package, connected to the released server.
 */
import { homedir } from "node:os"
import { join } from "node:path"
import * as Subject from "../clients/Subject.ts"
import { suite, type Traits } from "../clients/suite.ts"
import * as Release from "./Release.ts"

const remote = {
  isRemote: true,
  isIndependent: true,
  closed: "remote app-server worker channel is closed",
  cut: "TransportError"
} as const satisfies Partial<Traits>

/** Not among the temporary files: the released server treats a home there in another way. */
const below = join(homedir(), ".cache", "spindle-test")

const released = [Release.binary(), "app-server"] as const

suite("of the released server as a child process", Subject.program(released, below), { ...remote, isShared: false })

suite("of the released server over a WebSocket", Subject.listeningProgram(released, below), {
  ...remote,
  isShared: true
})
