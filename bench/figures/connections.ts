/**
 * Many WebSocket clients of one server: the memory of a thousand idle ones, and the cost of each further client that watches
 * a thread.
 */
import { setTimeout } from "node:timers/promises"
import { compare, type Figure, isMissing, type Missing, type Result } from "../figure.ts"
import { flags, type Listening, listening, type Peer } from "../listening.ts"
import { cpuMillis, isAvailable, residentMegabytes } from "../proc.ts"
import { type Contestant, takeTurns } from "../sample.ts"
import type { Launch } from "../server.ts"
import type { Deltas, World } from "../world.ts"
import { launches, ours, withMissing } from "./servers.ts"

const unavailable: Missing = { missing: "needs /proc" }

/** Measures each contestant in a new server per round. */
const measure = async (
  world: World,
  deltas: Deltas,
  rounds: number,
  use: (server: Listening) => Promise<number>
): Promise<ReadonlyMap<string, Result>> => {
  if (!isAvailable) return new Map([[ours, unavailable]])
  const launched = await launches(world, deltas, ...flags)
  const contestants = new Map<string, Contestant>()
  const add = (name: string, launch: Launch) => contestants.set(name, () => listening(launch, use))
  for (const [name, launch] of launched) if (!isMissing(launch)) add(name, launch)
  return withMissing(launched, await takeTurns(rounds, contestants))
}

const Idle = 1000

/** How long a server's background work after a response may take, in milliseconds. */
const Settle = 1000

export const idleConnections = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const results = await measure(world, 1, world.quick ? 1 : 3, async (server) => {
    await server.connect()
    await setTimeout(Settle)
    const before = residentMegabytes(server.pid)
    const peers = await server.connectMany(Idle)
    await setTimeout(Settle)
    const after = residentMegabytes(server.pid)
    for (const peer of peers) peer.close()
    return after - before
  })
  const target = { _tag: "Figure", limit: 40 } as const
  const what = "memory of 1 000 idle connections"
  return [compare({ name: "idle-connections", what, unit: "MB", target }, ours, results)]
}

const Pieces = 5000

const Watchers = 100

const Warm = 5

/** CPU of the server per turn of a thread, in milliseconds. Every watcher must have received every delta. */
const cpuOfTurns = async (server: Listening, peers: ReadonlyArray<Peer>, thread: string, turns: number) => {
  const [first] = peers
  const deltasOf = () => peers.reduce((sum, peer) => sum + peer.deltas, 0)
  const before = cpuMillis(server.pid)
  const seen = deltasOf()
  for (let made = 0; made < turns; made++) {
    const watched = peers.slice(1).map((peer) => peer.completed(thread))
    await Promise.all([first?.turn(thread), ...watched])
  }
  const arrived = deltasOf() - seen
  const all = turns * Pieces * peers.length
  if (arrived !== all) throw new Error(`${arrived} of ${all} deltas arrived`)
  return (cpuMillis(server.pid) - before) / turns
}

export const watchers = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const results = await measure(world, Pieces, world.quick ? 1 : 2, async (server) => {
    const first = await server.connect()
    const thread = await first.startThread(world.work)
    await cpuOfTurns(server, [first], thread, Warm)
    const alone = await cpuOfTurns(server, [first], thread, 10)
    const peers = [first, ...(await server.connectMany(Watchers - 1))]
    for (const peer of peers.slice(1)) await peer.resume(thread)
    await cpuOfTurns(server, peers, thread, 2)
    const together = await cpuOfTurns(server, peers, thread, 3)
    return ((together - alone) / (Watchers - 1) / alone) * 100
  })
  const target = { _tag: "Figure", limit: 10 } as const
  const what = "CPU per additional watcher of a turn"
  return [compare({ name: "watchers", what, unit: "%", target }, ours, results)]
}
