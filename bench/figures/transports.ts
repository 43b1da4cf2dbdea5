/**
 * The throughput of a transport: small requests with 32 in flight, many requests at once, and eight threads that stream
 * concurrently.
 */
import * as Path from "node:path"
import { performance } from "node:perf_hooks"
import { setTimeout } from "node:timers/promises"
import type { Client } from "../client.ts"
import { compare, type Figure, isMissing } from "../figure.ts"
import { flags, Listening } from "../listening.ts"
import { type Contestant, takeTurns } from "../sample.ts"
import { Server, using } from "../server.ts"
import { folders, node, root, type World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

const InFlight = 32

const raw = "node, echo"

const echo = async (world: World, ...args: ReadonlyArray<string>) =>
  node(world, await folders(world), Path.join(root, "bench", "children", "echo.ts"), ...args)

const callsOf = (world: World): number => (world.quick ? 10_000 : 40_000)

const requestsPerSecond = async (client: Client, calls: number): Promise<number> =>
  (calls * 1000) / (await client.calls(calls, InFlight))

const rounds = (world: World) => ({ warm: 3, measured: world.quick ? 3 : 9 })

const unit = "/s"

export const stdioRequests = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world)
  const lines = new Server(await echo(world))
  const calls = callsOf(world)
  try {
    const samples = await withServers(launched, (servers) =>
      compareServers(
        servers,
        rounds(world),
        (server) => requestsPerSecond(server, calls),
        new Map([[raw, () => requestsPerSecond(lines, calls)]])
      )
    )
    const target = { _tag: "Figure", limit: 60_000 } as const
    const what = "requests over stdio, 32 in flight"
    return [compare({ name: "stdio-requests", what, unit, target }, ours, withMissing(launched, samples))]
  } finally {
    await lines.stop()
  }
}

export const wsRequests = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, 1, ...flags)
  const servers: Array<Listening> = []
  const contestants = new Map<string, Contestant>()
  const calls = callsOf(world)
  try {
    for (const [name, launch] of new Map([...launched, [raw, await echo(world, "ws")]])) {
      if (isMissing(launch)) continue
      const server = await Listening.start(launch)
      servers.push(server)
      const peer = await server.connect()
      contestants.set(name, () => requestsPerSecond(peer, calls))
    }
    const { measured, warm } = rounds(world)
    await takeTurns(warm, contestants)
    const samples = await takeTurns(measured, contestants)
    const target = { _tag: "Figure", limit: 40_000 } as const
    const what = "requests over a WebSocket, 32 in flight"
    return [compare({ name: "ws-requests", what, unit, target }, ours, withMissing(launched, samples))]
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

const Threads = 8

const Deltas = 5000

export const streamingThreads = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world, Deltas)
  const samples = await withServers(launched, (servers) =>
    compareServers(servers, { warm: 3, measured: world.quick ? 3 : 9 }, async (server, name) => {
      const threads: Array<string> = []
      for (let started = 0; started < Threads; started++) threads.push(await server.startThread(world.work))
      const before = server.deltas
      const from = performance.now()
      await Promise.all(threads.map((thread) => server.turn(thread)))
      const millis = performance.now() - from
      const arrived = server.deltas - before
      if (arrived !== Threads * Deltas) throw new Error(`${arrived} of ${Threads * Deltas} deltas arrived from ${name}`)
      return (arrived * 1000) / millis
    })
  )
  const target = { _tag: "Figure", limit: 150_000 } as const
  const what = "deltas of 8 concurrent threads over stdio"
  return [compare({ name: "streaming-threads", what, unit, target }, ours, withMissing(launched, samples))]
}

const Flood = 10_000

/** Milliseconds without a response after which no more are expected. */
const Silence = 2000

/** Resolves when no response has arrived for a while. */
const silence = async (client: Client): Promise<void> => {
  for (let before = -1, since = performance.now(); performance.now() - since < Silence; await setTimeout(20)) {
    if (client.answered === before) continue
    before = client.answered
    since = performance.now()
  }
}

/** How many of the requests, sent at once, are answered. */
const answeredOf = async (client: Client): Promise<number> => {
  // The pending promise fails when the server is stopped.
  const all = client.calls(Flood, Flood).catch(() => {})
  await Promise.race([all, silence(client)])
  return client.answered
}

export const flood = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = await launches(world)
  const contestants = new Map<string, Contestant>()
  for (const [name, launch] of launched) {
    if (isMissing(launch)) continue
    contestants.set(name, () =>
      using(launch, async (server) => {
        await server.initialize()
        return answeredOf(server)
      })
    )
  }
  const samples = await takeTurns(world.quick ? 1 : 3, contestants)
  const target = { _tag: "Figure", limit: Flood } as const
  const what = "answers to 10 000 requests sent at once"
  return [compare({ name: "flood", what, unit: "arrived", target }, ours, withMissing(launched, samples))]
}
