/**
 * Resident memory of the server, as Linux reports it: with two idle threads, and after twenty turns.
 */
import { setTimeout } from "node:timers/promises"
import { compare, type Figure, isMissing } from "../figure.ts"
import { isAvailable, residentMegabytes } from "../proc.ts"
import { type Contestant, summarize, takeTurns } from "../sample.ts"
import { type Launch, Server, using } from "../server.ts"
import { folders, node, type World } from "../world.ts"
import { launches, ours, withMissing } from "./servers.ts"

/** How long a server's background work after a response may take, in milliseconds. */
const Settle = 1000

const Turns = 20

const bare = "bare node"

const what = "memory after init and two threads"

const unit = "MB"

export const memory = async (world: World): Promise<ReadonlyArray<Figure>> => {
  if (!isAvailable) return [{ name: "memory", what, unit, ours: { missing: "needs /proc" }, peers: new Map() }]
  const launched = await launches(world)
  const afterTurns = new Map<string, Array<number>>()
  const contestants = new Map<string, Contestant>()

  const measure = (name: string, launch: Launch) =>
    using(launch, async (server) => {
      await server.initialize()
      const threads = [await server.startThread(world.work), await server.startThread(world.work)]
      await setTimeout(Settle)
      const before = residentMegabytes(server.pid)
      for (let made = 0; made < Turns; made++) await server.turn(threads[made % threads.length] ?? "")
      await setTimeout(Settle)
      const after = residentMegabytes(server.pid)
      afterTurns.set(name, [...(afterTurns.get(name) ?? []), after])
      return before
    })

  for (const [name, launch] of launched) if (!isMissing(launch)) contestants.set(name, () => measure(name, launch))
  const idle = node(world, await folders(world), "-e", "process.stdin.resume()")
  contestants.set(bare, async () => {
    const server = new Server(idle)
    await setTimeout(Settle)
    const megabytes = residentMegabytes(server.pid)
    await server.stop()
    return megabytes
  })

  // The first round creates databases and compiled code.
  await takeTurns(1, contestants)
  afterTurns.clear()
  const idleSamples = await takeTurns(world.quick ? 2 : 5, contestants)
  const turnSamples = new Map([...afterTurns].map(([name, values]) => [name, summarize(values)]))
  const target = { _tag: "OfPeer", peer: "codex", limit: 0.7 } as const
  return [
    compare({ name: "memory", what, unit, target }, ours, withMissing(launched, idleSamples)),
    compare(
      { name: "memory-after-turns", what: "memory after 20 turns", unit },
      ours,
      withMissing(launched, turnSamples)
    )
  ]
}
