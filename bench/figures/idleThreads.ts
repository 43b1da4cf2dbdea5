/**
 * What an additional loaded thread costs that has had a turn and is idle.
 *
 * In this server what is in use after a collection, in the heap of V8 and outside of it: resident memory also has garbage. In
 * the released server resident memory.
 */
import { readFile, rm } from "node:fs/promises"
import * as Path from "node:path"
import process from "node:process"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { compare, type Figure, isMissing, type Missing } from "../figure.ts"
import { isAvailable, residentMegabytes } from "../proc.ts"
import { type Sample, summarize } from "../sample.ts"
import { type Launch, type Server, using } from "../server.ts"
import { codex, type Folders, folders, spindle, type World } from "../world.ts"
import { ours } from "./servers.ts"

/** Threads before the first measurement, and between the two. */
const Before = 100
const Between = 500

/** How long a server's background work after a response may take, in milliseconds. */
const Settle = 1000

const collected = fileURLToPath(new URL("../children/collected.ts", import.meta.url))

const instrumented = (launch: Launch): Launch => ({
  ...launch,
  args: ["--expose-gc", "--import", collected, ...launch.args]
})

/** Bytes in use after a collection. */
const used = async (server: Server, { temporary }: Folders): Promise<number> => {
  const path = Path.join(temporary, "memory")
  await rm(path, { force: true })
  process.kill(server.pid, "SIGUSR2")
  while (true) {
    const text = await readFile(path, "utf8").catch(() => undefined)
    if (text !== undefined) return Number(text)
    await setTimeout(20)
  }
}

/** KiB for each of the additional threads. */
const slope = (launch: Launch, bytes: (server: Server) => Promise<number>, world: World): Promise<number> =>
  using(launch, async (server) => {
    await server.initialize()
    const add = async (count: number): Promise<number> => {
      for (let made = 0; made < count; made++) await server.turn(await server.startThread(world.work))
      await setTimeout(Settle)
      return bytes(server)
    }
    const before = await add(Before)
    return ((await add(Between)) - before) / Between / 1024
  })

export const idleThreads = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const figure = { name: "idle-threads", what: "memory of an idle loaded thread", unit: "KiB" } as const
  if (!isAvailable) return [{ ...figure, ours: { missing: "needs /proc" }, peers: new Map() }]
  const places = await folders(world)
  const results = new Map<string, Sample | Missing>()
  const own = await slope(instrumented(spindle(world, places)), (server) => used(server, places), world)
  results.set(ours, summarize([own]))
  const peer = codex(world, await folders(world))
  const resident = ({ pid }: Server) => Promise.resolve(residentMegabytes(pid) * 1e6)
  results.set("codex", isMissing(peer) ? peer : summarize([await slope(peer, resident, world)]))
  return [compare({ ...figure, target: { _tag: "Figure", limit: 64 } }, ours, results)]
}
