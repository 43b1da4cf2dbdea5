/**
 * Fifty threads with concurrent turns over one connection; each runs its turns one after another.
 */
import { performance } from "node:perf_hooks"
import { compare, type Figure } from "../figure.ts"
import type { Server } from "../server.ts"
import type { World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

const Threads = 50

export const manyThreads = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world)
  const turns = world.quick ? 2 : 5

  /**
   * Turns per second. The threads are new each time, so that the history in the requests is the same for all contestants.
   */
  const measure = async (server: Server): Promise<number> => {
    const threads: Array<string> = []
    for (let started = 0; started < Threads; started++) threads.push(await server.startThread(world.work))
    const runTurns = async (thread: string): Promise<void> => {
      for (let made = 0; made < turns; made++) await server.turn(thread)
    }
    const from = performance.now()
    await Promise.all(threads.map(runTurns))
    return (Threads * turns * 1000) / (performance.now() - from)
  }

  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 1, measured: world.quick ? 1 : 4 }, measure)
  )
  const target = { _tag: "OfPeer", peer: "codex", limit: 25 } as const
  const what = "turns of 50 concurrent threads"
  return [compare({ name: "many-threads", what, unit: "/s", target }, ours, withMissing(launched, samples))]
}
