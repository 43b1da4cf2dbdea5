/**
 * The Model Context Protocol SDK in memory: a client that pings a server. The argument is the folder with the package.
 */
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import type { Calls } from "./worker.ts"

interface Peer {
  readonly connect: (transport: unknown) => Promise<void>
  readonly ping: () => Promise<unknown>
}

type Constructor = new (info: { readonly name: string; readonly version: string }, options: object) => Peer

const load = (modules: string, file: string): Promise<Record<string, unknown>> =>
  import(pathToFileURL(Path.join(modules, "@modelcontextprotocol", "sdk", "dist", "esm", file)).href)

export const start = async (modules: string): Promise<Calls> => {
  const info = { name: "bench", version: "1.0.0" }
  const { Client } = (await load(modules, "client/index.js")) as { readonly Client: Constructor }
  const { Server } = (await load(modules, "server/index.js")) as { readonly Server: Constructor }
  const { InMemoryTransport } = (await load(modules, "inMemory.js")) as {
    readonly InMemoryTransport: { readonly createLinkedPair: () => readonly [unknown, unknown] }
  }
  const [near, far] = InMemoryTransport.createLinkedPair()
  const client = new Client(info, {})
  await Promise.all([new Server(info, {}).connect(far), client.connect(near)])
  const callMany = async (calls: number): Promise<void> => {
    for (let made = 0; made < calls; made++) await client.ping()
  }
  return {
    run: async (calls, inFlight) => {
      const share = Math.ceil(calls / inFlight)
      await Promise.all(Array.from({ length: inFlight }, () => callMany(share)))
    }
  }
}
