/**
 * thread/start over stdio, from the request to its response.
 */
import { performance } from "node:perf_hooks"
import { compare, type Figure } from "../figure.ts"
import type { World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

export const threadStart = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world)
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 3, measured: world.quick ? 10 : 40 }, async (server) => {
      const from = performance.now()
      await server.startThread(world.work)
      return performance.now() - from
    })
  )
  const target = { _tag: "OfPeer", peer: "codex", limit: 0.1 } as const
  return [
    compare(
      { name: "thread-start", what: "thread/start over stdio", unit: "ms", target },
      ours,
      withMissing(launched, samples)
    )
  ]
}
