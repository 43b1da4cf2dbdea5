/**
 * A turn with a model without latency, over stdio: the server's overhead. For comparison, the HTTP exchange of such a turn
 * alone, with Effect's own client.
 */
import { appendFile } from "node:fs/promises"
import * as Path from "node:path"
import { Contestant } from "../contestant.ts"
import { compare, type Figure } from "../figure.ts"
import { cpuMillis, isAvailable } from "../proc.ts"
import { type Sample, summarize } from "../sample.ts"
import type { Server } from "../server.ts"
import { folders, spindle, type World } from "../world.ts"
import { compareServers, launches, ours, withMissing, withServers } from "./servers.ts"

const http = "Effect HttpClient + Sse"

const inMemory = "store in memory"

/** CPU of all measured rounds by contestant: a round is too short for the kernel's clock resolution. */
class Cpu {
  readonly #millis = new Map<string, number>()
  readonly #turns = new Map<string, number>()

  add(name: string, millis: number, turns: number): void {
    this.#millis.set(name, (this.#millis.get(name) ?? 0) + millis)
    this.#turns.set(name, (this.#turns.get(name) ?? 0) + turns)
  }

  clear(): void {
    this.#millis.clear()
    this.#turns.clear()
  }

  samples(): ReadonlyMap<string, Sample> {
    return new Map(
      [...this.#millis].map(([name, millis]) => [name, summarize([millis / (this.#turns.get(name) ?? 1)])])
    )
  }
}

/** This server with threads in memory only. */
const withoutFiles = async (world: World) => {
  const places = await folders(world)
  await appendFile(Path.join(places.home, "config.toml"), '\n[spindle]\nstore = "memory"\n')
  return spindle(world, places)
}

/** The results of some contestants. */
const only = <A>(results: ReadonlyMap<string, A>, isShown: (name: string) => boolean): ReadonlyMap<string, A> =>
  new Map([...results].filter(([name]) => isShown(name)))

export const turn = async (world: World): Promise<ReadonlyArray<Figure>> => {
  const launched = new Map([...(await launches(world)), [inMemory, await withoutFiles(world)]])
  const turns = world.quick ? 10 : 30
  const warm = 2
  const cpu = new Cpu()
  const rounds = new Map<string, number>()
  const isWarm = (name: string): boolean => {
    const round = rounds.get(name) ?? 0
    rounds.set(name, round + 1)
    return round >= warm
  }

  /** A new thread for each round, so that the history in the requests is the same for all contestants. */
  const measure = async (server: Server, name: string): Promise<ReadonlyArray<number>> => {
    const thread = await server.startThread(world.work)
    await server.turn(thread)
    const before = isAvailable ? cpuMillis(server.pid) : 0
    const millis: Array<number> = []
    for (let made = 0; made < turns; made++) millis.push(await server.turn(thread))
    if (isWarm(name) && isAvailable) cpu.add(name, cpuMillis(server.pid) - before, turns)
    return millis
  }

  const exchange = await Contestant.start("http", `http://127.0.0.1:${world.modelPort}/deltas/1/v1/responses`)
  try {
    const measureExchange = async (): Promise<number> => {
      const done = await exchange.run(turns, 1)
      if (isWarm(http)) cpu.add(http, done.cpuMillis, turns)
      return done.millis / turns
    }
    const samples = await withServers(launched, (servers) =>
      compareServers(servers, { warm, measured: world.quick ? 2 : 8 }, measure, new Map([[http, measureExchange]]))
    )
    const target = { _tag: "OfPeer", peer: "codex", limit: 0.08 } as const
    const p50 = withMissing(launched, samples)
    const used = withMissing(launched, cpu.samples())
    const [isPeer, isOwn] = [(name: string) => name !== inMemory, (name: string) => name === ours || name === inMemory]
    const overhead = { _tag: "OfPeer", peer: inMemory, limit: 1.15 } as const
    return [
      compare({ name: "turn", what: "turn with an instant model, p50", unit: "ms", target }, ours, only(p50, isPeer)),
      compare({ name: "turn-cpu", what: "CPU of such a turn", unit: "ms" }, ours, only(used, isPeer)),
      compare(
        { name: "turn-store", what: "such a turn beside one without files", unit: "ms", target: overhead },
        ours,
        only(p50, isOwn)
      ),
      compare(
        { name: "turn-store-cpu", what: "its CPU beside one without files", unit: "ms", target: overhead },
        ours,
        only(used, isOwn)
      )
    ]
  } finally {
    exchange.stop()
  }
}
