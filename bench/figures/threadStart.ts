/**
 * thread/start over stdio, from the request to its response: in a warm server, and as the first of a process.
 */
import { performance } from "node:perf_hooks"
import { compare, type Figure, isMissing } from "../figure.ts"
import { type Contestant, takeTurns } from "../sample.ts"
import { type Server, using } from "../server.ts"
import type { World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

/**
 * Number of threads started in a row. A contestant's background work after a response must not overlap another one's
 * measurement.
 */
const InARow = 20

const startOne = async (world: World, server: Server): Promise<number> => {
  const from = performance.now()
  await server.startThread(world.work)
  return performance.now() - from
}

export const threadStart = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world)
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: world.quick ? 2 : 4, measured: world.quick ? 2 : 6 }, async (server) => {
      const millis: Array<number> = []
      for (let started = 0; started < InARow; started++) millis.push(await startOne(world, server))
      return millis
    })
  )

  const first = new Map<string, Contestant>()
  for (const [name, launch] of launched) {
    if (isMissing(launch)) continue
    first.set(name, () =>
      using(launch, async (server) => {
        await server.initialize()
        return startOne(world, server)
      })
    )
  }
  const firstSamples = await takeTurns(world.quick ? 3 : 15, first)

  const unit = "ms"
  const target = { _tag: "OfPeer", peer: "codex", limit: 0.1 } as const
  return [
    compare(
      { name: "thread-start", what: "thread/start over stdio", unit, target },
      ours,
      withMissing(launched, samples)
    ),
    compare(
      { name: "thread-start-first", what: "the first of a process", unit },
      ours,
      withMissing(launched, firstSamples)
    )
  ]
}
